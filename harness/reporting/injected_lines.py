"""Where faults were injected: by fault, and by file and line.

Rules: a line at which a task was seen to wait and no fault was injected is in the table, too. At most MOST_FILES files,
those with the most lines, are kept; what is left out is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reporting.explored import Explored
from harness.reporting.schedule_words import FAULTS
from harness.reporting.wording import natural, plural

MOST_FILES = 40


@dataclass(frozen=True, slots=True)
class InjectedFile:
    """One file.

    Args:
        file: its name.
        lines: by fault, in the order of `InjectedLines.faults`: the lines where it was injected.
        spared: the lines at which tasks waited and no fault was injected.
    """

    file: str
    lines: tuple[tuple[str, ...], ...]
    spared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InjectedLines:
    """The tables.

    Args:
        faults: (fault, what it does, at how many lines it fell).
        files: a row each.
        spared: at how many lines no fault was injected.
        note: what was left out, or `""`.
    """

    faults: tuple[tuple[str, str, int], ...]
    files: tuple[InjectedFile, ...]
    spared: int
    note: str


def injected_lines(explored: Explored) -> InjectedLines | None:
    """Return the tables, or None when no fault was injected."""
    if not explored.injected:
        return None
    faults = tuple(dict.fromkeys((*FAULTS, *sorted(fault for fault, _ in explored.injected))))
    injected = {site for _, site in explored.injected}
    files: dict[str, set[str]] = {}
    for site in (*explored.sites, *injected):
        files.setdefault(_file(site), set()).add(site)
    kept = sorted(sorted(files, key=lambda file: (-len(files[file]), natural(file), file))[:MOST_FILES], key=natural)
    return InjectedLines(
        faults=tuple(
            (fault, FAULTS.get(fault, ""), len({site for name, site in explored.injected if name == fault}))
            for fault in faults
        ),
        files=tuple(_row(explored, file, files[file], faults, injected) for file in kept),
        spared=sum(site not in injected for site in explored.sites),
        note=f"{len(kept)} of {plural(len(files), 'file')} are in the table." if len(kept) < len(files) else "",
    )


def _row(explored: Explored, file: str, sites: set[str], faults: tuple[str, ...], injected: set[str]) -> InjectedFile:
    by_fault = (_lines(site for name, site in explored.injected if name == fault and site in sites) for fault in faults)
    return InjectedFile(file, tuple(by_fault), _lines(sites - injected))


def _file(site: str) -> str:
    return _split(site)[0]


def _lines(sites: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((_split(site)[1] for site in sites), key=lambda line: (natural(line), line)))


def _split(site: str) -> tuple[str, str]:
    """Return file and line of `file.py:12`; what ends in no number is a file."""
    file, _, line = site.rpartition(":")
    return (file, line) if file and line.isdecimal() else (site, "line unknown")
