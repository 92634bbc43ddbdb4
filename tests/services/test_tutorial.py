"""The tutorial, followed to the letter in an empty folder: what it says is what happens."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = (Path(__file__).parents[2] / "docs/tutorial.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def block(language: str) -> str:
    """Return the one block of this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", TUTORIAL, re.DOTALL)
    return str(found)


def command(beginning: str) -> list[str]:
    """Return the one command that begins like this, as words."""
    (found,) = re.findall(rf"^    ({re.escape(beginning)}.*)$", TUTORIAL, re.MULTILINE)
    return shlex.split(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tutorial")
    (path / "service.py").write_text(block("python"), encoding="utf-8")
    return path


def typed(folder: Path, beginning: str) -> tuple[int, str]:
    """Type a command of the tutorial; return its exit code and what it said."""
    program, *words = command(beginning)
    done = subprocess.run(
        [str(BIN / program), *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def mended(source: str) -> str:
    """Return the source with the changes of the tutorial."""
    lines = [line for line in block("diff").splitlines() if line[:1] in "+-"]
    for old in (line[1:] for line in lines if line.startswith("-")):
        assert old in source
    for old, new in zip(
        (line[1:] for line in lines if line.startswith("-")),
        (line[1:] for line in lines if line.startswith("+")),
        strict=True,
    ):
        source = source.replace(old, new)
    return source


def test_it_is_what_happens(folder: Path) -> None:
    """Draft, verify, replay, mend, verify again: each command ends as the page says."""
    code, said = typed(folder, "harness init")
    assert (0, True) == (code, "POST /login" in said), said
    code, said = typed(folder, "harness verify isolation_target.py --plan plan.toml --out first")
    assert 1 == code, said
    assert "LEAKED-IN-ANSWER" in said
    assert "Replay: harness replay first/witnesses/wire-leak-isolation_target-py.json" in said
    code, said = typed(folder, "harness replay first/")
    assert (1, True) == (code, "of 5 attempts" in said), said
    source = folder / "service.py"
    source.write_text(mended(source.read_text(encoding="utf-8")), encoding="utf-8")
    code, said = typed(folder, "harness verify isolation_target.py --plan plan.toml --out second")
    assert (0, True) == (code, "HOLDS: 4 of 4 required claims hold" in said), said
