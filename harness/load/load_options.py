"""What a load run is told, on the command line or in the web UI of Locust."""

from __future__ import annotations

import secrets
from argparse import Namespace
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.adapter.adapter import Adapter, AdapterError
from harness.adapter.importing import TargetError, imported
from harness.drafting import DraftError, drafted_adapter, is_application

MOST_SEED = 2**31
ADAPTER = "adapter"
"""What an adapter is called in its file."""


class UnusableOptions(Exception):
    """Nothing can be done with these options. Says why, and what to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """One load run.

    Args:
        adapter: describes the service.
        host: the service's URL, without a slash at the end.
        target: its name in histories and reports.
        seed: of canaries, choices and pauses.
        run: drawn anew each time, so that nobody meets what a namesake left on the target in an earlier run.
        users: how many are asked for, in all processes.
        duration_s: how long they work once all are connected; 0 leaves the end to Locust.
        pause_s: least and most seconds between two steps of a user.
        history_s: how long one history may become before a new one is begun, with users of its own.
        out: run folder for histories, or "" to keep none.
        history: name of the history files.
        summary: file to write the final account to, or "".
    """

    adapter: Adapter
    host: str
    target: str
    seed: int
    run: str
    users: int
    duration_s: float
    pause_s: tuple[float, float]
    history_s: float
    out: str
    history: str
    summary: str

    @classmethod
    def of(cls, parsed: Namespace | Any, host: str) -> LoadOptions:
        """Return what Locust has parsed, for one run of this process.

        Raises:
            UnusableOptions: nothing can be done with it.
        """
        adapter = adapter_at(parsed.adapter)
        host = host or adapter.url
        if not host:
            raise UnusableOptions("nobody says where the service is: give --host http://..., or `url` in the adapter")
        pause_s = (float(parsed.isolation_pause_min), float(parsed.isolation_pause_max))
        if not 0 <= pause_s[0] <= pause_s[1]:
            raise UnusableOptions(
                f"the pause is from {pause_s[0]} to {pause_s[1]} s: give 0 <= --isolation-pause-min <= "
                "--isolation-pause-max"
            )
        return cls(
            adapter=adapter,
            host=host.rstrip("/"),
            target=parsed.isolation_target or adapter.name,
            seed=int(parsed.isolation_seed),
            run=secrets.token_hex(4),
            users=int(parsed.num_users or 0),
            duration_s=float(parsed.isolation_duration),
            pause_s=pause_s,
            history_s=float(parsed.isolation_history_s),
            out=parsed.isolation_out or "",
            history=parsed.isolation_history,
            summary=parsed.isolation_summary or "",
        )


@cache
def adapter_at(place: str) -> Adapter:
    """Return the adapter at a place, that load can be put on.

    Args:
        place: `module:attribute`, `file.py:attribute` or `file.py`; an adapter, a function that returns one, or an
            application of which one is drafted.

    Raises:
        UnusableOptions: there is none, or none that load can be put on.
    """
    if not place:
        raise UnusableOptions("no adapter was given, so nobody knows what users do: give --adapter isolation_target.py")
    try:
        found = imported(place, ADAPTER)
        if is_application(found):
            adapter, _ = drafted_adapter(found, place)
        else:
            adapter = found() if callable(found) else found
    except (TargetError, AdapterError, DraftError) as error:
        raise UnusableOptions(f"--adapter {place}: {error}") from error
    if not isinstance(adapter, Adapter):
        raise UnusableOptions(f"--adapter {place} is a {type(adapter).__name__}: name an Adapter")
    if unspoken := [channel.name for channel in adapter.channels if channel.protocol == "socketio"]:
        raise UnusableOptions(
            f"the channel {unspoken[0]} speaks Socket.IO, which users under load do not: leave it out of the adapter "
            "that load is given, or leave load out (`load = false` in the plan)"
        )
    if adapter.http2:
        raise UnusableOptions(
            "the adapter says http2=True, and users under load speak HTTP/1.1: leave it out of the adapter that load "
            "is given, if the service speaks both, or leave load out (`load = false` in the plan)"
        )
    return adapter


def add_options(parser: Any) -> None:
    """Add the options to Locust's parser."""
    parser.add_argument(
        "--adapter",
        default="",
        env_var="ISOLATION_ADAPTER",
        help="what describes the service: isolation_target.py, or module:attribute",
    )
    parser.add_argument(
        "--isolation-target", default="", help="name of the target in reports; the adapter's when left out"
    )
    numbers: tuple[tuple[str, type, Any, str], ...] = (
        ("--isolation-seed", int, None, "of canaries, choices and pauses; drawn and told when left out"),
        (
            "--isolation-duration",
            float,
            0.0,
            "seconds of work once all users are connected; 0 leaves the end to Locust",
        ),
        ("--isolation-pause-min", float, 0.5, "least seconds between two steps of a user"),
        ("--isolation-pause-max", float, 1.5, "most seconds between two steps of a user"),
        ("--isolation-history-s", float, 600.0, "seconds after which users and history begin anew: bounds memory"),
    )
    for name, kind, default, text in numbers:
        parser.add_argument(name, type=kind, default=default, help=text)
    parser.add_argument("--isolation-out", default="", help="run folder for histories")
    hidden = {"include_in_web_ui": False}
    parser.add_argument("--isolation-history", default="load", help="name of the history files", **hidden)
    parser.add_argument("--isolation-summary", default="", help="file for the final account, as JSON", **hidden)
