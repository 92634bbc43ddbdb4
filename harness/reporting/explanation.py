"""How the steps of a story were ordered, taken apart for display.

Rules: every line is kept, in its order; a line of unknown form stands at the end as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FAULT, _DEVIATION = "fault: ", "deviation: "


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the steps of a story.

    Args:
        opening: in which mode, and how far from asyncio's own order.
        faults: at awaits.
        deviations: where it leaves asyncio's own order.
        closing: how it differs from the nearest story in which nothing shows.
    """

    opening: str
    faults: tuple[str, ...]
    deviations: tuple[str, ...]
    closing: tuple[str, ...]


def order(lines: Sequence[str]) -> Order | None:
    """Return the lines of `Evidence.explanation`, taken apart; None when there are none."""
    if not lines:
        return None
    plain = [line for line in lines if not line.startswith((_FAULT, _DEVIATION))]
    opens = lines[0] in plain[:1]
    return Order(
        opening=plain[0] if opens else "",
        faults=_with(lines, _FAULT),
        deviations=_with(lines, _DEVIATION),
        closing=tuple(plain[1:] if opens else plain),
    )


def _with(lines: Sequence[str], prefix: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(prefix) for line in lines if line.startswith(prefix))
