"""An exported test: what it says, and that it fails while its finding shows, and passes where it does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter

from harness.claims.run_folder import Witness, read_witness
from harness.command.cli import main
from harness.scenario.program import Interleaving
from harness.schedules.export import ExportError, export_test

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MUTANTS = {"identity-map": ("leak", "reaching"), "pooled-emitter": ("misdelivery", "wandering")}
RECORD = [sys.executable, str(HERE / "export_stories.py")]


def recorded(folder: Path, target: str, checker: str, scene: str) -> Witness:
    """Record a witness in another process."""
    path = folder / "witness.json"
    subprocess.run(
        [*RECORD, target, checker, scene, str(path)], env={**os.environ, "PYTHONHASHSEED": "0"}, cwd=folder, check=True
    )
    return read_witness(path)


@pytest.fixture(scope="module")
def witnesses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Witness]:
    """Witnesses of two mutants."""
    return {name: recorded(tmp_path_factory.mktemp(name), name, *how) for name, how in MUTANTS.items()}


@pytest.fixture(scope="module")
def leak(witnesses: dict[str, Witness]) -> Witness:
    """A witness of one user's note in another's answer."""
    return witnesses["identity-map"]


def run_pytest(text: str, folder: Path, *, name: str = "test_exported.py", cwd: Path | None = None) -> tuple[int, str]:
    """Run the text as a test file of a folder; return pytest's exit code, and what it printed."""
    (folder / name).write_text(text, encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "COV"))}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of this environment; an exported test needs none
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / name)]
    ran = subprocess.run(words, cwd=cwd or folder, env=kept, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def text(leak: Witness) -> str:
    """The test of the leak."""
    return export_test(leak)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a user who has a target of the standard library, and a test of it."""
    folder = tmp_path_factory.mktemp("board")
    shutil.copy(HERE / "board_target.py", folder)
    witness = recorded(folder, "board_target.py:board", "leak", "writing")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "test_board.py").write_text(export_test(witness))
    return folder


class TestBundledTarget:
    @pytest.mark.parametrize("name", MUTANTS)
    def test_it_fails_with_the_finding_while_the_bug_is_there(
        self, name: str, witnesses: dict[str, Witness], tmp_path: Path
    ) -> None:
        """The message of the failed assertion is the finding of the witness."""
        finding = witnesses[name].finding
        code, said = run_pytest(export_test(witnesses[name]), tmp_path)
        assert (1, True) == (code, f"AssertionError: {finding.anomaly.upper()}: {finding.message}" in said), said
        assert "1 failed" in said

    @pytest.mark.parametrize("name", MUTANTS)
    def test_it_passes_on_the_same_target_without_the_bug(
        self, name: str, witnesses: dict[str, Witness], tmp_path: Path
    ) -> None:
        """With the reference in the place of the mutant."""
        code, said = run_pytest(swapped(export_test(witnesses[name]), "reference"), tmp_path)
        assert (0, True) == (code, "1 passed" in said), said

    def test_a_bug_that_moved_is_found_in_another_order(self, leak: Witness, tmp_path: Path) -> None:
        """Where the recorded choices mean something else, others are tried; without these it would pass."""
        assert leak.interleaving is not None
        moved = export_test(replace(leak, interleaving=replace(leak.interleaving, deviations={})))
        assert (1, True) == ((ran := run_pytest(moved, tmp_path))[0], "AssertionError: LEAKED" in ran[1])
        alone = moved.replace("file=__file__)", "file=__file__, other_orders=0)")
        assert (0, True) == ((ran := run_pytest(alone, tmp_path))[0], "1 passed" in ran[1])

    def test_a_target_that_is_not_there_is_an_error(self, text: str, tmp_path: Path) -> None:
        """It neither passes nor blames the target."""
        code, said = run_pytest(swapped(text, "nowhere.py:target"), tmp_path)
        assert (1, True) == (code, "TargetError: nowhere.py cannot be imported" in said), said
        assert "AssertionError" not in said


def swapped(text: str, target: str) -> str:
    """Return the test with another target."""
    other, count = re.subn(r"^TARGET = .*$", f'TARGET = "{target}"', text, flags=re.MULTILINE)
    assert 1 == count
    return other


class TestOwnTarget:
    """A target of the standard library, beside its test."""

    def test_it_fails_until_the_target_is_mended(self, folder: Path) -> None:
        """The target is imported from where it is. Mended there, the test passes; out of order, it does not."""
        text = (folder / "test_board.py").read_text()
        code, said = run_pytest(text, folder)
        assert (1, True) == (code, "AssertionError: LEAKED-IN-ANSWER: u0" in said), said
        target = folder / "board_target.py"
        broken = target.read_text()
        try:
            target.write_text(broken.replace("careful=False", "careful=True"))
            code, said = run_pytest(text, folder)
            assert (0, True) == (code, "1 passed" in said), said
            target.write_text(broken.replace("board = self._board", "raise OSError"))
            code, said = run_pytest(text, folder)
            assert (1, True) == (code, "the replay shows nothing: no request was answered" in said), said
        finally:
            target.write_text(broken)

    def test_strings_are_hashed_as_they_were_when_it_was_recorded(self, folder: Path) -> None:
        """The order of sets is part of the story; the process of the test itself hashes as it likes."""
        target = folder / "board_target.py"
        before = target.read_text()
        try:
            target.write_text(f"{before}\n\nassert hash('story') == {hash_of('story')}\n")
            code, said = run_pytest((folder / "test_board.py").read_text(), folder)
            assert (1, True) == (code, "AssertionError: LEAKED-IN-ANSWER: u0" in said), said
        finally:
            target.write_text(before)

    def test_the_target_is_found_from_the_folder_of_the_test(self, folder: Path) -> None:
        """Wherever it is run from: a relative path may also begin beside the test, or above."""
        below = folder / "tests"
        below.mkdir()
        text = (folder / "test_board.py").read_text()
        code, said = run_pytest(text, below, name="test_board_from_below.py", cwd=Path("/"))
        assert (1, True) == (code, "AssertionError: LEAKED-IN-ANSWER: u0" in said), said


def hash_of(text: str) -> int:
    """Return the hash of a text in a process like that of an exploration."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", f"print(hash({text!r}))"], env=environment, capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


