"""Tries the base installation under every other supported Python of this machine: `make versions`.

Each gets an environment of its own with the base dependencies, a small verification, and the tests of the loop, which
is what depends most on the insides of Python. Versions that are not on the machine are named.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.packaging.interpreters import VERSIONS, python

ROOT = Path(__file__).parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
PLAN = """
claims = ["SES-2"]
trials = ["late-route"]
load = false

[properties]
examples = 1
users = 2
component_examples = 1

[schedules]
schedules = 20
trials = 0
"""
HOLDS_OR_INCOMPLETE = (0, 3)
LOOP_TESTS = ("anyio", "order", "primitives", "replay", "sqlite", "tasks", "threads")


class Failed(Exception):
    """A step failed. Says which, and what it printed."""


def main() -> int:
    """Try all; return how many failed."""
    failed = []
    with TemporaryDirectory(prefix="harness-wheel-") as name:
        folder = Path(name)
        _do(ROOT, sys.executable, "-m", "build", "--outdir", folder, ROOT)
        (wheel,) = folder.glob("*.whl")
        for version in VERSIONS:
            path = python(version)
            if version == HERE:
                print(f"==> python {version}: tried by the other targets", flush=True)
            elif path is None:
                print(f"==> python {version}: not found on this machine", flush=True)
            else:
                try:
                    print(f"==> python {version}: works, tried for {_seconds_of_trying(path, wheel):.0f} s", flush=True)
                except Failed as error:
                    print(f"==> python {version}: FAILED\n{error}", flush=True)
                    failed.append(version)
    return len(failed)


def _seconds_of_trying(path: str, wheel: Path) -> float:
    begun_s = monotonic()
    with TemporaryDirectory(prefix="harness-versions-") as name:
        folder = Path(name)
        (folder / "tiny.toml").write_text(PLAN, encoding="utf-8")
        bin_folder = folder / "environment" / "bin"
        _do(folder, path, "-m", "venv", "environment")
        _do(folder, bin_folder / "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
        _do(folder, bin_folder / "harness", "verify", "--plan", "tiny.toml", "--out", "run", fine=HOLDS_OR_INCOMPLETE)
        tests = [ROOT / "tests" / "schedules" / f"test_loop_{name}.py" for name in LOOP_TESTS]
        _do(ROOT, bin_folder / "python", "-m", "pytest", "-p", "no:cacheprovider", *tests)
    return monotonic() - begun_s


def _do(folder: Path, *words: str | Path, fine: tuple[int, ...] = (0,)) -> None:
    """Run a command.

    Raises:
        Failed: with another exit code than those that are fine.
    """
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in fine:
        raise Failed(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
