"""Records a witness, in a process that hashes strings as every exploration does.

    python export_stories.py TARGET CHECKER SCENE FILE

Takes the first of a few walks in which the checker finds something, made a little smaller.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import TypeAdapter

from harness.claims.run_folder import Witness
from harness.judging.checkers import CHECKERS
from harness.loop.scheduling import Mode
from harness.loop.strategies.random_walk import RandomWalk
from harness.schedules.batches import explorer
from harness.schedules.exploration import Story
from harness.schedules.scenario_runner import SceneSubject
from harness.schedules.scenario_story import explain
from harness.schedules.shrinking import shrink
from harness.schedules.suite import witness_of
from harness.verification.resolve import resolve

RUNS = 20
SEEDS = 20


def record(target: str, checker: str, scene_name: str) -> Witness:
    """Return a witness of what the checker finds in this scene."""
    checkers = {checker: CHECKERS[checker]}
    with resolve(target).prepared() as open_target, explorer(target, open_target, 7, checkers) as opened:
        scene = next(scene for scene in opened.scenes if scene.name == scene_name)
        walks = (opened.runner.perform(scene, RandomWalk().scheduler(seed), Mode.STRICT) for seed in range(SEEDS))
        found = next(walk for walk in walks if walk.verdicts and walk.verdicts[checker].violated)
        subject, shrunk = shrink(SceneSubject(opened.runner, scene), found, found.symptom(checker), RUNS)
        return witness_of(Story(shrunk, explain(subject, shrunk)), target)


if __name__ == "__main__":
    *what, path = sys.argv[1:]
    Path(path).write_bytes(TypeAdapter(Witness).dump_json(record(*what)))
