"""Run folders: histories and evidence as JSON lines. The only place that reads and writes them.

    manifest.json            what was to be verified
    histories/NAME.jsonl     one line per event, each history opened by a line with its header and program
    suites.jsonl             that a suite ran
    evidence.jsonl           one line per checker, suite and target
    trials.jsonl             one line per mutant, twin and null target
    witnesses/NAME.json      the smallest violating program of a checker, for `harness replay`
    note.txt                 why the run stopped early; there from the beginning, and gone at the end
    report.*, junit.xml      rendered from the above, and from nothing else

Lines are appended as things happen and flushed at the end of each history, so a killed run keeps what it had; a last
line that was cut off is left out when read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.claims.evidence import Evidence, Manifest, SuiteOutcome, SuiteRun, Trial
from harness.claims.requests import requests_of
from harness.history.model import Event, Header, History
from harness.judging.verdict import Finding
from harness.scenario.program import Do, Interleaving, Program, Step, groups_of

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Opening:
    """The line that opens a history."""

    header: Header
    program: Program | None = None


_EVENT = TypeAdapter(Event)
_HEADER = TypeAdapter(Header)
_PROGRAM = TypeAdapter(Program)
_OPENING = TypeAdapter(_Opening)
_HEAD = b'{"header"'
_NOTE = "note.txt"
_Line = tuple[int, bytes]
_LINES: Mapping[type, tuple[str, TypeAdapter[Any]]] = {
    SuiteRun: ("suites.jsonl", TypeAdapter(SuiteRun)),
    Evidence: ("evidence.jsonl", TypeAdapter(Evidence)),
    Trial: ("trials.jsonl", TypeAdapter(Trial)),
}
_MANIFEST = TypeAdapter(Manifest)


class StoreError(Exception):
    """A folder or file cannot be read. Says which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The smallest violating program that was found, which is what a replay needs.

    Args:
        checker: that found it.
        finding: the first.
        target: as given to `--target`.
        header, program: of the history.
        history: the events that were seen, in full.
        interleaving: the order of steps in which it shows; None when the order was not controlled.
        explanation: that order in words.
        earlier: requests of earlier performances that it shows, in lines.
        url: of the service that it was done to.
        shown: in how many of how many further attempts it showed again; (0, 0) when none was made.
    """

    checker: str
    finding: Finding
    target: str
    header: Header
    program: Program
    history: tuple[Event, ...]
    interleaving: Interleaving | None = None
    explanation: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    url: str = ""
    shown: tuple[int, int] = (0, 0)

    @property
    def requests(self) -> tuple[str, ...]:
        """The requests that the finding is about, and what the observer got, in lines."""
        return (*self.earlier, *requests_of(self.history, self.finding))

    def lines(self) -> tuple[str, ...]:
        """Return what was done, in words: step by step, or, where all wait for each other, what was done at once."""
        steps = self.story()
        if all(step.do is not Do.JOIN for step in steps):
            return tuple(str(step) for step in steps)
        groups = ([str(step) for step in group if step.do is not Do.JOIN] for group in groups_of(steps))
        return tuple("; ".join(group) for group in groups if group)

    def story(self) -> tuple[Step, ...]:
        """Return the steps of the program, without the operations that the target does not offer."""
        offers = self.header.promises.offers
        return tuple(step for step in self.program.steps if step.operation is None or offers(step.operation))


_WITNESS = TypeAdapter(Witness)


class HistoryFile:
    """Appends histories to one file. Use as a context manager."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._file: IO[bytes] = path.open("ab")

    def begin(self, header: Header, program: Program | None = None) -> None:
        """Open a new history."""
        opening = {"header": _HEADER.dump_python(header, mode="json")}
        if program is not None:
            opening["program"] = _PROGRAM.dump_python(program, mode="json")
        self._file.write(json.dumps(opening, separators=(",", ":")).encode() + b"\n")

    def append(self, event: Event) -> None:
        """Add the next event."""
        self._file.write(_EVENT.dump_json(event) + b"\n")

    def end(self) -> None:
        """Close the history: from here on it survives a crash of this process."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> HistoryFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RunFolder:
    """One verification's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, manifest: Manifest) -> RunFolder:
        """Make the folder.

        Raises:
            StoreError: it exists and holds something, or cannot be made; nothing recorded is ever overwritten.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise StoreError(f"{path} is not empty, and what is recorded is never overwritten: give a new --out")
            for part in ("histories", "witnesses"):
                (path / part).mkdir()
            (path / "manifest.json").write_bytes(_MANIFEST.dump_json(manifest, indent=2) + b"\n")
            (path / _NOTE).write_text("the verification did not finish\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"cannot write to {path} ({error}): give an --out that can be written") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open a folder that a verification has written.

        Raises:
            StoreError: it is none.
        """
        folder = cls(path)
        folder.manifest()
        return folder

    def manifest(self) -> Manifest:
        """Return what was to be verified."""
        path = self.path / "manifest.json"
        try:
            return _MANIFEST.validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise StoreError(
                f"{self.path} is not a run folder ({type(error).__name__} in manifest.json): "
                "give the folder that `harness verify --out` has written"
            ) from error

    def history_file(self, name: str) -> HistoryFile:
        """Return a file to append histories to, under `histories/`."""
        relative = f"histories/{name}.jsonl"
        return HistoryFile(self.path / relative, relative)

    def add(self, item: SuiteRun | Evidence | Trial) -> None:
        """Append one line of evidence."""
        name, adapter = _LINES[type(item)]
        with (self.path / name).open("ab") as file:
            file.write(adapter.dump_json(item) + b"\n")

    def keep(self, outcome: SuiteOutcome) -> None:
        """Append all that a suite leaves behind."""
        self.add(outcome.run)
        for item in outcome.evidence:
            self.add(item)

    def suites(self) -> tuple[SuiteRun, ...]:
        """Return the suites that ran."""
        return tuple(self._lines(SuiteRun))

    def evidence(self) -> tuple[Evidence, ...]:
        """Return the evidence."""
        return tuple(self._lines(Evidence))

    def trials(self) -> tuple[Trial, ...]:
        """Return the trials."""
        return tuple(self._lines(Trial))

    def write_witness(self, name: str, witness: Witness) -> str:
        """Keep a witness; return its name relative to the folder."""
        relative = f"witnesses/{name}.json"
        (self.path / relative).write_bytes(_WITNESS.dump_json(witness, indent=1) + b"\n")
        return relative

    def read_history(self, relative: str) -> History:
        """Return the history of a witness, or the first one of a history file.

        Raises:
            LookupError: there is none.
        """
        path = self.path / relative
        if relative.startswith("witnesses/"):
            try:
                witness = read_witness(path)
            except StoreError as error:
                raise LookupError(str(error)) from error
            return History(witness.header, witness.history)
        for header, _, events in self.histories(relative):
            return History(header, tuple(events))
        raise LookupError(f"{path} holds no history")

    def history_files(self) -> tuple[str, ...]:
        """Return every history file, by its name relative to the folder."""
        return tuple(sorted(f"histories/{path.name}" for path in (self.path / "histories").glob("*.jsonl")))

    def histories(self, relative: str) -> Iterator[tuple[Header, Program | None, Iterator[Event]]]:
        """Yield each history of a file. Read its events before asking for the next history."""
        yield from _histories(self.path / relative)

    def note(self) -> str:
        """Return why the run stopped early, or `""`."""
        return self.read_text(_NOTE).strip()

    def write_note(self, text: str) -> None:
        """Say why the run stopped early."""
        (self.path / _NOTE).write_text(text + "\n", encoding="utf-8")

    def conclude(self) -> None:
        """Say that the run has come to its end: until then the folder says that it has not, whatever kills it."""
        (self.path / _NOTE).unlink(missing_ok=True)

    def read_text(self, name: str) -> str:
        """Return a text file of the folder, or `""` when there is none."""
        path = self.path / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def write_reports(self, texts: Mapping[str, str]) -> None:
        """Write the rendered reports."""
        for name, text in texts.items():
            (self.path / name).write_text(text, encoding="utf-8")

    def _lines(self, kind: type[_T]) -> Iterator[_T]:
        name, adapter = _LINES[kind]
        path = self.path / name
        if not path.exists():
            return
        for numbered in enumerate(_whole_lines(path), 1):
            yield _told_by(path, numbered, adapter.validate_json)


