"""What `make package` builds, installed and used where the repository is not: the base, without any extra."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "mission_critical", "reference_impl")
MOST_MB = 120
MOST_PACKAGES = 45
TINY = """
claims = ["SES-2"]
trials = ["late-route"]
load = false

[properties]
examples = 1
users = 2
component_examples = 1
"""


def ran(folder: Path, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without anything of the repository on the path."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))}
    return subprocess.run(words, cwd=folder, env=known | environment, capture_output=True, text=True, check=False)


def megabytes(folder: Path) -> float:
    """Return what a folder takes on the disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*")) / 2**20


def contents(wheel: Path) -> Mapping[str, bytes]:
    """Return what is in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    done = ran(ROOT, "make", "package", f"DIST={folder}")
    assert 0 == done.returncode, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def empty_mb(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What an empty environment takes."""
    folder = tmp_path_factory.mktemp("empty")
    assert 0 == ran(folder, sys.executable, "-m", "venv", "environment").returncode
    return megabytes(folder)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its base dependencies."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    assert 0 == ran(ROOT, sys.executable, "-m", "venv", folder).returncode
    done = ran(folder, folder / "bin/pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    assert 0 == done.returncode, done.stderr
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of somebody's, with a plan."""
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return tmp_path


def test_the_wheel_holds_the_packages_whole(wheel: Path) -> None:
    """Whatever git tracks below the three packages is in the wheel, templates and `py.typed` included, and no more."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = set(listed.stdout.split())
    assert {f"{package}/py.typed" for package in PACKAGES} <= tracked
    assert {"harness/drafting/templates/plan.toml.jinja", "harness/reporting/templates/report.css"} <= tracked
    assert tracked == {name for name in contents(wheel) if name.partition("/")[0] in PACKAGES}


def test_the_sdist_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, it gives a wheel with identical contents; it brings tests, docs and Makefile with it."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert {"Makefile", "constraints.txt", "docs", "tests", "benchmarks"} <= {path.name for path in source.iterdir()}
    done = ran(tmp_path, sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "again", source)
    assert 0 == done.returncode, done.stdout + done.stderr
    (again,) = (tmp_path / "again").iterdir()
    assert contents(wheel) == contents(again)


def test_the_base_is_small(environment: Path, empty_mb: float) -> None:
    """It adds at most 120 MB and 45 packages, itself included, to an empty environment."""
    listed = ran(environment, environment / "bin/pip", "list", "--format=freeze").stdout.split()
    packages = [name for name in listed if name.partition("==")[0] not in ("pip", "setuptools")]
    assert len(packages) <= MOST_PACKAGES, packages
    assert megabytes(environment) - empty_mb <= MOST_MB


def test_a_verification_runs_anywhere(environment: Path, folder: Path) -> None:
    """`harness verify` writes its report, and leaves nothing else."""
    done = ran(folder, environment / "bin/harness", "verify", "--plan", "tiny.toml", "--out", "run")
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert (folder / "run" / "report.html").is_file()
    assert {"run", "tiny.toml"} == {path.name for path in folder.iterdir()}


def test_the_gate_runs_anywhere(environment: Path, folder: Path) -> None:
    """`pytest --pyargs mission_critical` finds its tests and its options."""
    words = [
        "--pyargs",
        "mission_critical",
        "-k",
        "test_claim and SES-2",
        "--isolation-users=3",
        "-p",
        "no:cacheprovider",
    ]
    done = ran(folder, environment / "bin/pytest", *words)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_examples_are_there_and_run(environment: Path, folder: Path) -> None:
    """They lie in share/isolation-harness/examples: an adapter is drafted of one, schedules of another are explored."""
    examples = environment / "share" / "isolation-harness" / "examples"
    assert {path.name for path in (ROOT / "docs/examples").glob("*.*")} == {path.name for path in examples.glob("*.*")}
    done = ran(folder, environment / "bin/harness", "init", f"{examples / 'leaky_notes.py'}:create_app")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert (folder / "isolation_target.py").is_file()
    explored = f"{examples / 'leaky_target.py'}:leaky"
    done = ran(folder, environment / "bin/harness", "explore", explored, "--schedules", "20", "--out", "run")
    assert 1 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"), [(["verify"], "load"), (["explore", "--cluster", "tcp://127.0.0.1:9"], "cluster")]
)
def test_what_needs_an_extra_says_so(environment: Path, folder: Path, arguments: list[str], extra: str) -> None:
    """One sentence and exit code 2, before anything is begun."""
    done = ran(folder, environment / "bin/harness", *arguments, "--out", "run")
    assert 2 == done.returncode, done.stdout + done.stderr
    assert f"pip install 'isolation-harness[{extra}]'" in done.stderr
    assert not (folder / "run").exists()


def test_an_older_aiosqlite_is_named(environment: Path, folder: Path) -> None:
    """A version that the loop does not know is told, with those that it does."""
    installed = ran(folder, environment / "bin/pip", "install", "--no-deps", "--target", "old", "aiosqlite==0.21.0")
    assert 0 == installed.returncode, installed.stderr
    done = ran(folder, environment / "bin/harness", "explore", "--out", "run", PYTHONPATH=str(folder / "old"))
    assert 2 == done.returncode, done.stdout + done.stderr
    assert "aiosqlite 0.21.0, which lacks _thread: known are the versions 0.22" in done.stderr
