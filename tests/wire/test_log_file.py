"""A record under one user's name that carries another's mark is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapter import LogFile
from harness.model import Unreachable
from harness.wire.log_file import LogTail


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


def test_a_file_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    """One sentence, before anything is asked of the service."""
    with pytest.raises(Unreachable, match="see `log` of the adapter"):
        LogTail(LogFile(str(tmp_path / "none")), {})