@contextmanager
def history_file(folder: RunFolder | None, name: str) -> Iterator[HistoryFile | None]:
    """Open a file to append histories to; None where nothing is kept."""
    if folder is None:
        yield None
        return
    with folder.history_file(name) as file:
        yield file


def plain_name(name: str) -> str:
    """Return the name of a target as it stands in file names."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name).strip("-") or "target"


def read_witness(path: Path) -> Witness:
    """Return the witness in this file.

    Raises:
        StoreError: it is none.
    """
    try:
        return _WITNESS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
        raise StoreError(
            f"{path} cannot be replayed ({reason}): give a file from the witnesses/ folder of a run"
        ) from error


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that were written to their end."""
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line
    except OSError as error:
        raise StoreError(f"cannot read {path} ({error.strerror}): the run folder is not whole") from error


def _histories(path: Path) -> Iterator[tuple[Header, Program | None, Iterator[Event]]]:
    lines = enumerate(_whole_lines(path), 1)
    opening = next(lines, None)
    while opening is not None:
        following: list[_Line] = []
        opened = _told_by(path, opening, _OPENING.validate_json)
        yield opened.header, opened.program, _events(path, lines, following)
        opening = following[0] if following else _skip(lines)


def _events(path: Path, lines: Iterator[_Line], following: list[_Line]) -> Iterator[Event]:
    for expected, (number, line) in enumerate(lines):
        if line.startswith(_HEAD):
            following.append((number, line))
            return
        event = _told_by(path, (number, line), _EVENT.validate_json)
        if event.index != expected:
            raise StoreError(
                f"line {number} of {path} is event {event.index} where event {expected} should be: "
                "a line was taken out, put in or moved. Verify again"
            )
        yield event


def _skip(lines: Iterator[_Line]) -> _Line | None:
    return next((numbered for numbered in lines if numbered[1].startswith(_HEAD)), None)


def _told_by(path: Path, numbered: _Line, read: Callable[[bytes], _T]) -> _T:
    """Return what the line says."""
    number, line = numbered
    try:
        return read(line)
    except ValidationError as error:
        raise StoreError(
            f"line {number} of {path} cannot be read ({error.errors()[0]['msg']}): "
            "it was changed, or written by another version. Verify again"
        ) from error
