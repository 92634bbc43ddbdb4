"""How the steps of a story were ordered, taken apart for display.

Rules: every line is kept, in its order; a line of unknown form stands at the end as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BLOW, _DEVIATION = "blow: ", "deviation: "


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the steps of a story.

    Args:
        opening: in which mode, and how far from asyncio's own order.
        blows: the faults at awaits.
        deviations: where it leaves asyncio's own order.
        closing: how it differs from the nearest story in which nothing shows.
    """

    opening: str
    blows: tuple[str, ...]
    deviations: tuple[str, ...]
    closing: tuple[str, ...]


def order(told: Sequence[str]) -> Order | None:
    """Return the lines of `Evidence.told`, taken apart; None when there are none."""
    if not told:
        return None
    plain = [line for line in told if not line.startswith((_BLOW, _DEVIATION))]
    opens = told[0] in plain[:1]
    return Order(
        opening=plain[0] if opens else "",
        blows=_with(told, _BLOW),
        deviations=_with(told, _DEVIATION),
        closing=tuple(plain[1:] if opens else plain),
    )


def _with(told: Sequence[str], prefix: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(prefix) for line in told if line.startswith(prefix))
