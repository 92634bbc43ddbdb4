from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapter import Adapter, Route, nobody
from harness.claims.adjudication import CLAIMS
from harness.claims.plan import ADJUDICABLE, PLANS, LoadBudget, Plan, PlanError, PropertiesBudget, read_plan
from harness.mutants import SUBJECTS
from harness.verification.verification import required_of

TRIALS = frozenset({"shared-bridge", "broadcast"})
SERVICE = Adapter(name="notes", sign_in=nobody(), routes=[Route("write", "POST", "/notes", json="{canary}")])


def written(folder: Path, text: str) -> str:
    """Return the name of a plan file with this text."""
    path = folder / "nightly.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


class TestBuiltIn:
    @pytest.mark.parametrize("name", ["quick", "standard", "deep"])
    def test_plans_require_every_claim_that_can_be_adjudicated(self, name: str) -> None:
        """However small its budget is."""
        plan = read_plan(name, frozenset())
        assert (name, ADJUDICABLE) == (plan.name, required_of(plan, None))

    @pytest.mark.parametrize("name", ["quick", "standard", "deep"])
    def test_plans_require_of_a_service_what_can_be_seen_over_the_wire(self, name: str) -> None:
        """What nobody could show there would never hold."""
        assert SERVICE.claims == required_of(read_plan(name, frozenset()), SERVICE)

    def test_trials_all_exist(self) -> None:
        """A plan cannot name a trial that is none; beyond quick, all are tried."""
        quick, standard, deep = (PLANS[name].trials for name in ("quick", "standard", "deep"))
        assert (set(), None, None) == (set(quick or ()) - set(SUBJECTS), standard, deep)

    def test_plans_grow(self) -> None:
        """Standard does more than quick, deep more than standard."""
        examples = [plan.properties.examples for plan in PLANS.values() if plan.properties]
        durations = [plan.load.duration_s for plan in PLANS.values() if plan.load]
        assert (sorted(set(examples)), sorted(set(durations))) == (examples, durations)

    def test_claims_without_an_anomaly_are_not_required(self) -> None:
        """What no checker adjudicates can never hold, so no built-in plan asks for it."""
        assert {name for name, claim in CLAIMS.items() if not claim.anomalies} == set(CLAIMS) - set(ADJUDICABLE)


class TestFile:
    def test_says_what_differs_from_the_defaults(self, tmp_path: Path) -> None:
        """What it does not say is the default: all trials, both suites; its name is the file's."""
        plan = read_plan(written(tmp_path, 'claims = ["EVT-1"]\n[properties]\nexamples = 7\n'), TRIALS)
        assert Plan(name="nightly", claims=("EVT-1",), properties=PropertiesBudget(examples=7)) == plan
        assert (None, LoadBudget()) == (plan.trials, plan.load)

    @pytest.mark.parametrize("called", ["nightly.toml", "quick.toml", "quick"])
    @pytest.mark.parametrize("name", ["", 'name = "deep"\n'])
    @pytest.mark.parametrize(("claims", "required"), [("", ADJUDICABLE), ('claims = ["EVT-1"]', ("EVT-1",))])
    def test_requires_the_same_whatever_it_is_called(
        self, tmp_path: Path, called: str, name: str, claims: str, required: tuple[str, ...]
    ) -> None:
        """A plan of one's own is never taken for a built-in one: it requires of a service what it says."""
        path = tmp_path / called
        path.write_text(name + claims, encoding="utf-8")
        assert required == required_of(read_plan(str(path), TRIALS), SERVICE)

    def test_can_leave_a_suite_out(self, tmp_path: Path) -> None:
        """TOML has no None: false says it."""
        plan = read_plan(written(tmp_path, "properties = false\nload = false\n"), TRIALS)
        assert (None, None) == (plan.properties, plan.load)

    def test_with_every_kind_of_error_lists_all_at_once(self, tmp_path: Path) -> None:
        """Whoever mends a plan mends it once."""
        text = 'claims = ["EVT-9", "EVT-8"]\ntrials = ["nobody"]\n[load]\ntrials = ["noone", "broadcast"]\n'
        with pytest.raises(PlanError) as error:
            read_plan(written(tmp_path, text), TRIALS)
        wrong = ("'EVT-9'", "'EVT-8'", "'nobody'", "'noone'", "'broadcast'", "harness list")
        assert [True, True, True, True, False, True] == [part in str(error.value) for part in wrong]

    def test_with_every_wrong_number_lists_all_at_once(self, tmp_path: Path) -> None:
        """Each by its place in the file, and a word that is not of a plan too."""
        text = "nonsense = 1\n[properties]\nexamples = -1\nusers = 1\n[load]\nduration_s = 0\n"
        with pytest.raises(PlanError) as error:
            read_plan(written(tmp_path, text), TRIALS)
        places = ("nonsense", "properties.examples", "properties.users", "load.duration_s")
        assert [True] * 4 == [f"{place}: " in str(error.value) for place in places]

    @pytest.mark.parametrize(
        ("text", "said"),
        [("claims = []", "no claims: a plan that requires nothing shows nothing"), ("claims = [", "is wrong: ")],
    )
    def test_that_says_nothing_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        """A plan without claims would hold whatever happens; what is no TOML says nothing either."""
        with pytest.raises(PlanError, match=said):
            read_plan(written(tmp_path, text), TRIALS)

    def test_that_is_not_there_names_the_built_in_ones(self) -> None:
        """The error says what to give instead."""
        with pytest.raises(PlanError, match="'nowhere': give one of quick, standard, deep, or a TOML file"):
            read_plan("nowhere", TRIALS)

    @pytest.mark.parametrize("path", sorted(Path("docs").glob("*/*.toml")), ids=lambda path: path.stem)
    def test_of_the_documentation_can_be_used(self, path: Path) -> None:
        """What stands in docs/ is read as it stands there."""
        plan = read_plan(str(path), frozenset(SUBJECTS))
        assert path.stem == plan.name


class TestWithUsers:
    def test_both_suites_get_them(self) -> None:
        """And nothing else changes."""
        plan = PLANS["quick"].with_users(33)
        assert plan.properties is not None
        assert plan.load is not None
        assert (33, 33) == (plan.properties.users, plan.load.users)
        assert PLANS["quick"] == plan.with_users(10)

    def test_a_suite_that_is_left_out_stays_out(self, tmp_path: Path) -> None:
        """Asking for users does not ask for a suite."""
        plan = read_plan(written(tmp_path, "load = false\n"), TRIALS).with_users(3)
        assert plan.load is None
