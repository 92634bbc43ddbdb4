from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims.evidence import Evidence, Manifest, SubjectKind, Suite, SuiteOutcome, SuiteRun, Trial
from harness.claims.run_folder import RunFolder, StoreError, Witness, plain_name, read_witness
from harness.history.model import Credential, Event, EventKind, Header, History, Operation, Promises, User
from harness.history.semantics import Semantics, Work
from harness.judging.verdict import Finding, Outcome, Verdict
from harness.scenario.program import Do, Program, Step

MANIFEST = Manifest(run="r", target="t", plan="p", required=("EVT-1",), seed=1, users=2, started="now", version="0")
HEADER = Header(target="t", suite=Suite.PROPERTIES, seed=1, users=2)

texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.integers(0, 2**53)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(texts, part, max_size=3),
    max_leaves=5,
)
events = st.builds(
    Event,
    index=numbers,
    kind=st.sampled_from(EventKind),
    user=texts,
    device=numbers,
    call=st.none() | numbers,
    name=texts,
    value=json_values,
    time_ns=numbers,
)
findings = st.builds(
    Finding, anomaly=texts, message=texts, observer=texts, owner=texts, witness=st.lists(numbers, max_size=3).map(tuple)
)
counts = st.dictionaries(texts, numbers, max_size=3)
verdicts = st.builds(
    Verdict, texts, counts, counts, st.lists(findings, max_size=2).map(tuple), st.lists(texts, max_size=2).map(tuple)
)
evidence = st.builds(
    Evidence,
    suite=st.sampled_from(Suite),
    target=texts,
    seed=numbers,
    users=numbers,
    histories=numbers,
    verdict=verdicts,
    replay=texts,
    witness=st.none() | texts,
)
trials = st.builds(
    Trial,
    subject=texts,
    kind=st.sampled_from(SubjectKind),
    sentence=texts,
    suite=st.sampled_from(Suite),
    expected=texts,
    outcomes=st.dictionaries(texts, st.sampled_from(Outcome), max_size=3),
    holding=st.lists(texts, max_size=2).map(tuple),
    finding=st.none() | findings,
    error=texts,
    measures=st.dictionaries(texts, json_values, max_size=2),
    witness=st.none() | texts,
)
suite_runs = st.builds(
    SuiteRun,
    suite=st.sampled_from(Suite),
    target=texts,
    seed=numbers,
    users=numbers,
    files=st.lists(texts, max_size=2).map(tuple),
    measures=st.dictionaries(texts, json_values, max_size=2),
    doubt=texts,
)
semantics = st.builds(
    Semantics,
    texts,
    makes=st.none() | texts,
    takes=st.none() | texts,
    texts=st.lists(texts, max_size=2).map(tuple),
    starts=st.none() | st.builds(Work, writes=texts),
)
promises = st.builds(
    Promises,
    operations=st.dictionaries(texts, semantics, max_size=2),
    runs_per_user=st.none() | numbers,
    credentials=st.frozensets(st.sampled_from(Credential)),
)
headers = st.builds(Header, target=texts, suite=st.sampled_from(Suite), seed=numbers, users=numbers, promises=promises)
operations = st.builds(Operation, texts, *2 * [st.dictionaries(texts, json_values, max_size=3)])
steps = st.builds(Step, st.sampled_from(Do), numbers, st.none() | operations, numbers, numbers)
users = st.builds(User, numbers, texts, st.sampled_from(Credential))
programs = st.builds(Program, texts, st.lists(users, max_size=2).map(tuple), st.lists(steps, max_size=3).map(tuple))
witnesses = st.builds(
    Witness,
    checker=texts,
    finding=findings,
    target=texts,
    header=headers,
    program=programs,
    history=st.lists(events, max_size=3).map(tuple),
)


def created(path: Path) -> RunFolder:
    """Return a new run folder."""
    return RunFolder.create(path / "of" / "run", MANIFEST)


