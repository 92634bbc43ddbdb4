from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.claims.evidence import Suite
from harness.history.model import Unreachable
from harness.mutants import SUBJECTS
from harness.verification.resolve import TARGETS, TargetError, resolve

OWN = """
from contextlib import asynccontextmanager

closed = []

class Own:
    name = "own"
    async def connect(self, user, on_push): ...
    async def close(self): closed.append("by whoever opened it")

def plain(): return Own()

@asynccontextmanager
async def managed():
    yield Own()
    closed.append("by itself")

def half(): return object()
def broken(): raise RuntimeError("no database")
def away():
    from harness.history.model import Unreachable
    raise Unreachable("start the service")
number = 7
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A target file of a user's own."""
    path = tmp_path / "own_target.py"
    path.write_text(OWN, encoding="utf-8")
    return path


async def opened(name: str) -> tuple[str, list[str]]:
    """Open and close the target; return its name, and how it was closed."""
    async with resolve(name).open() as target:
        closed: list[str] = __import__(type(target).__module__).closed
    return target.name, closed


class TestNames:
    @pytest.mark.parametrize("name", [*TARGETS, *SUBJECTS])
    def test_of_everything_that_list_shows_are_known(self, name: str) -> None:
        """A mutant is a target, too; the load suite knows what to serve, except for null targets."""
        found = resolve(name)
        subject = SUBJECTS.get(name)
        server = "reference" if subject is None else subject.server
        assert (name, server, subject) == (found.name, found.server, found.subject)

    def test_of_a_users_own_cannot_be_served_by_us(self, own: Path) -> None:
        """The load suite asks what an adapter describes, the bundled backend and its mutants."""
        assert resolve(f"{own}:plain").server is None


class TestOwn:
    def test_may_be_a_target_which_is_closed_at_the_end(self, own: Path) -> None:
        """The harness closes what it was given."""
        assert ("own", ["by whoever opened it"]) == asyncio.run(opened(f"{own}:plain"))

    def test_may_be_an_async_context_manager_which_closes_itself(self, own: Path) -> None:
        """And is closed by nobody else."""
        assert ("own", ["by itself"]) == asyncio.run(opened(f"{own}:managed"))

    def test_may_be_in_a_module_of_the_working_directory(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As `uvicorn module:app` allows it; an installed command does not look there by itself."""
        monkeypatch.chdir(own.parent)
        own.rename(own.parent / "own_target_here.py")
        assert ("own", ["by whoever opened it"]) == asyncio.run(opened("own_target_here:plain"))

    def test_may_import_what_lies_beside_it(self, own: Path) -> None:
        """A target file and the application that it opens usually lie together."""
        (own.parent / "own_neighbour.py").write_text(OWN, encoding="utf-8")
        own.write_text("from own_neighbour import plain", encoding="utf-8")
        assert "own" == asyncio.run(opened(f"{own}:plain"))[0]


APPLICATION = """
from fastapi import FastAPI

def build() -> FastAPI:
    made = FastAPI()

    @made.post("/notes")
    async def write(note: dict[str, str]) -> dict[str, str]: ...

    return made

app = build()

async def plain(scope, receive, send): ...
"""


class TestApplications:
    @pytest.fixture
    def service(self, tmp_path: Path) -> Path:
        """A file with an application, and no word of ours."""
        path = tmp_path / "resolved_service.py"
        path.write_text(APPLICATION, encoding="utf-8")
        return path

    @pytest.mark.parametrize("attribute", ["app", "build"])
    def test_become_targets_with_a_drafted_adapter(self, service: Path, attribute: str) -> None:
        """An application, or what makes one: opened in this process, served under load, and over the wire."""
        found = resolve(f"{service}:{attribute}")
        assert found.adapter is not None
        assert (f"{service}:{attribute}", True, frozenset(Suite)) == (found.adapter.app, found.in_process, found.suites)
        assert ("", "users sign in not at all") == (found.adapter.url, found.assumptions[0])

    def test_without_a_document_are_refused(self, service: Path) -> None:
        """It says what was looked for, and what to give."""
        with pytest.raises(
            TargetError, match="is an application, and no adapter can be drafted of it: .* has no openapi"
        ):
            resolve(f"{service}:plain")


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            (
                "nobody",
                "there is no target 'nobody': give reference, service, a name that `harness list` shows, or you",
            ),
            (
                "nowhere.at.all:make",
                r"nowhere.at.all cannot be imported \(ModuleNotFoundError.*mend it, or name another",
            ),
            ("nowhere.py:make", r"nowhere.py cannot be imported \(FileNotFoundError"),
            ("json:", "there is no target 'json:'"),
            ("json:nothing", "json has no 'nothing', so there is no target: name a callable in it"),
        ],
    )
    def test_say_what_was_looked_for_and_what_to_do(self, name: str, said: str) -> None:
        """Each in one sentence that names the target."""
        with pytest.raises(TargetError, match=said):
            resolve(name)

    def test_an_attribute_that_is_no_callable_is_refused(self, own: Path) -> None:
        """Before anything runs."""
        with pytest.raises(TargetError, match="is a int, not a callable: name a function that returns a Target"):
            resolve(f"{own}:number")

    @pytest.mark.parametrize(
        ("attribute", "said"),
        [
            ("half", r"gave a object without name, connect, close: a target has a name, connect\(user, on_push\)"),
            ("broken", r"raised RuntimeError\('no database'\) instead of giving a target: mend it"),
        ],
    )
    def test_what_is_no_target_is_told_when_it_is_opened(self, own: Path, attribute: str, said: str) -> None:
        """All that is missing at once; a crash of the user's own code is told as such."""
        with pytest.raises(TargetError, match=said):
            asyncio.run(opened(f"{own}:{attribute}"))

    def test_a_target_file_may_say_itself_that_nobody_is_there(self, own: Path) -> None:
        """Its own words reach the user."""
        with pytest.raises(Unreachable, match="start the service"):
            asyncio.run(opened(f"{own}:away"))
