"""A record under one user's name that carries another's mark is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapter import LogFile
from harness.history.model import Unreachable
from harness.wire.log import LogTail, log_of


def test_only_whole_new_records_that_name_a_user_are_read(tmp_path: Path) -> None:
    """What was there before is not of this run; half a line is waited for; a stranger's is nobody's."""
    path = tmp_path / "service.log"
    path.write_text('{"user": "alice"} before\n')
    tail = LogTail(LogFile(str(path)), {"alice": "u00", "bob": "u01"})
    with path.open("a") as file:
        file.write('{"user": "bob"} one\n{"user": "carol"} two\nnobody\n{"user": "alice"} th')
    first = list(tail.records())
    with path.open("a") as file:
        file.write("ree\n")
    assert [("u01", '{"user": "bob"} one')] == first
    assert [("u00", '{"user": "alice"} three')] == list(tail.records())


def test_records_can_be_asked_for() -> None:
    """By a call of the adapter's; those of before are not of this run, and a stranger's is nobody's."""
    written = [("alice", "before")]

    def taken() -> list[tuple[str, str]]:
        new, written[:] = written.copy(), []
        return new

    log = log_of(taken, {"alice": "u00"})
    written += [("carol", "one"), ("alice", "two")]
    assert [("u00", "two")] == list(log.records())
    assert [] == list(log.records())


def test_a_call_that_gives_something_else_is_one_clear_error() -> None:
    """It says what is expected."""
    with pytest.raises(Unreachable, match="pairs of a user's name"):
        log_of(lambda: ["a line"], {})  # type: ignore[list-item, return-value]


def test_a_file_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    """One sentence, before anything is asked of the service."""
    with pytest.raises(Unreachable, match="see `log` of the adapter"):
        LogTail(LogFile(str(tmp_path / "none")), {})
