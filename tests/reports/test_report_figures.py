"""The figures show what was counted, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

from example_report import (
    LEAK,
    bridge_findings,
    bridge_history,
    deliveries,
    full_evidence,
    holding,
    judge,
    manifest,
    read_history,
    suites,
    target_history,
    trials,
    violated,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.claims.adjudication import report_of
from harness.history.model import Event, EventKind, Header, History, user_id
from harness.judging.verdict import Finding
from harness.reporting.before_after import Deliveries, before_and_after, parsed
from harness.reporting.matrix import MOST_USERS, matrix
from harness.reporting.stories import stories
from harness.reporting.swimlanes import MOST_ARROWS, MOST_EVENTS, MOST_LANES, WIDTH, swimlanes


def test_the_picture_has_as_many_marks_as_the_history() -> None:
    """A lane per user, a bar per call, a dot per arrival, and a number per finding."""
    history = bridge_history()
    figure = swimlanes(history, bridge_findings())
    assert figure is not None
    kinds = [event.kind for event in history.events]
    assert [user_id(number) for number in range(8)] == [lane.text for lane in figure.lanes]
    assert kinds.count(EventKind.INVOKE) == len(figure.bars)
    assert kinds.count(EventKind.PUSH) - 7 == len(figure.dots)
    assert (len(figure.numbered), len(figure.arrows), sum(bar.accused for bar in figure.bars)) == (7, 7, 7)
    assert figure.notes == ()


def test_an_arrow_goes_from_the_owner_s_call_to_the_observer_s_lane() -> None:
    """The ends of an arrow are events of the finding's witness."""
    figure = swimlanes(target_history(), (LEAK,))
    assert figure is not None
    (item,), (arrow,) = figure.numbered, figure.arrows
    assert item.origin is not None
    assert ((item.origin.user, item.origin.index), (item.arrival.user, item.arrival.index)) == (
        ("u00", 0),
        ("u02", 5),
    )
    lanes = {lane.text: lane.at for lane in figure.lanes}
    assert lanes["u02"] == arrow.y
    assert arrow.path.startswith(f"M{figure.bars[0].x} {lanes['u00']}")


def test_a_call_that_never_completed_lasts_to_the_end() -> None:
    """An open call has a bar up to the end of the run."""
    events = target_history().events[:-1]
    figure = swimlanes(History(target_history().header, events), (LEAK,))
    assert figure is not None
    assert len(figure.bars) == 3


def test_a_finding_is_drawn_on_its_own_history_or_not_at_all() -> None:
    """A witness that is not in the history, or not of the observer, is no arrow."""
    history = target_history()
    assert swimlanes(history, (replace(LEAK, witness=(0, 99)),)) is None
    assert swimlanes(history, (replace(LEAK, observer="u07"),)) is None
    assert swimlanes(history, (replace(LEAK, witness=()),)) is None


def test_a_finding_without_an_owner_s_event_is_a_cross_alone() -> None:
    """Where no event of the owner shows the fault, nothing is made up."""
    figure = swimlanes(target_history(), (replace(LEAK, witness=(5,)),))
    assert figure is not None
    assert figure.arrows[0].path == ""
    assert sum(bar.accused for bar in figure.bars) == 0


def test_a_history_without_a_clock_is_drawn_by_index() -> None:
    """Where all times are equal, the axis counts events."""
    events = tuple(replace(event, time_ns=0) for event in target_history().events)
    figure = swimlanes(History(target_history().header, events), (LEAK,))
    assert figure is not None
    assert figure.ticks[0].text == "event 0"


def long_history(users: int, events: int) -> History:
    """Arrivals in turn."""
    return History(
        Header(target="t", suite="load", seed=1, users=users),
        tuple(
            Event(index=at, kind=EventKind.PUSH, user=user_id(at % users), name="tick", time_ns=at * 1000)
            for at in range(events)
        ),
    )


def test_a_long_history_is_cut_around_its_findings_and_says_so() -> None:
    """The picture stays small, the findings' users keep their lanes, and the notes tell what is missing."""
    history = long_history(40, 20_000)
    findings = [
        Finding(
            anomaly="misdelivered",
            message="m",
            owner=user_id(at % 40),
            observer=user_id((at + 39) % 40),
            witness=(at, at + 39),
        )
        for at in range(9000, 9400, 20)
    ]
    figure = swimlanes(history, findings)
    assert figure is not None
    assert len(figure.lanes) == MOST_LANES
    assert len(figure.dots) + len(figure.numbered) <= MOST_EVENTS
    assert MOST_ARROWS >= len(figure.numbered) > 0
    assert [
        "360 of 20,000 events of the run are in the picture.",
        "12 of 40 users have a lane: those in findings first, then the busiest.",
        f"{len(figure.numbered)} of 20 recorded findings are numbered here.",
    ] == list(figure.notes)
    assert {"u00", "u39"} <= {lane.text for lane in figure.lanes}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_everything_drawn_is_inside_the_picture(data: st.DataObject) -> None:
    """No bar, dot, cross or tick leaves the view box, whatever the history and the findings."""
    kinds = st.sampled_from(EventKind)
    rows = data.draw(
        st.lists(
            st.tuples(kinds, st.integers(0, 15), st.integers(0, 3), st.integers(0, 10**6)),
            min_size=1,
            max_size=80,
        )
    )
    times = sorted(row[3] for row in rows)
    events = tuple(
        Event(index=at, kind=kind, user=user_id(user), call=call, name="x", time_ns=time)
        for at, ((kind, user, call, _), time) in enumerate(zip(rows, times, strict=True))
    )
    indices = st.integers(0, len(events) - 1)
    owners = st.sampled_from(["", *(event.user for event in events)])
    findings = data.draw(
        st.lists(
            st.builds(
                Finding,
                anomaly=st.just("a"),
                message=st.just("m"),
                owner=owners,
                observer=owners,
                witness=st.lists(indices, max_size=3).map(tuple),
            ),
            max_size=5,
        )
    )
    figure = swimlanes(History(Header(target="t", suite="s", seed=0, users=16), events), findings)
    if figure is not None:
        xs = [x for x, _ in figure.dots] + [a.x for a in figure.arrows] + [t.at for t in figure.ticks]
        xs += [bar.x for bar in figure.bars] + [bar.x + bar.width for bar in figure.bars]
        ys = [y for _, y in figure.dots] + [a.y for a in figure.arrows] + [a.badge_y for a in figure.arrows]
        assert all(0 <= x <= WIDTH for x in xs)
        assert all(0 <= y <= figure.height for y in ys)