class TestRoundTrip:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(headers, st.none() | programs, st.lists(events, max_size=3)), max_size=3))
    def test_histories(self, histories: list[tuple[Header, Program | None, list[Event]]]) -> None:
        """Each comes back as it was, with its header and program; events look like no header, whatever they hold."""
        with tempfile.TemporaryDirectory() as folder:
            run = created(Path(folder))
            histories = [
                (header, program, [replace(event, index=index) for index, event in enumerate(happened)])
                for header, program, happened in histories
            ]
            with run.history_file("h") as file:
                for header, program, happened in histories:
                    file.begin(header, program)
                    for event in happened:
                        file.append(event)
                    file.end()
            assert histories == [(header, program, list(read)) for header, program, read in run.histories(file.name)]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(suite_runs, max_size=2), st.lists(evidence, max_size=2), st.lists(trials, max_size=2))
    def test_evidence(self, runs: list[SuiteRun], items: list[Evidence], tried: list[Trial]) -> None:
        """What a suite leaves behind is read as it was written, in its order."""
        with tempfile.TemporaryDirectory() as folder:
            run = created(Path(folder))
            for item in (*runs, *items, *tried):
                run.add(item)
            assert (tuple(runs), tuple(items), tuple(tried)) == (run.suites(), run.evidence(), run.trials())

    @settings(max_examples=40, deadline=None)
    @given(witnesses)
    def test_a_witness(self, witness: Witness) -> None:
        """What a replay needs is in the file."""
        with tempfile.TemporaryDirectory() as folder:
            run = created(Path(folder))
            assert witness == read_witness(run.path / run.write_witness("w", witness))

    def test_the_manifest(self, tmp_path: Path) -> None:
        """What was to be verified stays known."""
        assert MANIFEST == RunFolder.open(created(tmp_path).path).manifest()


def history(run: RunFolder, count: int = 3) -> Path:
    """Write one history of that many events, and return its file."""
    with run.history_file("h") as file:
        file.begin(HEADER)
        for index in range(count):
            file.append(Event(index=index, kind=EventKind.PROBE, user="", name="tick"))
        file.end()
    return run.path / file.name


def evidence_line(checker: str) -> Evidence:
    """Return evidence of this checker."""
    return Evidence(
        suite=Suite.LOAD, target="t", seed=1, users=2, histories=1, verdict=Verdict(checker), replay="again"
    )


