"""Where blows fell: by strike, and by file and line.

Rules: a line at which a task was seen to wait and no blow fell is in the table, too. At most MOST_FILES files, those
with the most lines kept; what is left out is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reporting.explored import Explored
from harness.reporting.schedule_words import STRIKES
from harness.reporting.wording import natural, plural

MOST_FILES = 40


@dataclass(frozen=True, slots=True)
class StruckFile:
    """One file.

    Args:
        file: its name.
        lines: by strike, in the order of `StruckLines.strikes`: the lines where it fell.
        spared: the lines at which tasks waited and no blow fell.
    """

    file: str
    lines: tuple[tuple[str, ...], ...]
    spared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StruckLines:
    """The tables.

    Args:
        strikes: (strike, what it does, at how many lines it fell).
        files: a row each.
        spared: at how many lines no blow fell.
        note: what was left out, or `""`.
    """

    strikes: tuple[tuple[str, str, int], ...]
    files: tuple[StruckFile, ...]
    spared: int
    note: str


def struck_lines(explored: Explored) -> StruckLines | None:
    """Return the tables, or None when no blow fell."""
    if not explored.struck:
        return None
    strikes = tuple(dict.fromkeys((*STRIKES, *sorted(strike for strike, _ in explored.struck))))
    struck = {site for _, site in explored.struck}
    files: dict[str, set[str]] = {}
    for site in (*explored.sites, *struck):
        files.setdefault(_file(site), set()).add(site)
    kept = sorted(sorted(files, key=lambda file: (-len(files[file]), natural(file), file))[:MOST_FILES], key=natural)
    return StruckLines(
        strikes=tuple(
            (strike, STRIKES.get(strike, ""), len({site for name, site in explored.struck if name == strike}))
            for strike in strikes
        ),
        files=tuple(_row(explored, file, files[file], strikes, struck) for file in kept),
        spared=sum(site not in struck for site in explored.sites),
        note=f"{len(kept)} of {plural(len(files), 'file')} are in the table." if len(kept) < len(files) else "",
    )


def _row(explored: Explored, file: str, sites: set[str], strikes: tuple[str, ...], struck: set[str]) -> StruckFile:
    by_strike = (
        _lines(site for name, site in explored.struck if name == strike and site in sites) for strike in strikes
    )
    return StruckFile(file, tuple(by_strike), _lines(sites - struck))


def _file(site: str) -> str:
    return _split(site)[0]


def _lines(sites: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((_split(site)[1] for site in sites), key=lambda line: (natural(line), line)))


def _split(site: str) -> tuple[str, str]:
    """Return file and line of `file.py:12`; what ends in no number is a file."""
    file, _, line = site.rpartition(":")
    return (file, line) if file and line.isdecimal() else (site, "line unknown")