def test_the_matrix_sums_to_what_was_measured() -> None:
    """Every delivery is in a cell, and the crossed cells are the crossed deliveries."""
    before, after = before_and_after(holding())
    for side, total, crossed in ((before, 47, 7), (after, 2880, 0)):
        figure = matrix(side)
        assert figure is not None
        assert (total, crossed) == (side.total, side.crossed)
        assert total == sum(int(cell.text) for cell in figure.cells)
        assert crossed == sum(int(cell.text) for cell in figure.cells if cell.crossed)


def test_before_and_after_are_said_with_count_and_bound() -> None:
    """The sentence beneath the title is the count, its base and its bound."""
    before, after = before_and_after(holding())
    assert before.sentence == "Reached another user: 7 of 47, below 27 % (95 %), in the properties suite."
    assert after.sentence == "Reached another user: 0 of 2,880, below 0.11 % (95 %), in the properties suite."


def test_what_was_not_measured_is_unknown() -> None:
    """No measure, or one of another form, is never drawn as zero."""
    report = report_of(manifest(), (), full_evidence(), ())
    assert [s.sentence for s in before_and_after(report)] == ["UNKNOWN: deliveries were not measured."] * 2
    assert [parsed(v) for v in (None, 3, "u00", [["u00", "u01"]], [["u00", "u01", -1]])] == [None] * 5
    assert matrix(Deliveries("t", {}, "the load suite")) is None


def test_a_large_matrix_is_cut_and_keeps_the_crossed_users() -> None:
    """Of 40 users twelve are drawn, those with crossed deliveries among them, and a note says so."""
    counts = parsed(deliveries({(30, 35): 2}, 5, 40))
    figure = matrix(Deliveries("t", counts, "the load suite"))
    assert figure is not None
    assert len(figure.headings) == MOST_USERS
    assert {"u30", "u35"} <= {heading.text for heading in figure.headings}
    assert figure.note == "12 of 40 users are in the picture; the sentence counts all."


def test_a_missing_history_leaves_a_sentence() -> None:
    """A figure that cannot be drawn is left out, and the reader is told."""

    def nothing(name: str) -> History:
        raise LookupError(name)

    told = stories(violated(), nothing)
    assert [story.subject for story in told] == ["reference", "shared-bridge"]
    assert all(story.figure is None and "is not in the run folder" in story.missing for story in told)


def test_findings_of_many_histories_are_not_drawn_on_one_of_them() -> None:
    """Without a judge, merged findings make no arrows; those of the one history that was run do."""
    (target, mutant) = stories(violated(), read_history)
    assert target.figure is None
    assert "No figure: no finding of leak is known to be of the history" in target.missing
    assert mutant.figure is not None
    assert len(mutant.figure.numbered) == 1
    single = tuple(replace(item, histories=1) for item in violated().evidence)
    (target, _) = stories(replace(violated(), evidence=single), read_history)
    assert target.figure is not None


def test_a_judge_gives_every_finding_of_a_history() -> None:
    """A history that is judged anew shows all that its checker finds in it."""
    counts = [len(story.figure.numbered) for story in stories(violated(), read_history, judge) if story.figure]
    assert counts == [1, 7]


def test_the_stories_are_the_target_s_violation_and_one_planted_bug() -> None:
    """A report that holds shows the planted bug alone; one without histories shows nothing."""
    assert [story.subject for story in stories(holding(), read_history, judge)] == ["shared-bridge"]
    plain = tuple(replace(trial, witness=None) for trial in trials())
    assert stories(report_of(manifest(), suites(), full_evidence(), plain), read_history) == ()


def test_ticks_are_round_and_few() -> None:
    """The axis of the bridge run counts whole tens of milliseconds."""
    figure = swimlanes(bridge_history(), bridge_findings())
    assert figure is not None
    assert [f"{n} ms" for n in range(0, 60, 10)] == [tick.text for tick in figure.ticks]
    assert all(re.fullmatch(r"[\d,.]+ ms", tick.text) for tick in figure.ticks)
