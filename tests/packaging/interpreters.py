"""The other Pythons of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""The versions that the project supports."""


@cache
def python(version: str) -> str | None:
    """Return an interpreter of this version that runs, on PATH or under pyenv, or None."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    for path in (shutil.which(f"python{version}"), *map(str, installed)):
        if path is None:
            continue
        asked = subprocess.run([path, "-c", "import asyncio, sys; print(sys.version)"], capture_output=True, text=True)
        if asked.returncode == 0 and asked.stdout.startswith(version):
            return path
    return None
