"""Writes a witness as one pytest file that anyone can read and run, who has pytest and the target, and nothing of ours.

Rules:

- The file tells its story first, in words; then comes the test; then the data; last the engine that performs it again.
- The engine is what a replay imports, unchanged and complete: the modules are those that are loaded when the target is.
- What a target or a user has said is text, wherever it stands in the file: it can neither end a string nor hide a line.
- The same witness gives the same file, as long as the engine is the same.

How it works. A schedule was recorded in a process that hashes strings in one way (PYTHONHASHSEED=0), which can be had
only when a process starts. So the test writes the engine into a temporary folder, and performs the story in a child
process that finds it first on its path (`harness.schedules.exported`), and everything else where the test finds it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import TypeAdapter

from harness.claims.run_folder import Witness
from harness.judging.checkers import CHECKERS
from harness.scenario.program import Step
from harness.schedules.export_template import FILE
from harness.schedules.exported_target import is_own

OTHER_ORDERS = 20
"""Orders that are tried besides the recorded one when that shows nothing."""
WIDTH = 116
"""Characters of a line of data."""
_PACKAGE = "isolation-harness"
_WITNESS = TypeAdapter(Witness)
_REPLAYED = ("checker", "finding", "header", "program", "interleaving")
_LIST_ENGINE = """
import json, sys
import harness.schedules.exported
from harness.schedules.exported_target import load
load(sys.argv[1])
files = {name: module.__file__ for name, module in sorted(sys.modules.items()) if name.partition(".")[0] == "harness"}
print()
print(json.dumps(files))
"""


class ExportError(Exception):
    """A witness cannot be exported. Says why, and what to do."""


def export_test(witness: Witness) -> str:
    """Return the text of a pytest file that performs the story of a witness again, and fails while its finding shows.

    Args:
        witness: with an interleaving. Its target is imported once, to see what of the engine it needs.

    Raises:
        ExportError: the order of its steps was not recorded, its checker is not here, or its target cannot be imported.
    """
    if witness.interleaving is None:
        raise ExportError(
            "the order of the witness's steps was not recorded, so a test of it would pass or fail by chance: export a "
            "witness of the schedules suite, or show this one with `harness replay`"
        )
    if witness.checker not in CHECKERS:
        raise ExportError(f"there is no checker {witness.checker!r} here: export with the version that recorded it")
    test = f"test_{re.sub('[^0-9a-z]+', '_', witness.finding.anomaly.lower())}"
    engine = _zipped(_engine(witness.target))
    return FILE.substitute(
        story=_docstring(_story(witness, test)),
        target=json.dumps(witness.target) if witness.target.isascii() else ascii(witness.target),
        hint="\n".join(f"# {line}" for line in textwrap.wrap(_hint(witness.target), WIDTH)),
        orders=OTHER_ORDERS,
        test=test,
        truth=_docstring([_sentence(CHECKERS[witness.checker].sentence)]),
        witness="\n".join(_broken(_data(witness))),
        version=_version(),
        engine="\n".join(textwrap.wrap(base64.b64encode(engine).decode(), WIDTH)),
    )


# What the file tells


def _story(witness: Witness, test: str) -> Iterator[str]:
    checker = CHECKERS[witness.checker]
    yield f"{_printable(witness.finding.message)}."
    yield ""
    yield "The Isolation Harness has found this. The test below performs it again; it needs only pytest and the target."
    yield ""
    yield f"Target   {_printable(witness.target)}"
    yield f"Checker  {checker.name}: {_sentence(checker.sentence)}"
    yield f"Finding  {witness.finding.anomaly}: {_printable(witness.finding.message)}"
    yield ""
    yield "What the users do:"
    yield ""
    steps = witness.story()
    yield from (f"{number:>4}. {_printable(str(step))}" for number, step in enumerate(steps, 1))
    yield ""
    yield from _legend(steps)
    yield (
        "The order in which the steps of their requests are taken is what shows it. At a choice, more than one could "
        "go on; a deviation is one at which somebody went first whom asyncio would not have let:"
    )
    yield ""
    yield from (f"   - {_printable(line)}" for line in witness.explanation)
    yield ""
    yield f"To run it, where the target can be imported: python -m pytest {test}.py"
    yield ""
    yield (
        "It fails while the finding shows in this order, or, when it does not show in this one, in one of "
        f"{OTHER_ORDERS} others; else it passes. That is no proof that the mistake is mended, only that it does not "
        "show here. Where the replay shows nothing (the target cannot be imported, or refuses what the story asks of "
        "it), it fails, too."
    )


def _legend(steps: tuple[Step, ...]) -> Iterator[str]:
    """Explain the signs that occur in the steps."""
    said = " ".join(map(str, steps))
    signs = {
        "user ": "A number is a user's: user 0 is u00 in the finding, user 1 is u01, and so on.",
        "{mark}": "{mark} stands for a canary: a text that nobody can guess, and that only this user's inputs carry.",
        "$": "$note:0:1 stands for the second note that user 0 made; threads, runs and versions likewise.",
        "all settle": "All settle: nothing more is asked until every request and run has ended.",
    }
    explained = [text for sign, text in signs.items() if sign in said]
    yield from explained
    if explained:
        yield ""


def _hint(target: str) -> str:
    if is_own(target):
        return (
            "A relative path is looked for in the working directory, in the folder of this file, and in those above "
            "it; what the target imports, on sys.path and beside its file."
        )
    return (
        "It is bundled with the harness: what it plants is in the engine below, and reference_impl must be importable. "
        '"reference" is the same without the mistake.'
    )


def _sentence(text: str) -> str:
    text = _printable(text)
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _printable(text: str) -> str:
    """Return a text on one line, in which nothing is hidden: what cannot be printed is written as an escape."""
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    return shown.encode(errors="backslashreplace").decode()


def _docstring(lines: Iterator[str] | list[str]) -> str:
    """Return what stands between three double quotes."""
    wrapped: list[str] = []
    for line in lines:
        indent = re.match(r" *(\d+\.|-)? *", line)
        wrapped += textwrap.wrap(line, WIDTH, subsequent_indent=" " * len(indent[0] if indent else "")) or [""]
    return "\n".join(wrapped).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


# What the file holds


def _data(witness: Witness) -> str:
    """Return what a replay needs of a witness, in ASCII; there are never three double quotes in a row."""
    told = _WITNESS.dump_python(witness, mode="json")
    promises = told["header"]["promises"]
    promises |= {name: sorted(said) for name, said in promises.items() if isinstance(said, list)}
    return json.dumps({name: told[name] for name in _REPLAYED}, separators=(",", ":"))


def _broken(text: str) -> Iterator[str]:
    """Yield a text in lines: behind a comma where there is one, and never beside a space, which editors take away."""
    while len(text) > WIDTH:
        ends = [end for end in range(WIDTH, WIDTH // 2, -1) if " " not in text[end - 1 : end + 1]]
        end = next((end for end in ends if text[end - 1] == ","), ends[0] if ends else WIDTH)
        yield text[:end]
        text = text[end:]
    yield text


def _engine(target: str) -> Mapping[str, str]:
    """Return the modules that are loaded when the target is, by where they lie in the engine.

    Raises:
        ExportError: the target cannot be imported.
    """
    path = os.pathsep.join(dict.fromkeys(entry or os.getcwd() for entry in sys.path))
    listed = subprocess.run(
        [sys.executable, "-c", _LIST_ENGINE, target],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        said = listed.stderr.strip().splitlines() or ["it ended without a word"]
        raise ExportError(f"what a replay of {target!r} needs cannot be listed: {said[-1]}")
    files: Mapping[str, str] = json.loads(listed.stdout.splitlines()[-1])
    return {_place(name, Path(file)): Path(file).read_text(encoding="utf-8") for name, file in files.items()}


def _place(name: str, file: Path) -> str:
    folder = name.replace(".", "/")
    return f"{folder}/__init__.py" if file.name == "__init__.py" else f"{folder}.py"


def _zipped(texts: Mapping[str, str]) -> bytes:
    """Return a zip that is the same for the same texts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for place, text in sorted(texts.items()):
            member = zipfile.ZipInfo(place, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, text)
    return made.getvalue()


def _version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "of an unknown version"
