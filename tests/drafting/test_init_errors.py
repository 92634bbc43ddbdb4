from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from drafted_files import TEXT, WRITES, adapter_in, answers, called, document_of

DOCUMENT = document_of({"/notes": {"post": WRITES, "get": {"operationId": "list_notes"}}})
BROKEN_APP = "def no_app(needed): ...\nnumber = 7\ndef failing(): raise RuntimeError('no database')\n"


class _Service(BaseHTTPRequestHandler):
    """Has its document at /openapi.json, and lets nobody in elsewhere."""

    def do_GET(self) -> None:
        found = self.path == "/openapi.json"
        self.send_response(200 if found else 404 if self.path == "/nothing" else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="notes"')
        self.end_headers()
        self.wfile.write(json.dumps(DOCUMENT).encode() if found else b"no")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where a service is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A file that can be drafted from."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return path


def refused(result: Result) -> str:
    """Return the one sentence with which the command has ended."""
    assert 2 == result.exit_code, result.output
    [line] = result.output.splitlines()
    return line.removeprefix("Error: ")


def test_a_running_service_is_asked_for_its_document(url: str, tmp_path: Path) -> None:
    """Of a service whose URL is given alone, the document is found, and the scheme with which it refuses."""
    assert 0 == called(url, "--out", tmp_path).exit_code
    adapter = adapter_in(tmp_path)
    assert url == adapter.url
    assert "def password_for" in (tmp_path / "isolation_target.py").read_text(encoding="utf-8")


def test_the_workflow_starts_a_service_on_this_machine(url: str, tmp_path: Path) -> None:
    """With a local URL there is a step to fill in, and the URL goes to `harness verify`."""
    called(f"{url}/openapi.json", "--out", tmp_path)
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "isolation.yml").read_text(encoding="utf-8"))
    runs = [step.get("run", "") for step in workflow["jobs"]["isolation"]["steps"]]
    assert any("./start-your-service &" in run for run in runs)
    assert any(f"harness verify isolation_target.py --plan plan.toml --url {url}" in run for run in runs)


def test_a_url_without_a_document_is_refused(url: str, tmp_path: Path) -> None:
    """The status is told, and what to give instead."""
    said = refused(called(f"{url}/nothing", "--out", tmp_path))
    assert f"{url}/nothing was answered with 404: give the URL of the OpenAPI document itself" == said


def test_an_unreachable_url_is_refused(tmp_path: Path) -> None:
    """Nobody listens: start the service, or give a file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = refused(called(f"http://127.0.0.1:{port}/openapi.json", "--out", tmp_path))
    assert said.startswith(f"http://127.0.0.1:{port}/openapi.json cannot be read (")
    assert said.endswith("): start the service, or give a file")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("other.json", '{"name": "x"}', "is no OpenAPI document (it has no `openapi` and `paths`)"),
        ("list.yaml", "- a\n- b\n", "is no OpenAPI document (it has no `openapi` and `paths`)"),
        ("broken.json", "{", "is neither JSON nor YAML ("),
        ("broken.yaml", "a: [", "is neither JSON nor YAML ("),
        ("old.json", '{"swagger": "2.0", "paths": {}}', "is OpenAPI 2.0: convert it to OpenAPI 3"),
    ],
)
def test_what_is_no_document_is_refused(name: str, text: str, said: str, tmp_path: Path) -> None:
    """Another file, a broken one, or one of an older form, each with what to do."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert f"{tmp_path / name} {said}" in refused(called(tmp_path / name, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["nothing.json", "no.such.module:app"])
def test_what_is_not_there_is_refused(source: str, tmp_path: Path) -> None:
    """A file or module that does not exist."""
    assert source.split(":")[0] in refused(called(source, "--out", tmp_path))


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("missing", "has no 'missing'"),
        ("number", "is a int, no ASGI application: name one"),
        ("no_app", "has no openapi(), and no document where one is usual (/openapi.json: 500, "),
        ("failing", "makes no application, it raised RuntimeError('no database')"),
    ],
)
def test_what_is_no_application_is_refused(attribute: str, said: str, tmp_path: Path) -> None:
    """An attribute that is missing, of another type, another function, or fails."""
    (tmp_path / "broken_app.py").write_text(BROKEN_APP, encoding="utf-8")
    assert said in refused(called(f"{tmp_path / 'broken_app.py'}:{attribute}", "--out", tmp_path / "out"))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("other.yaml#/Note", "refers to another file (other.yaml#/Note): bundle it into one file first"),
        ("#/components/schemas/Gone", "refers to #/components/schemas/Gone, which it has not: mend the document"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(reference: str, said: str, tmp_path: Path) -> None:
    """Another file, or a place that the document does not have."""
    body = {"requestBody": {"content": {"application/json": {"schema": {"$ref": reference}}}}}
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document_of({"/notes": {"post": body}})), encoding="utf-8")
    assert said in refused(called(path, "--out", tmp_path / "out"))


def test_a_service_that_takes_no_text_is_refused(tmp_path: Path) -> None:
    """Without a route that carries a canary there is nothing to verify, and nothing is written."""
    path = tmp_path / "openapi.json"
    paths = {"/count": {"get": answers(TEXT), "post": {}}}
    path.write_text(json.dumps(document_of(paths)), encoding="utf-8")
    said = refused(called(path, "--out", tmp_path / "out"))
    assert f"no route of {path} takes a text of a user's own" in said
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked(document: Path, tmp_path: Path) -> None:
    """One file that is there stops all three; --force writes them."""
    (tmp_path / "plan.toml").write_text("mine", encoding="utf-8")
    said = refused(called(document, "--out", tmp_path))
    assert f"plan.toml in {tmp_path} would be overwritten: give --force, or another folder with --out" == said
    assert "mine" == (tmp_path / "plan.toml").read_text(encoding="utf-8")
    assert not (tmp_path / "isolation_target.py").exists()
    assert 0 == called(document, "--out", tmp_path, "--force").exit_code
    assert adapter_in(tmp_path).routes
    assert "mine" != (tmp_path / "plan.toml").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_refused(document: Path, tmp_path: Path) -> None:
    """A file where the folder should be."""
    said = refused(called(document, "--out", document))
    assert said.startswith(f"cannot write into {document} (")
