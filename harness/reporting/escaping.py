"""Makes text that came from a target safe to show.

Rules:

- Nothing is dropped in silence: what cannot be shown is written out (`\\x1b`), and what is cut says that it
  is.
- `shown` comes first, whatever the format: one line, no control, bidirectional or undefined characters, so
  that it neither moves a terminal's cursor, reorders a sentence, nor breaks XML.
- Each format then escapes its own specials: jinja2 for HTML, ElementTree for XML, `escaped` here for
  Markdown.
- JSON needs none of this: it is written in ASCII and loses nothing.

Source: XML 1.0 production 2 (Char); Unicode UAX 9 (bidirectional controls); GitHub Flavored Markdown 0.29,
2.4 and 6.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 600
"""Of one text in a report for people; `report.json` has the whole."""

_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"[\t\n\r\f\v ]+")

_MARKDOWN = re.compile(
    r"""[\\`*\[\]|~]            # always special
    | (?<![A-Za-z0-9])_         # emphasis can open or close only at the edge of a word
    | _(?![A-Za-z0-9])
    | :(?=//) | (?<=www)\.      # GitHub would make a link of it
    | ^(?:[-+=\#>])             # would begin a list, heading or quote
    """,
    re.VERBOSE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?= |$)")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def shown(text: str) -> str:
    """Return the text on one line, with everything unshowable written out, and cut if it is very long."""
    line = _UNSHOWABLE.sub(_written_out, _SPACE.sub(" ", text)).strip()
    if len(line) <= MOST_CHARACTERS:
        return line
    return f"{line[:MOST_CHARACTERS]}… ({len(line):,} characters, whole in report.json)"


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Verbatim(str):
    """Markdown that is meant as it stands."""

    __slots__ = ()


def escaped(text: str) -> Verbatim:
    """Return Markdown that shows this text and nothing else, inside a paragraph, list item or table cell."""
    line = _MARKDOWN.sub(lambda match: f"\\{match[0]}", shown(text))
    line = _NUMBERED.sub(r"\1\\\2", line)
    return Verbatim(_ENTITY.sub("&amp;", line).replace("<", "&lt;"))


def code(text: str) -> Verbatim:
    """Return Markdown that shows this text as code, fit for a table cell."""
    line = shown(text)
    if not line:
        return Verbatim("")
    if "|" in line:
        # GFM: a pipe ends a table cell even inside a code span, where no escape can save it in every case.
        return Verbatim(f"<code>{escaped(line)}</code>")
    fence = "`" * (_longest_ticks(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return Verbatim(f"{fence}{pad}{line}{pad}{fence}")


def block(lines: tuple[str, ...]) -> Verbatim:
    """Return a fenced Markdown code block with these lines, each shown whole on a line of its own."""
    body = [shown(line) for line in lines]
    fence = "`" * max(3, *(_longest_ticks(line) + 1 for line in body), 3)
    return Verbatim("\n".join([f"{fence}sh", *body, fence]))


def _longest_ticks(line: str) -> int:
    return max((len(run) for run in re.findall("`+", line)), default=0)
