"""The extras of the distribution: packages that only some need, and the sentence for who needs one and has it not.

Nothing is imported to find out whether it is there: Locust would patch this process.
"""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS = {"load": "locust", "cluster": "distributed", "socketio": "socketio"}
"""By extra: the module that shows whether it is installed."""


class MissingExtra(Exception):
    """Something that was asked for needs an extra that is not installed. Says which, and how to get it."""


def installed(extra: str) -> bool:
    """Whether an extra, a key of EXTRAS, is installed."""
    return find_spec(EXTRAS[extra]) is not None


def need(extra: str, what: str) -> None:
    """Do nothing where an extra is installed.

    Args:
        extra: a key of EXTRAS.
        what: needs it: the beginning of the sentence that says so.

    Raises:
        MissingExtra: it is not.
    """
    if not installed(extra):
        raise MissingExtra(
            f"{what} needs {EXTRAS[extra]}, which is not installed: pip install 'isolation-harness[{extra}]'"
        )