class TestText:
    def test_it_tells_the_whole_story_first(self, leak: Witness, text: str) -> None:
        """Target, checker, finding, steps, order, how to run it: in the docstring of the file, in words."""
        told = " ".join(docstring_of(text).split())
        for part in (
            f"{leak.finding.message}. The Isolation Harness has found this.",
            "Target identity-map",
            "Checker leak: Nobody is answered or sent anything that carries another user's canary.",
            f"Finding leaked-in-answer: {leak.finding.message}",
            *(f"{number}. {step}" for number, step in enumerate(leak.story(), 1)),
            *(f"- {' '.join(line.split())}" for line in leak.explanation),
            "python -m pytest test_leaked_in_answer.py",
            "no proof that the mistake is mended",
        ):
            assert part in told

    def test_the_test_comes_next_and_the_data_last(self, text: str) -> None:
        """No line is too long to read, and no place of this machine is in it."""
        places = [text.index(part) for part in ("\nfrom harness.", "\ndef test_leaked_in_answer()", "\nWITNESS =")]
        assert sorted(places) == places
        assert 120 >= max(map(len, text.splitlines()))
        assert [] == [place for place in (str(ROOT), str(Path.home()), sys.prefix) if place in text]

    def test_the_same_witness_gives_the_same_file(self, leak: Witness, text: str, tmp_path: Path) -> None:
        """In another process, which hashes otherwise, too."""
        (tmp_path / "witness.json").write_bytes(TypeAdapter(Witness).dump_json(leak))
        script = (
            "import sys; from pathlib import Path; from harness.claims.run_folder import read_witness; "
            "from harness.schedules.export import export_test; "
            "sys.stdout.write(export_test(read_witness(Path(sys.argv[1]))))"
        )
        printed = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "witness.json")],
            env={**os.environ, "PYTHONHASHSEED": "12"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert text == printed.stdout

    def test_hostile_texts_stay_texts(self, leak: Witness, text: str) -> None:
        """What a target says can neither end a string, nor add a line, nor hide one."""
        hostile = '""" + exit(1) + """\nimport os\\\u202e\x1b[2J\ud800 $story'
        other = export_test(
            replace(
                leak, explanation=(hostile,), finding=replace(leak.finding, message=hostile), target="thread-local-user"
            )
        )
        assert docstring_of(other).count("exit(1)") == 3
        assert "\\u202e" in docstring_of(other)
        assert [] == [letter for letter in other if not letter.isprintable() and letter != "\n"]
        assert text.count("\nfrom ") == other.count("\nfrom ")
        assert 0 == other.count("\nimport ")


def docstring_of(text: str) -> str:
    """Return the docstring of a file, which is compiled and not run."""
    told = compile(text, "test_exported.py", "exec").co_consts[0]
    assert isinstance(told, str)
    return told


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"interleaving": None}, "order of the witness's steps was not recorded"),
            ({"checker": "phlogiston"}, "no checker 'phlogiston' here"),
        ],
        ids=["order", "checker"],
    )
    def test_what_cannot_be_replayed_is_not_exported(self, changes: dict[str, object], why: str, leak: Witness) -> None:
        """Says why."""
        with pytest.raises(ExportError, match=why):
            export_test(replace(leak, **changes))  # type: ignore[arg-type]

    def test_an_order_that_is_asyncios_own_is_one(self, leak: Witness) -> None:
        """No deviation is an order, too."""
        assert "def test_" in export_test(replace(leak, interleaving=Interleaving(mode="asyncio-strict", last=4)))

    @pytest.mark.parametrize(
        ("changes", "why"),
        [({"interleaving": None}, "was not recorded"), ({"checker": "phlogiston"}, "there is no checker")],
        ids=["order", "checker"],
    )
    def test_the_command_says_it_in_a_sentence(
        self, changes: dict[str, object], why: str, leak: Witness, tmp_path: Path
    ) -> None:
        """It is often given in another folder than the exploration was."""
        path = tmp_path / "witness.json"
        path.write_bytes(TypeAdapter(Witness).dump_json(replace(leak, **changes)))  # type: ignore[arg-type]
        said = CliRunner().invoke(main, ["export", str(path)])
        assert (2, True, False) == (said.exit_code, why in said.output, "Traceback" in said.output), said.output