class TestDamage:
    def test_a_last_line_that_was_cut_off_is_left_out(self, tmp_path: Path) -> None:
        """A killed run keeps what it had written to the end of a line."""
        run = created(tmp_path)
        path = history(run)
        path.write_bytes(path.read_bytes()[:-5])
        read = [event.index for _, _, events in run.histories("histories/h.jsonl") for event in events]
        run.add(evidence_line("a"))
        run.add(evidence_line("b"))
        lines = run.path / "evidence.jsonl"
        lines.write_bytes(lines.read_bytes()[:-5])
        assert ([0, 1], ["a"]) == (read, [item.verdict.checker for item in run.evidence()])

    def test_a_changed_line_of_evidence_is_named(self, tmp_path: Path) -> None:
        """Which line of which file, and what to do: verify again."""
        run = created(tmp_path)
        run.add(evidence_line("a"))
        run.add(evidence_line("b"))
        path = run.path / "evidence.jsonl"
        path.write_text(path.read_text().replace('"checker":"b"', '"checker":1'))
        with pytest.raises(StoreError, match=r"line 2 of .*evidence.jsonl cannot be read .*Verify again"):
            run.evidence()

    @pytest.mark.parametrize(
        ("old", "new", "line"),
        [('"index":1', '"index":"x"', 3), ('"index":1', '"index":', 3), ('"seed":1', '"seed":[]', 1)],
    )
    def test_a_changed_line_of_a_history_is_named(self, tmp_path: Path, old: str, new: str, line: int) -> None:
        """An event, or the line that opens the history: both would else be a crash without a place."""
        run = created(tmp_path)
        path = history(run)
        path.write_text(path.read_text().replace(old, new))
        with pytest.raises(StoreError, match=rf"line {line} of .*h.jsonl cannot be read .*Verify again"):
            [list(events) for _, _, events in run.histories("histories/h.jsonl")]

    @pytest.mark.parametrize("order", [[0, 2], [1, 2], [0, 1, 1, 2], [1, 0, 2]])
    def test_a_line_that_was_taken_out_put_in_or_moved_is_named(self, tmp_path: Path, order: list[int]) -> None:
        """Also one that no checker would miss: events are numbered without a gap."""
        run = created(tmp_path)
        path = history(run)
        opening, *lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([opening, *(lines[index] for index in order)]))
        with pytest.raises(StoreError, match=r"of .*h.jsonl is event . where event . should be: .*Verify again"):
            [list(events) for _, _, events in run.histories("histories/h.jsonl")]

    def test_a_history_file_that_is_gone_is_named(self, tmp_path: Path) -> None:
        """The folder is not whole."""
        with pytest.raises(StoreError, match=r"cannot read .*h.jsonl \(No such file .*not whole"):
            list(created(tmp_path).histories("histories/h.jsonl"))

    def test_a_witness_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        """In the words of the system."""
        with pytest.raises(StoreError, match=r"cannot be replayed \(No such file"):
            read_witness(tmp_path / "w.json")

    @pytest.mark.parametrize("text", ["", "{}", "no json"])
    def test_what_is_no_witness_cannot_be_replayed(self, tmp_path: Path, text: str) -> None:
        """The error says what can be."""
        path = tmp_path / "w.json"
        path.write_text(text)
        with pytest.raises(StoreError, match="cannot be replayed .*give a file from the witnesses/ folder of a run"):
            read_witness(path)

    def test_a_folder_without_a_manifest_is_no_run_folder(self, tmp_path: Path) -> None:
        """The error says which folder to give."""
        said = r"is not a run folder \(FileNotFoundError .*: give the folder that `harness verify --out` has written$"
        with pytest.raises(StoreError, match=said):
            RunFolder.open(tmp_path)


class TestNeverOverwritten:
    def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(self, tmp_path: Path) -> None:
        """Whatever it is that it holds."""
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(
            StoreError, match="is not empty, and what is recorded is never overwritten: give a new --out"
        ):
            RunFolder.create(tmp_path, MANIFEST)
        assert {"notes.txt": "mine"} == {path.name: path.read_text() for path in tmp_path.iterdir()}

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        """A file is in the way."""
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="cannot write to .*give an --out that can be written"):
            RunFolder.create(tmp_path / "file", MANIFEST)

    def test_a_history_file_is_appended_to(self, tmp_path: Path) -> None:
        """The second suite of one name adds to what the first has written."""
        run = created(tmp_path)
        history(run)
        history(run)
        read: list[Any] = [[event.index for event in events] for _, _, events in run.histories("histories/h.jsonl")]
        assert [[0, 1, 2], [0, 1, 2]] == read


class TestNote:
    def test_says_that_the_run_has_not_ended_until_it_has(self, tmp_path: Path) -> None:
        """Whatever kills it; who stops it says why."""
        run = created(tmp_path)
        notes = [run.note()]
        run.write_note("somebody stopped it")
        notes.append(run.note())
        run.conclude()
        run.conclude()
        assert ["the verification did not finish", "somebody stopped it", ""] == [*notes, run.note()]


