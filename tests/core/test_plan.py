from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapter import Adapter, Route, nobody
from harness.claims.adjudication import CLAIMS
from harness.claims.evidence import Suite
from harness.claims.plan import ADJUDICABLE, PLANS, LoadBudget, Plan, PlanError, PropertiesBudget, read_plan
from harness.history.canary import MOST_OWNERS
from harness.mutants import NULLS, SUBJECTS
from harness.verification.resolve import NamedTarget
from harness.verification.verification import required_of, suites_of

TRIALS = frozenset({"shared-bridge", "broadcast"})
SERVICE = Adapter(name="notes", sign_in=nobody(), routes=[Route("write", "POST", "/notes", json="{canary}")])
DEAD = NULLS["dead"].open


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
        assert (name, ADJUDICABLE) == (plan.name, required_of(plan, NamedTarget("mine", DEAD)))

    @pytest.mark.parametrize("name", ["quick", "standard", "deep"])
    def test_plans_require_of_a_service_what_can_be_seen_over_the_wire(self, name: str) -> None:
        """What nobody could show there would never hold."""
        service = NamedTarget("served", DEAD, adapter=SERVICE, in_process=False)
        assert set(required_of(read_plan(name, frozenset()), service)) < set(ADJUDICABLE)

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
        assert required == required_of(read_plan(str(path), TRIALS), NamedTarget("served", DEAD, adapter=SERVICE))

    def test_can_leave_a_suite_out(self, tmp_path: Path) -> None:
        """TOML has no None: false says it, of each suite that a target can do without."""
        plan = read_plan(written(tmp_path, "properties = false\nschedules = false\nload = false\n"), TRIALS)
        assert (None, None, None) == (plan.properties, plan.schedules, plan.load)

    def test_cannot_leave_out_the_only_suite_of_a_service(self, tmp_path: Path) -> None:
        """Nothing would be verified of it; and no other target has that suite."""
        with pytest.raises(PlanError, match="wire: .*it always runs on a service: leave the key out"):
            read_plan(written(tmp_path, "wire = false\n"), TRIALS)

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
        [
            ("claims = []", "no claims: a plan that requires nothing shows nothing"),
            ("claims = [", "is wrong: Invalid value .*. Mend the file"),
            ("a = 1\nb = 2", "is wrong: a: Extra inputs are not permitted; b: Extra"),
        ],
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
    def test_every_suite_that_runs_gets_them(self) -> None:
        """And nothing else changes."""
        plan = PLANS["deep"].with_users(33, tuple(Suite))
        assert plan.properties is not None
        assert plan.load is not None
        assert (33, 33, 33) == (plan.properties.users, plan.wire.users, plan.load.users)
        assert PLANS["quick"] == PLANS["quick"].with_users(33, tuple(Suite)).with_users(10, tuple(Suite))

    @pytest.mark.parametrize(("users", "in_tours"), [(1, 2), (2, 2), (99, 99), (100, 100), (101, 100), (1_500, 100)])
    def test_the_tours_have_a_hundred_at_most(self, users: int, in_tours: int) -> None:
        """More show nothing new there, so that no number is too large for them."""
        plan = PLANS["quick"].with_users(users, [Suite.PROPERTIES])
        assert PLANS["quick"].model_copy(update={"properties": PropertiesBudget(examples=15, users=in_tours)}) == plan

    @pytest.mark.parametrize(("suite", "most"), [(Suite.WIRE, 1_000), (Suite.LOAD, MOST_OWNERS - 1)])
    def test_too_many_for_a_suite_that_runs_are_refused(self, suite: Suite, most: int) -> None:
        """What is said is the number, the suite, and its limit."""
        with pytest.raises(PlanError, match=f"{most + 1} users .*{suite}.users: .*less than or equal to {most}"):
            PLANS["quick"].with_users(most + 1, [Suite.PROPERTIES, suite])
        assert PLANS["quick"].with_users(most, [suite]) != PLANS["quick"]

    @pytest.mark.parametrize(
        ("target", "text", "suites"),
        [
            (NamedTarget("here", DEAD, server="here"), "", {Suite.PROPERTIES, Suite.LOAD}),
            (NamedTarget("here", DEAD, server="here"), "load = false", {Suite.PROPERTIES}),
            (NamedTarget("mine", DEAD), "properties = false\n[schedules]", {Suite.SCHEDULES}),
            (NamedTarget("served", DEAD, adapter=SERVICE), "[schedules]", {*Suite}),
            (NamedTarget("far", DEAD, adapter=SERVICE, in_process=False), "[schedules]", {Suite.WIRE, Suite.LOAD}),
        ],
        ids=lambda value: getattr(value, "name", None),
    )
    def test_a_suite_that_does_not_run_sets_no_limit(
        self, tmp_path: Path, target: NamedTarget, text: str, suites: set[Suite]
    ) -> None:
        """It is left out, or is none of this target's: a service has its own, and load needs what can be served."""
        assert suites == suites_of(read_plan(written(tmp_path, text), TRIALS), target)

    @pytest.mark.parametrize(("suites", "users"), [({Suite.WIRE}, 7), ({Suite.LOAD, Suite.PROPERTIES}, 9), ({}, 0)])
    def test_a_manifest_names_the_most_of_a_suite_that_runs(self, suites: set[Suite], users: int) -> None:
        """Not those of one that does not."""
        plan = PLANS["quick"].with_users(7, [Suite.WIRE]).with_users(8, [Suite.PROPERTIES]).with_users(9, [Suite.LOAD])
        assert users == plan.most_users(suites)
