"""Writes a witness as one pytest file, which performs it again with the installed harness, and fails while it shows.

Rules:

- The file tells its story first, in words; then comes the test; last the witness as data.
- What a target or a user has said is text, wherever it stands in the file: it can neither end a string nor hide a line.
- The same witness gives the same file.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from string import Template

from pydantic import TypeAdapter

from harness.claims.run_folder import Witness
from harness.judging.checkers import CHECKERS
from harness.scenario.program import Step

OTHER_ORDERS = 20
"""Orders that an exported test tries besides the recorded one when that shows nothing."""
WIDTH = 116
"""Characters of a line of data."""
_WITNESS = TypeAdapter(Witness)
_REPLAYED = ("checker", "finding", "target", "header", "program", "interleaving")
_FILE = Template(
    '''"""$story
"""

from harness.verification.replay import check_witness

TARGET = $target
# A relative path is looked for in the working directory, in the folder of this file, and in those above it.


def $test() -> None:
    """$truth"""
    check_witness(WITNESS, target=TARGET, file=__file__)


# What was recorded: who asks what, and who took the next step at which choice where asyncio would have let another.
WITNESS = r"""
$witness
"""
'''
)
"""Fill in: story, target, test, truth, witness."""


class ExportError(Exception):
    """A witness cannot be exported. Says why, and what to do."""


def export_test(witness: Witness) -> str:
    """Return the text of a pytest file that performs the story of a witness again, and fails while its finding shows.

    Args:
        witness: with an interleaving.

    Raises:
        ExportError: the order of its steps was not recorded, or its checker is not here.
    """
    if witness.interleaving is None:
        raise ExportError(
            "the order of the witness's steps was not recorded, so a test of it would pass or fail by chance: export a "
            "witness of the schedules suite, or show this one with `harness replay`"
        )
    if witness.checker not in CHECKERS:
        raise ExportError(f"there is no checker {witness.checker!r} here: export with the version that recorded it")
    test = f"test_{re.sub('[^0-9a-z]+', '_', witness.finding.anomaly.lower())}"
    return _FILE.substitute(
        story=_docstring(_story(witness, test)),
        target=json.dumps(witness.target) if witness.target.isascii() else ascii(witness.target),
        test=test,
        truth=_docstring([_sentence(CHECKERS[witness.checker].sentence)]),
        witness="\n".join(_broken(_data(witness))),
    )


def read_exported(data: str) -> Witness:
    """Return the witness that is in an exported test; its history stayed behind."""
    return _WITNESS.validate_python({**json.loads("".join(data.split("\n"))), "history": ()})


# What the file tells


def _story(witness: Witness, test: str) -> Iterator[str]:
    checker = CHECKERS[witness.checker]
    yield f"{_printable(witness.finding.message)}."
    yield ""
    yield "The Isolation Harness has found this. The test below performs it again; it needs the harness and the target."
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
    dumped = _WITNESS.dump_python(witness, mode="json")
    promises = dumped["header"]["promises"]
    promises |= {name: sorted(said) for name, said in promises.items() if isinstance(said, list)}
    return json.dumps({name: dumped[name] for name in _REPLAYED}, separators=(",", ":"))


def _broken(text: str) -> Iterator[str]:
    """Yield a text in lines: behind a comma where there is one, and never beside a space, which editors take away."""
    while len(text) > WIDTH:
        ends = [end for end in range(WIDTH, WIDTH // 2, -1) if " " not in text[end - 1 : end + 1]]
        end = next((end for end in ends if text[end - 1] == ","), ends[0] if ends else WIDTH)
        yield text[:end]
        text = text[end:]
    yield text
