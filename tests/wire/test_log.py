"""A record under one user's name that carries another's mark is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.adapter import Adapter, LogFile, Route, nobody
from harness.history.model import Unreachable
from harness.history.names import people
from harness.performing.adapted import AdaptedTarget
from harness.performing.log import LogTail, log_of
from harness.transport.asgi import Receive, Scope, Send
from harness.transport.memory import MemoryExchange


def test_only_whole_new_records_that_name_a_user_are_read(tmp_path: Path) -> None:
    """What was there before is not of this run; half a line is waited for; a stranger's is nobody's."""
    path = tmp_path / "service.log"
    path.write_text('{"user": "alice"} before\n')
    with closing(LogTail(LogFile(str(path)), {"alice": "u00", "bob": "u01"})) as tail:
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


def lines_of(tail: LogTail) -> list[str]:
    """Return what has come in under alice's name."""
    return [record.partition("> ")[2] for _, record in tail.records()]


class TestRotation:
    """Nothing that was written is lost, and nothing is read twice."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "service.log"
        path.write_text("user=<alice> before\n")
        return path

    @pytest.fixture
    def tail(self, path: Path) -> Iterator[LogTail]:
        with closing(LogTail(LogFile(str(path), r"user=<([^>]*)>"), {"alice": "u00"})) as tail:
            yield tail

    def write(self, path: Path, text: str, mode: str = "a") -> None:
        with path.open(mode) as file:
            file.write(f"user=<alice> {text}")

    def test_renamed_and_made_anew(self, path: Path, tail: LogTail) -> None:
        """What came in before the renaming is still in the old file; what is in the new one is all new."""
        self.write(path, "one\n")
        path.rename(path.with_suffix(".1"))
        self.write(path, "two\n")
        assert ["one", "two"] == lines_of(tail)
        self.write(path, "three\n")
        assert ["three"] == lines_of(tail)

    def test_renamed_and_not_there_yet(self, path: Path, tail: LogTail) -> None:
        """A service may go on in the old file until it opens the new one."""
        moved = path.rename(path.with_suffix(".1"))
        self.write(moved, "one\n")
        assert ["one"] == lines_of(tail)
        self.write(moved, "two\n")
        self.write(path, "three\n")
        assert ["two", "three"] == lines_of(tail)

    def test_renamed_within_a_record(self, path: Path, tail: LogTail) -> None:
        """What has no end in the old file is a record all the same."""
        self.write(path, "one")
        assert [] == lines_of(tail)
        path.rename(path.with_suffix(".1"))
        self.write(path, "two\n")
        assert ["one", "two"] == lines_of(tail)

    def test_truncated(self, path: Path, tail: LogTail) -> None:
        """The file is the same, and shorter."""
        self.write(path, "one\n")
        assert ["one"] == lines_of(tail)
        self.write(path, "2\n", "w")
        assert ["2"] == lines_of(tail)

    @pytest.mark.parametrize("more", [0, 1, 40])
    def test_truncated_and_grown_again(self, path: Path, tail: LogTail, more: int) -> None:
        """To the same length, or beyond: what stands where something else was read is new."""
        self.write(path, "one\n")
        assert ["one"] == lines_of(tail)
        longer = "2" * (path.stat().st_size - len("user=<alice> \n") + more)
        self.write(path, f"{longer}\n", "w")
        assert [longer] == lines_of(tail)

    def test_a_letter_that_arrives_in_two_pieces_is_whole(self, path: Path, tail: LogTail) -> None:
        """A mark beside it may be of any alphabet."""
        text = "user=<alice> caf\u00e9\n".encode()
        for piece in (text[:-2], text[-2:]):
            with path.open("ab") as file:
                file.write(piece)
            seen = lines_of(tail)
        assert ["caf\u00e9"] == seen


@pytest.mark.asyncio
async def test_of_an_adapter_is_open_once_and_closed_at_the_end(tmp_path: Path) -> None:
    """However often users are admitted: a long run would else use up the files that a process may open."""
    path = tmp_path / "service.log"
    path.touch()

    def opened() -> int:
        return sum(Path(file).resolve() == path for file in Path("/proc/self/fd").iterdir())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody asks anything")

    adapter = Adapter(
        name="logging",
        sign_in=nobody(),
        log=LogFile(str(path), "user=(.*)"),
        routes=[Route("write", "POST", "/", text="{canary}")],
    )
    target = AdaptedTarget(adapter, MemoryExchange(app), "logging")
    for _ in range(3):
        await target.admit(people(2))
    assert 1 == opened()
    await target.close()
    assert 0 == opened()
