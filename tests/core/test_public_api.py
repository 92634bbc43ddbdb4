"""The public API is what docs/api.md says: every name on that page is there, and says what it is."""

from __future__ import annotations

import importlib
import re
from inspect import isclass, isfunction
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def documented(section: str) -> list[str]:
    """Return the names in the first column of a section's table."""
    return [name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]


@pytest.mark.parametrize("module", SECTIONS)
def test_a_public_module_offers_what_the_page_says_and_no_more(module: str) -> None:
    """The page and `__all__` name the same, and each name imports."""
    found = importlib.import_module(module)
    assert sorted(documented(SECTIONS[module])) == sorted(found.__all__)
    assert [] == [name for name in found.__all__ if not hasattr(found, name)]


@pytest.mark.parametrize("module", SECTIONS)
def test_every_public_name_says_what_it_is(module: str) -> None:
    """Classes and functions have docstrings of their own, not the one that a dataclass makes."""
    found = importlib.import_module(module)
    public = {name: getattr(found, name) for name in found.__all__}
    silent = [
        name
        for name, value in public.items()
        if (isclass(value) or isfunction(value)) and (not value.__doc__ or value.__doc__.startswith(f"{name}("))
    ]
    assert [] == silent


def test_the_page_has_the_three_public_modules() -> None:
    """Adapter, schedules and checkers: tests that look at nothing would always pass."""
    assert {"harness.adapter", "harness.schedules", "harness.judging"} == set(SECTIONS)


@pytest.mark.parametrize("package", ["harness", "mission_critical", "reference_impl"])
def test_a_package_is_typed_for_others(package: str) -> None:
    """Type checkers read the annotations of installed code only beside a `py.typed` (PEP 561)."""
    assert (ROOT / package / "py.typed").is_file()
