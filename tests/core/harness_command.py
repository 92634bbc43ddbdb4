"""The command `harness`, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from harness.command.cli import main

HARNESS = str(Path(sys.executable).parent / "harness")
TINY = """
claims = ["SES-2"]
trials = []
load = false

[properties]
examples = 0
users = 2
component_examples = 1
shrink_s = 1
"""


def called(*arguments: str | Path) -> Result:
    """Call a command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="harness")


def called_in(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Call a command in a process of its own, in this folder."""
    words = [HARNESS, *map(str, arguments)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def started(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Start a command in a process of its own, in this folder; what it says is read line by line."""
    words = [HARNESS, *map(str, arguments)]
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def heard(process: subprocess.Popen[str], beginning: str) -> str:
    """Return the next line that begins like this, once the process has said it."""
    assert process.stdout is not None
    return next(line for line in process.stdout if line.startswith(beginning))


def plan_in(folder: Path, text: str = TINY) -> Path:
    """Return a plan file."""
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path
