from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from plays import Played, play

from harness.history.model import EventKind
from harness.mutants import TWINS
from reference_impl.app import Backend


def _played(name: str, program: str = "in-turn") -> Played:
    played = play(TWINS[name], program)
    assert played.flagged_by == set()
    return played


def _backend(played: Played) -> Backend:
    backend: Backend = played.target._app.state.backend
    return backend


def _service(played: Played) -> Any:
    return _backend(played).service


class TestTwinsDoWhatTheySay:
    """A twin that does not do what looks like a bug shows nothing when it is not flagged."""

    def test_repeats_are_sent(self) -> None:
        """An event arrives twice under one id."""
        pushed = [event for event in _played("at-least-once").events if event.kind is EventKind.PUSH]
        frames = Counter((event.user, event.value["run"], event.value["seq"]) for event in pushed)
        assert max(frames.values()) == 2

    def test_announcements_reach_those_who_did_not_cause_them(self) -> None:
        """Everybody connected hears of it."""
        told = {event.user for event in _played("announcement").events if event.name == "announcement"}
        assert len(told) > 1

    def test_ids_contain_separators(self) -> None:
        """A run's id is not taken apart by anybody."""
        events = _played("separated-ids").events
        runs = {event.value["run"] for event in events if event.kind is EventKind.PUSH}
        assert runs
        assert all("_" in run and ":" in run and "." in run for run in runs)

    def test_counters_count_everybody(self) -> None:
        """The numbers are of all users together."""
        hub: Any = _backend(_played("shared-counters")).hub
        assert hub.counts["agent_completed"] >= 8

    def test_the_cache_is_filled_by_user(self) -> None:
        """Each user has an entry."""
        assert len(_service(_played("cache-by-user"))._cache) == 4

    def test_the_index_is_made_once(self) -> None:
        """It is there after the first request."""
        assert _service(_played("lazy-index", "solo"))._words

    def test_the_first_request_is_counted(self) -> None:
        """One of them was slow."""
        assert _service(_played("slow-start", "solo"))._served > 1

    @pytest.mark.parametrize("name", ["common-style"])
    def test_live_agents_share_what_cannot_change(self, name: str) -> None:
        """They were compared while they did, and nothing was found."""
        assert _played(name, "limits").verdicts["aliasing"].facts > 0
