"""What an application is told from outside: one frozen value, read once, passed down.

Rule: a secret has no default. An application without one does not start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

PREFIX = "REFERENCE_IMPL_"
"""What the environment variables begin with; the rest is the field's name in capitals."""


class MissingSetting(ValueError):
    """A setting without a default was not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one application runs.

    Args:
        database_url: SQLAlchemy URL with an asyncio driver; an SQLite file, or another database.
        token_secret: signs the bearer tokens; at least 32 random bytes.
        token_audience: whom tokens must be meant for.
        token_issuer: who must have issued them; anybody with the secret when None.
        allowed_origins: the Origin headers a browser's socket may have; sockets without one are no browser's.
        runs_per_user: runs of one user at work at once, at least 1.
        waiting_per_user: accepted runs of one user waiting for one of those to end, 0 or more.
        run_timeout_s: seconds an agent may work on one run, above 0.
        queue_size: messages that may wait for one connection before it is closed, at least 1.
        drain_s: seconds that runs may take to end at shutdown before they are stopped, 0 or more.
    """

    database_url: str
    token_secret: str = field(repr=False)
    token_audience: str = "reference_impl"
    token_issuer: str | None = None
    allowed_origins: tuple[str, ...] = ()
    runs_per_user: int = 3
    waiting_per_user: int = 32
    run_timeout_s: float = 30.0
    queue_size: int = 256
    drain_s: float = 5.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read settings from REFERENCE_IMPL_... variables; origins are separated by commas.

        Raises:
            MissingSetting: DATABASE_URL or TOKEN_SECRET is not set; lists both.
            ValueError: a number is not one.
        """
        source = os.environ if environment is None else environment
        given = {item.name: source[PREFIX + item.name.upper()] for item in fields(cls) if _is_set(source, item.name)}
        if missing := [name for name in ("database_url", "token_secret") if name not in given]:
            names = " and ".join(PREFIX + name.upper() for name in missing)
            raise MissingSetting(
                f"{names} must be set: a default would be the same everywhere, and known to everybody. "
                "Set it in the environment of the process."
            )
        return cls(**{name: _parsed(name, text) for name, text in given.items()})  # type: ignore[arg-type]


def _is_set(source: Mapping[str, str], name: str) -> bool:
    return bool(source.get(PREFIX + name.upper(), ""))


def _parsed(name: str, text: str) -> object:
    if name == "allowed_origins":
        return tuple(origin.strip() for origin in text.split(",") if origin.strip())
    if name in ("runs_per_user", "waiting_per_user", "queue_size"):
        return int(text)
    if name in ("run_timeout_s", "drain_s"):
        return float(text)
    return text
