"""The live view, on a terminal and where there is none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

SAYS = "from harness.command.display import Display\nwith Display() as it: it.say('a' * 200); it.complain('stays')"


def on_terminal(**environment: str) -> str:
    """Return what a terminal of 40 columns gets to see."""
    ours, theirs = pty.openpty()
    known = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "40", **environment}
    with os.fdopen(ours, "rb", buffering=0) as seen:
        subprocess.run([sys.executable, "-c", SAYS], stderr=theirs, env=known, check=True)
        os.close(theirs)
        return seen.read(4096).decode()


def test_on_a_terminal_one_line_changes_and_complaints_stay() -> None:
    """What goes on is cut to the width, as a line that wraps could not be cleared; a complaint ends its line."""
    clear = "\r\x1b[K"
    assert f"{clear}{'a' * 39}{clear}stays\r\n{clear}" == on_terminal()


def test_in_ci_or_on_a_dumb_terminal_lines_are_plain() -> None:
    """There each line is said once, whole, without a control sequence."""
    plain = f"{'a' * 200}\r\nstays\r\n"
    assert plain == on_terminal(CI="true")
    assert plain == on_terminal(TERM="dumb")


def test_piped_lines_are_plain() -> None:
    """So they are where there is no terminal."""
    answer = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert f"{'a' * 200}\nstays\n" == answer.stderr
