"""Judges the stored histories of a run anew, and says where its evidence claims something else.

What is checked: evidence against its histories, both ways, and the report against the evidence. What is taken on
trust: that the histories are what happened, and what has no histories that are kept: the trials of mutants, and the
schedules suite, which its seed makes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.claims.evidence import Evidence, Suite
from harness.claims.run_folder import RunFolder
from harness.history.model import Event, Header
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import MOST_FINDINGS, FoldGuard, Verdict
from harness.verification.verification import files_of, rendered


@dataclass(slots=True)
class Judged:
    """The histories of one suite, judged anew.

    Args:
        verdicts: by checker, merged.
        histories: how many.
        users: the most in one of them.
        finished: whether the run says that the suite ended; where it did not, nothing was concluded from them.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    histories: int = 0
    users: int = 0
    finished: bool = True

    def add(self, header: Header, verdicts: Mapping[str, Verdict]) -> None:
        """Merge one more history."""
        for name, verdict in verdicts.items():
            known = self.verdicts.get(name)
            self.verdicts[name] = verdict if known is None else known.merge(verdict)
        self.histories += 1
        self.users = max(self.users, header.users)


def judge_anew(folder: RunFolder) -> Mapping[str, Judged]:
    """Fold every history of the target again, also those of a suite that did not end.

    Returns:
        By suite.

    Raises:
        StoreError: a history cannot be read.
    """
    finished = {file for run in folder.suites() for file in run.files}
    judged: dict[str, Judged] = {}
    for file in files_of(folder):
        for header, _, events in folder.histories(file):
            suite = judged.setdefault(header.suite, Judged(finished=file in finished))
            suite.add(header, _folded(header, events))
    return judged


def _folded(header: Header, events: Iterable[Event]) -> Mapping[str, Verdict]:
    folds = {name: FoldGuard(checker, header) for name, checker in CHECKERS.items()}
    for event in events:
        for fold in folds.values():
            fold.step(event)
    return {name: fold.verdict() for name, fold in folds.items()}


def differences(folder: RunFolder, judged: Mapping[str, Judged]) -> list[str]:
    """Return where evidence, histories and report do not say the same, one sentence each."""
    evidence = folder.evidence()
    found = [difference for item in evidence for difference in _compared(item, judged.get(item.suite))]
    said = {(item.suite.value, item.verdict.checker) for item in evidence}
    for suite, anew in judged.items():
        expected = {name for name, verdict in anew.verdicts.items() if verdict.facts or verdict.violated}
        # Under load, only the checkers that can see something there are at work.
        missing = sorted(name for name in expected if anew.finished and (suite, name) not in said)
        found += [f"{suite} {name}: the histories have evidence that is not there" for name in missing]
    found += [f"{name} is not what the evidence renders to" for name in _changed(folder)]
    return found


def _changed(folder: RunFolder) -> Iterator[str]:
    for name, text in rendered(folder).items():
        if folder.read_text(name) != text:
            yield name


def _compared(item: Evidence, anew: Judged | None) -> Iterator[str]:
    if item.suite is Suite.SCHEDULES:
        return  # one history for each schedule: they are not kept, as the seed makes them again
    where = f"{item.suite} {item.verdict.checker}"
    verdict = anew.verdicts.get(item.verdict.checker) if anew is not None else None
    if anew is None or verdict is None:
        if item.verdict.facts or item.verdict.violated:
            yield f"{where}: the evidence has no history"
        return
    compared: dict[str, tuple[object, object]] = {
        "examined": (dict(item.verdict.examined), dict(verdict.examined)),
        "violations": (dict(item.verdict.violations), dict(verdict.violations)),
        "histories": (item.histories, anew.histories),
        "users": (item.users, min(item.users, anew.users)),
    }
    if verdict.violated <= MOST_FINDINGS:  # beyond that, which are kept depends on the order of merging
        compared["findings"] = (set(item.verdict.findings), set(verdict.findings))
    for what, (recorded, seen) in compared.items():
        if recorded != seen:
            yield f"{where}: {what} {_short(recorded)}, but judged anew {_short(seen)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