class TestWhatIsKept:
    def test_of_a_suite_is_the_run_and_each_evidence(self, tmp_path: Path) -> None:
        """In this order."""
        run = created(tmp_path)
        suite_run = SuiteRun(suite=Suite.LOAD, target="t", seed=1, users=2)
        run.keep(SuiteOutcome(suite_run, (evidence_line("a"), evidence_line("b"))))
        assert ((suite_run,), ["a", "b"]) == (run.suites(), [item.verdict.checker for item in run.evidence()])

    def test_of_reports_is_their_text(self, tmp_path: Path) -> None:
        """What is not there is empty."""
        run = created(tmp_path)
        run.write_reports({"report.md": "caf\u00e9", "junit.xml": "<a/>"})
        texts = [run.read_text(name) for name in ("report.md", "junit.xml", "report.html")]
        assert ["caf\u00e9", "<a/>", ""] == texts

    def test_of_histories_is_listed_by_name(self, tmp_path: Path) -> None:
        """Relative to the folder, in the order of names."""
        run = created(tmp_path)
        for name in ("b", "a"):
            with run.history_file(name) as file:
                file.begin(HEADER)
        (run.path / "histories/notes.txt").write_text("")
        assert ("histories/a.jsonl", "histories/b.jsonl") == run.history_files()

    @pytest.mark.parametrize(
        ("name", "plain"),
        [
            ("reference", "reference"),
            ("a/b.py:make-it_x", "a-b-py-make-it_x"),
            ("/caf\u00e9/", "caf\u00e9"),
            ("::", "target"),
        ],
    )
    def test_of_a_target_is_a_plain_name(self, name: str, plain: str) -> None:
        """Letters, digits, hyphens and underscores; something, in any case."""
        assert plain == plain_name(name)


class TestReadHistory:
    EVENT = Event(index=0, kind=EventKind.PROBE, user="", name="tick")
    WITNESS = Witness(
        checker="leak",
        finding=Finding(anomaly="a", message="m"),
        target="t",
        header=HEADER,
        program=Program(
            "p", (), (Step(Do.ASK, 0, Operation("a")), Step(Do.ASK, 0, Operation("b")), Step(Do.SETTLE, 0))
        ),
        history=(EVENT,),
    )

    def test_of_a_file_is_the_first_one(self, tmp_path: Path) -> None:
        """Where there are more."""
        run = created(tmp_path)
        with run.history_file("h") as file:
            for seed in (1, 2):
                file.begin(replace(HEADER, seed=seed))
                file.append(self.EVENT)
        assert History(HEADER, (self.EVENT,)) == run.read_history("histories/h.jsonl")

    def test_of_each_opening_is_found_without_reading_what_is_between(self, tmp_path: Path) -> None:
        """Who asks for headers only gets every one."""
        run = created(tmp_path)
        with run.history_file("h") as file:
            for seed in (1, 2, 3):
                file.begin(replace(HEADER, seed=seed))
                file.append(self.EVENT)
        assert [1, 2, 3] == [header.seed for header, _, _ in run.histories(file.name)]

    def test_of_a_witness_is_the_one_in_it(self, tmp_path: Path) -> None:
        """In full."""
        run = created(tmp_path)
        name = run.write_witness("w", self.WITNESS)
        assert ("witnesses/w.json", History(HEADER, (self.EVENT,))) == (name, run.read_history(name))

    @pytest.mark.parametrize(
        ("name", "said"), [("witnesses/w.json", "cannot be replayed"), ("histories/h.jsonl", "holds no history")]
    )
    def test_that_is_not_there_is_told(self, tmp_path: Path, name: str, said: str) -> None:
        """With the file that has none."""
        run = created(tmp_path)
        (run.path / name).write_text("")
        with pytest.raises(LookupError, match=f"{name} {said}"):
            run.read_history(name)

    def test_a_witness_tells_what_the_target_offers_only(self) -> None:
        """Step by step; what it does not offer was not done."""
        promises = Promises(operations={"b": Semantics("b")})
        witness = replace(self.WITNESS, header=replace(HEADER, promises=promises))
        assert self.WITNESS.program.steps[1:] == witness.story()
        assert tuple(map(str, witness.story())) == witness.lines()
