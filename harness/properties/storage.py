"""Where Hypothesis keeps what it keeps: beside the examples, which are not stored, tables of characters and constants.

It would make a folder `.hypothesis` wherever somebody works. Here it gets a temporary one, which all processes of a
verification share: the tables are made once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from hypothesis.configuration import set_hypothesis_home_dir, storage_directory

VARIABLE = "HYPOTHESIS_STORAGE_DIRECTORY"
"""Hypothesis's own; who sets it has said where."""


@contextmanager
def stored_apart() -> Iterator[None]:
    """Have this process, and those that it starts, store in a temporary folder, while this lasts."""
    if VARIABLE in os.environ:
        yield
        return
    before = storage_directory(intent_to_write=False).home_directory
    with TemporaryDirectory(prefix="harness-hypothesis-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(before)
            del os.environ[VARIABLE]
