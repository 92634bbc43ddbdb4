"""The house rules of the project, as tests: sizes, names, docstrings, and the recipe that every checker follows."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.claims.catalogue import ANOMALIES, CLAIMS
from harness.claims.plan import PLANS
from harness.judging.checkers import CHECKERS
from harness.mutants import MUTANTS, NULLS, TWINS

ROOT = Path(__file__).parents[1]
MOST_LINES_OF_FILE = 400
MOST_LINES_OF_FUNCTION = 60
USUAL_LINES_OF_FUNCTION = 30
BANNED_NAMES = frozenset({"utils", "helpers", "common", "misc", "base", "manager"})
PACKAGES = ("harness", "mission_critical", "reference_impl")


@cache
def files() -> tuple[Path, ...]:
    """Return every Python file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(path for name in sorted(set(listed.stdout.split())) if (path := ROOT / name).exists())


@cache
def parsed(path: Path) -> ast.Module:
    """Return what is written in a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function of every file."""
    for path in files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function, its docstring left out: words are not what makes a function long."""
    assert node.end_lineno is not None
    body = node.body[0]
    documented = (
        isinstance(body, ast.Expr) and isinstance(body.value, ast.Constant) and isinstance(body.value.value, str)
    )
    said = (body.end_lineno or 0) - body.lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - said


def test_there_is_something_to_hold_to_the_rules() -> None:
    """The files are found: rules that look at nothing would always be kept."""
    assert 100 < len(files())


def test_no_file_is_too_long() -> None:
    """A file has at most 400 lines."""
    found = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    assert {} == {name: lines for name, lines in found.items() if lines > MOST_LINES_OF_FILE}


def test_no_function_is_too_long() -> None:
    """A function has at most 60 lines, docstring included."""
    found = {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 for path, node in functions()
    }
    assert {} == {name: lines for name, lines in found.items() if lines > MOST_LINES_OF_FUNCTION}


def test_nine_functions_in_ten_are_short() -> None:
    """Nine in ten have at most 30 lines."""
    lengths = [length(node) for _, node in functions()]
    short = sum(lines <= USUAL_LINES_OF_FUNCTION for lines in lengths)
    assert 0.9 <= short / len(lengths)


def test_no_module_is_a_drawer() -> None:
    """No file or folder has a name that could hold anything."""
    named = {part for path in files() for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert set() == named & BANNED_NAMES


def _of_package(path: Path) -> bool:
    return path.relative_to(ROOT).parts[0] in PACKAGES


@pytest.mark.parametrize("path", [path for path in files() if _of_package(path)], ids=lambda path: path.stem)
def test_a_module_says_what_it_is(path: Path) -> None:
    """Every module of the distribution opens with a docstring."""
    assert ast.get_docstring(parsed(path))


def test_every_test_states_its_truth() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path, node in functions()
        if node.name.startswith("test_") and path.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert [] == silent


def test_no_check_is_switched_off_without_a_word() -> None:
    """There is no skip, expected failure, blanket type-ignore or note to oneself in the code."""
    pattern = re.compile(r"pytest\.mark\.(skip|xfail)\b|# type: ignore(?!\[)|\bassert True\b|\b(TODO|FIXME)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert [] == found


def test_no_exception_is_swallowed_whole() -> None:
    """Nobody catches everything and does nothing."""
    swallowed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(statement, ast.Pass) for statement in node.body)
    ]
    assert [] == swallowed


# The recipe of a checker


@pytest.mark.parametrize("name", CHECKERS)
def test_a_checker_follows_the_recipe(name: str) -> None:
    """One file, anomalies with sources in the catalogue, a mutant that it should kill."""
    checker = CHECKERS[name]
    assert (ROOT / "harness" / "judging" / "checkers" / f"{name}.py").exists()
    assert set(checker.anomalies) == {anomaly.id for anomaly in ANOMALIES.values() if anomaly.checker == name}
    assert all(re.fullmatch(r"CWE-\d+", ANOMALIES[anomaly].weakness) for anomaly in checker.anomalies)
    assert [mutant for mutant in MUTANTS.values() if mutant.expected == name]
    assert any(name in path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "checkers").glob("test_*.py"))


def test_every_anomaly_refutes_a_claim() -> None:
    """What a checker finds always speaks against some claim."""
    assert set(ANOMALIES) == {anomaly for claim in CLAIMS.values() for anomaly in claim.anomalies}


def test_the_catalogue_is_as_large_as_promised() -> None:
    """There are at least 24 mutants over all five sections of the incidents, 12 safe twins and four null targets."""
    assert 24 <= len(MUTANTS)
    assert set("ABCDE") <= {mutant.incident[:1] for mutant in MUTANTS.values()}
    assert 12 <= len(TWINS)
    assert {"grant-all", "deny-all", "echo-all", "dead"} == set(NULLS)


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
def test_a_built_in_plan_asks_for_what_exists_and_can_support_its_claims(plan) -> None:  # type: ignore[no-untyped-def]
    """Every claim and trial that a plan names exists, and every checker has a mutant to kill in it."""
    subjects = {*MUTANTS, *TWINS, *NULLS}
    chosen = subjects if plan.trials is None else set(plan.trials)
    assert chosen <= subjects
    assert plan.claims is None
    assert set(CHECKERS) == {MUTANTS[name].expected for name in chosen & set(MUTANTS)}


# What is shipped


def test_constraints_pin_names_and_versions_only() -> None:
    """No address and no path of a machine is in the constraints."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line)]


def test_the_fixed_packages_are_required() -> None:
    """The distribution depends on the packages that were decided on, and offers the command `harness`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[\[>=<~! ]", item)[0] for item in project["dependencies"]}
    fixed = {"pytest", "pytest-xdist", "pytest-asyncio", "hypothesis", "fastapi", "sqlalchemy", "aiosqlite"}
    assert fixed <= required
    assert [item for item in project["optional-dependencies"]["load"] if item.startswith("locust>")]
    assert "harness.command.cli:main" == project["scripts"]["harness"]


def test_every_make_target_is_explained() -> None:
    """`make help` explains each target that the README and CI use."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert {"verify", "test", "check", "mission-critical", "package", "load", "report", "help"} <= explained
    used = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert ["check", "test", "services", "mission-critical", "try-package", "versions", "verify"] == used


# Words

RETIRED = frozenset(
    {"strike", "blow", "deed", "wave", "tour", "habit", "crew", "chapter", "unheard", "harvest", "principal", "person"}
    | {"manner", "hearer"}
)
"""Words that needed explaining; the glossary in docs/architecture.md has the field's own."""
MOST_NOUNS = 25


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yield every name that a file defines or uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def test_no_name_has_a_retired_word() -> None:
    """Names of the distribution use the standard terms."""
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        if _of_package(path)
        for name in names_in(parsed(path))
        if RETIRED & {part.lower().removesuffix("s") for part in re.findall(r"[A-Z]?[a-z]+", name)}
    }
    assert set() == found


def test_the_glossary_is_short() -> None:
    """At most so many rows, each with a meaning."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| noun | meaning |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert 10 <= len(rows) <= MOST_NOUNS


def test_no_two_test_modules_have_one_name() -> None:
    """pytest imports them by it, and would take one for the other."""
    modules = (path for path in files() if path.is_relative_to(ROOT / "tests"))
    names = Counter(path.name for path in modules if path.name.startswith("test_"))
    assert [] == [name for name, count in names.items() if count > 1]
