"""What `harness init` wrote, as a user finds it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from harness.adapter import Adapter, Channel, Route
from harness.command.cli import main


def called(*arguments: str | Path) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(main, ["init", *map(str, arguments)], prog_name="harness")


def adapter_in(folder: Path) -> Adapter:
    """Return the adapter of the file in this folder, imported as it is."""
    path = folder / "isolation_target.py"
    spec = importlib.util.spec_from_file_location(f"drafted_{folder.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    adapter = module.adapter
    assert isinstance(adapter, Adapter)
    return adapter


def drafted(source: str | Path, folder: Path) -> Adapter:
    """Return the adapter that is drafted from a source."""
    result = called(source, "--out", folder)
    assert result.exit_code == 0, result.output
    return adapter_in(folder)


def drafted_of(document: Mapping[str, Any], folder: Path) -> Adapter:
    """Return the adapter that is drafted from this document."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return drafted(path, folder / "out")


def text_of(folder: Path) -> str:
    """Return the drafted file as it is read."""
    return (folder / "isolation_target.py").read_text(encoding="utf-8")


def document_of(paths: Mapping[str, Any], **components: Any) -> dict[str, Any]:
    """Return a document with these paths."""
    return {"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"}, "paths": paths, "components": components}


def takes(schema: Mapping[str, Any], media: str = "application/json") -> dict[str, Any]:
    """Return the part of an operation that says which body it takes."""
    return {"requestBody": {"content": {media: {"schema": schema}}}}


def answers(schema: Mapping[str, Any], media: str = "application/json") -> dict[str, Any]:
    """Return the part of an operation that says what it answers."""
    return {"responses": {"200": {"description": "", "content": {media: {"schema": schema}}}}}


def object_of(*required: str, **properties: Any) -> dict[str, Any]:
    """Return a schema of an object."""
    return {"type": "object", "required": [*required], "properties": properties}


def at(name: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an operation on this path parameter."""
    return {"parameters": [{"name": name, "in": "path", "required": True, "schema": schema or TEXT}]}


def route(adapter: Adapter, method: str, path: str) -> Route:
    """Return the first route of this method and path."""
    return next(route for route in adapter.routes if (route.method, route.path) == (method, path))


def asked(adapter: Adapter) -> list[tuple[str, str]]:
    """Return what is asked: methods and paths."""
    return [(route.method, route.path) for route in adapter.routes]


def opened(adapter: Adapter) -> list[Channel]:
    """Return the channels, by name."""
    return sorted(adapter.channels, key=lambda channel: channel.name)


TEXT = {"type": "string"}
WRITES = {"operationId": "write", **takes(object_of("text", text=TEXT))}
"""An operation that carries a canary, so that an adapter can be made of what is with it."""
ID = object_of("id", id=TEXT)
"""What names an object."""
LOGIN = takes(object_of("name", "password", name=TEXT, password=TEXT))
"""What signs in."""
