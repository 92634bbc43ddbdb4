"""What a load run is told, on the command line or in the web UI of Locust."""

from __future__ import annotations

import secrets
from argparse import Namespace
from dataclasses import dataclass, field
from typing import Any

from harness.history.model import Delivery, Promises
from harness.targets.dialect import INVALID, SECRET_VARIABLE, STATED

MOST_SEED = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """One load run.

    Args:
        host: the target's URL, without a slash at the end.
        target: its name in histories and reports.
        secret: signs the users' tokens.
        seed: of canaries, choices and pauses.
        run: drawn anew each time, so that nobody meets what a namesake left on the target in an earlier run.
        users: how many are asked for, in all processes.
        duration_s: how long they work once all are connected; 0 leaves the end to Locust.
        pause_s: least and most seconds between two steps of a user.
        runs_per_user: the limit that the target states; 0 when it states none.
        delivery: how often the target promises an event to arrive.
        chapter_s: how long one history may become before a new one is begun.
        out: run folder for histories, or "" to keep none.
        history: name of the history files.
        summary: file to write the final account to, or "".
    """

    host: str
    target: str
    secret: str = field(repr=False)
    seed: int
    run: str
    users: int
    duration_s: float
    pause_s: tuple[float, float]
    runs_per_user: int
    delivery: Delivery
    chapter_s: float
    out: str
    history: str
    summary: str

    @classmethod
    def of(cls, parsed: Namespace | Any, host: str) -> LoadOptions:
        """Return what Locust has parsed, for one run of this process."""
        return cls(
            host=host.rstrip("/"),
            target=parsed.isolation_target or host,
            secret=parsed.isolation_token_secret or "",
            seed=int(parsed.isolation_seed),
            run=secrets.token_hex(4),
            users=int(parsed.num_users or 0),
            duration_s=float(parsed.isolation_duration),
            pause_s=(float(parsed.isolation_pause_min), float(parsed.isolation_pause_max)),
            runs_per_user=int(parsed.isolation_runs_per_user),
            delivery=Delivery(parsed.isolation_delivery),
            chapter_s=float(parsed.isolation_chapter),
            out=parsed.isolation_out or "",
            history=parsed.isolation_history,
            summary=parsed.isolation_summary or "",
        )

    @property
    def promises(self) -> Promises:
        """What the target is held to."""
        return Promises(runs_per_user=self.runs_per_user or None, delivery=self.delivery, credentials=INVALID)

    def problem(self) -> str:
        """Return why nothing can be done with these options, or `""`."""
        if not self.host:
            return "no target was given: say where it is with --host http://..."
        if not self.secret:
            return (
                f"no token secret was given, so no user can sign in: set {SECRET_VARIABLE} in the environment, "
                "or give --isolation-token-secret"
            )
        low, high = self.pause_s
        if not 0 <= low <= high:
            return f"the pause is from {low} to {high} s: give 0 <= --isolation-pause-min <= --isolation-pause-max"
        return ""


def add_options(parser: Any) -> None:
    """Add the options to Locust's parser."""
    parser.add_argument("--isolation-target", default="", help="name of the target in reports; the host when left out")
    parser.add_argument(
        "--isolation-token-secret",
        env_var=SECRET_VARIABLE,
        default="",
        is_secret=True,
        help=f"signs the users' tokens; better given in the environment, as {SECRET_VARIABLE}",
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
        ("--isolation-runs-per-user", int, STATED.runs_per_user, "the limit that the target states; 0 for none"),
        ("--isolation-chapter", float, 600.0, "seconds after which users and history begin anew, which bounds memory"),
    )
    for name, kind, default, text in numbers:
        parser.add_argument(name, type=kind, default=default, help=text)
    parser.add_argument(
        "--isolation-delivery",
        choices=[promise.value for promise in Delivery],
        default=Delivery.EXACTLY_ONCE.value,
        help="how often the target promises an event to arrive",
    )
    parser.add_argument("--isolation-out", default="", help="run folder for histories")
    hidden = {"include_in_web_ui": False}
    parser.add_argument("--isolation-history", default="load", help="name of the history files", **hidden)
    parser.add_argument("--isolation-summary", default="", help="file for the final account, as JSON", **hidden)
