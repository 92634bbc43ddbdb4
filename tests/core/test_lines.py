"""The lines by which a description would say more, in its own names; and what it says already."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.claims import lines
from harness.history.model import Promises
from harness.history.semantics import Progress, Pushes, Semantics, Work

ADD = Semantics("add_job", makes="job", texts=("text",))
OPEN = Semantics("open_box", makes="box")
READ_BOX = Semantics("see_box", takes="box", reads=True)
READ = Semantics("see_job", takes="job", reads=True)
EDIT = Semantics("edit_job", takes="job", texts=("text",), edits=True)
BOXES = Semantics("boxes", lists="box")
LIST = Semantics("jobs", lists="job")
RUN = Semantics("run_job", makes="run", takes="job", texts=("text",))
LIVE = Semantics("live", opens=True)
JOIN = Semantics("join", takes="box")


def of(*operations: Semantics, pushes: tuple[Pushes, ...] = ()) -> Promises:
    """Return what a service of these operations promises."""
    return Promises(operations={known.name: known for known in operations}, pushes=pushes)


def starting(known: Semantics, **work: str) -> Semantics:
    """Return the operation that starts work, too."""
    return Semantics(known.name, makes=known.makes, takes=known.takes, texts=known.texts, starts=Work(**work))


MADE_BY_WORK = of(starting(ADD), OPEN, READ_BOX)
ROUTE_OF_NOTES = 'Route("read_note", "GET", "/notes/{note}"'
ROUTE_OF_JOBS = 'Route("read_job", "GET", "/jobs/{job}"'


@pytest.mark.parametrize(
    ("line", "promises", "said"),
    [
        (lines.carries, of(), '`json={"text": "{canary}"}` on a route that takes one'),
        (lines.reads, of(), f'`makes="note"` on the route that makes one, and `{ROUTE_OF_NOTES})`'),
        (lines.reads, of(OPEN, ADD), f"`{ROUTE_OF_JOBS})`"),
        (lines.reads, of(OPEN), '`Route("read_box", "GET", "/boxs/{box}")`'),
        (lines.shows, of(), f'`{ROUTE_OF_NOTES}, shows="text")`'),
        (lines.shows, of(ADD, READ_BOX, BOXES), f'`{ROUTE_OF_JOBS}, shows="text")`'),
        (lines.shows, of(ADD, READ_BOX, BOXES, EDIT, LIST, READ), '`shows="text"` on see_job'),
        (lines.shows, of(ADD, READ_BOX, BOXES, EDIT, LIST), '`shows="text"` on jobs'),
        (lines.shows, of(OPEN, READ_BOX, EDIT), '`Route("read_box", "GET", "/boxs/{box}", shows="text")`'),
        (lines.shows, MADE_BY_WORK, '`Route("read_job", "GET", "/jobs/{job}", shows="text")`'),
    ],
)
def test_of_what_is_read(line: Callable[[Promises], str], promises: Promises, said: str) -> None:
    """The kind is one that users make with their own texts, or else any that they make; the route is their own."""
    assert said == line(promises)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (BOXES, '`Route("list_jobs", "GET", "/jobs", lists="job", shows="text")`'),
        (
            Semantics("find", lists="job", searches=True),
            '`Route("list_jobs", "GET", "/jobs", lists="job", shows="text")`',
        ),
        (LIST, '`lists="job", shows="text"` on jobs, if it lists all of them'),
        (Semantics("jobs", lists="job", all=True), '`shows="text"` on jobs, if it lists all of them'),
        (Semantics("jobs", lists="job", shows="text"), '`lists="job"` on jobs, if it lists all of them'),
    ],
)
def test_of_a_list_of_everything(listed: Semantics, said: str) -> None:
    """What is there already is named, with no more than what it lacks; what work writes is listed alike."""
    assert said == lines.lists(of(ADD, listed))
    writing = of(starting(OPEN), starting(RUN, writes="job"), listed)
    assert said == lines.lists_of_written(writing)


def test_of_a_list_of_what_work_writes_where_none_writes() -> None:
    """The kind is what users make."""
    assert lines.lists(of(ADD)) == lines.lists_of_written(of(ADD, starting(RUN)))


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        ((ADD, EDIT, READ_BOX, READ), '`newest_of=["add_job", "edit_job"]` on see_job, if it shows no older text'),
        ((OPEN, READ_BOX, ADD, EDIT), '`newest_of=["add_job"]` on a route that shows the newest text only'),
        ((OPEN, RUN, READ), '`newest_of=["run_job"]` on a route that shows the newest text only'),
        ((OPEN,), "`newest_of=[...]` on a route that shows the newest text only"),
    ],
)
def test_of_what_shows_the_newest_text(operations: tuple[Semantics, ...], said: str) -> None:
    """Named are the operations that give the object a text: one that makes it, or edits it."""
    assert said == lines.newest_of(of(*operations))


CHANNEL = '`Channel("events", "websocket", "/events")`, if anything is pushed'


@pytest.mark.parametrize(
    ("line", "promises", "said"),
    [
        (lines.channel, of(), CHANNEL),
        (lines.pushes, of(ADD, OPEN), '`pushes=Pushes(of="job", id="id")` on the channel'),
        (lines.pushes, of(ADD, starting(RUN), LIVE), '`pushes=Pushes(of="run", id="id")` on live'),
        (
            lines.begins,
            of(LIVE),
            '`type="type", begins=("started",), completes=("completed",), fails=("failed",)` in the Pushes of live',
        ),
        (lines.seq, of(), '`seq="seq"` in the Pushes of the channel, if each frame has a number'),
        (
            lines.delivery,
            of(LIVE),
            "`delivery=Delivery.EXACTLY_ONCE` in the Pushes of live, if that is promised",
        ),
    ],
)
def test_of_what_is_pushed(line: Callable[[Promises], str], promises: Promises, said: str) -> None:
    """The channel has its name, if there is one; frames are about work, where something starts it."""
    assert said == line(promises)


@pytest.mark.parametrize(
    ("operations", "kind", "said"),
    [
        ((ADD, LIVE, Semantics("follow", takes="box", subscribes=True), JOIN), "box", ""),
        ((ADD, LIVE, JOIN), "box", ", and `subscribes=True` on join, if it subscribes"),
        ((ADD, LIVE), "job", ', and `Message("follow", {"follow": "{job}"}, subscribes=True)`'),
        *(
            ((ADD, LIVE, other), "job", ', and `Message("follow", {"follow": "{job}"}, subscribes=True)`')
            for other in (
                READ_BOX,
                Semantics("tune", takes="box", opens=True),
                Semantics("fill", takes="box", makes="toy"),
                Semantics("toys", takes="box", lists="toy"),
                Semantics("paint", takes="box", edits=True),
                Semantics("drop", takes="box", deletes=True),
                Semantics("ship", takes="box", starts=Work()),
                Semantics("track", takes="box", progress=Progress()),
                Semantics("stop", takes="box", ends=True),
            )
        ),
    ],
)
def test_of_what_users_subscribe_to(operations: tuple[Semantics, ...], kind: str, said: str) -> None:
    """What subscribes already says it; else what does nothing else that is known may; else a message is new."""
    assert f'`within="{kind}", within_id="{kind}"` in the Pushes of live{said}' == lines.within(of(*operations))


FRAMES = (Pushes(of="run"),)
SOMEWHERE = "a route whose work goes on after its answer"


@pytest.mark.parametrize(
    ("line", "promises", "said"),
    [
        (lines.starts, of(ADD, RUN, pushes=FRAMES), "`starts=Work()` on run_job"),
        (lines.starts, of(ADD, RUN), f"`starts=Work()` on {SOMEWHERE}"),
        (
            lines.writes,
            of(ADD, RUN, pushes=FRAMES),
            '`starts=Work(writes="job")` on run_job, if it writes all or nothing',
        ),
        (lines.progress, of(starting(RUN), READ), "`progress=Progress()` on the route that shows its status"),
        (
            lines.progress,
            of(
                starting(RUN),
                READ,
                Semantics("stop", takes="run", ends=True),
                Semantics("see_run", takes="run", reads=True),
            ),
            "`progress=Progress()` on see_run",
        ),
    ],
)
def test_of_work(line: Callable[[Promises], str], promises: Promises, said: str) -> None:
    """It is what frames are about, and is read by an operation that takes it."""
    assert said == line(promises)


class TestSaidAlready:
    @pytest.mark.parametrize(
        ("listed", "is_one"),
        [
            (Semantics("boxes", lists="box", all=True, shows="text"), True),
            (Semantics("boxes", lists="box", all=True), False),
            (Semantics("boxes", lists="box", shows="text"), False),
            (Semantics("jobs", lists="job", all=True, shows="text"), False),
        ],
    )
    def test_a_list_of_what_work_writes_has_all_of_it_and_its_texts(self, listed: Semantics, is_one: bool) -> None:
        """A page, ids alone, or a list of something else would not show what is missing."""
        found = lines.lists_written(of(starting(RUN, writes="box"), listed))
        assert ((listed,) if is_one else ()) == found

    STATUS = Semantics("see_run", takes="run", reads=True, progress=Progress())

    @pytest.mark.parametrize(
        ("promises", "told"),
        [
            (of(starting(RUN), STATUS), True),
            (of(RUN, STATUS), False),
            (of(starting(RUN), Semantics("see_run", takes="run", reads=True)), False),
            (of(starting(RUN), Semantics("see_job", takes="job", progress=Progress())), False),
            (of(starting(RUN), pushes=(Pushes(of="run", completes=("done",)),)), True),
            (of(starting(RUN), pushes=(Pushes(of="run"),)), False),
            (of(starting(RUN), pushes=(Pushes(of="job", completes=("done",)),)), False),
        ],
    )
    def test_the_end_of_work_is_told_by_its_status_or_by_a_last_frame(self, promises: Promises, told: bool) -> None:
        """Of that very work."""
        assert told is lines.tells_end(promises)

    def test_an_object_is_shown_by_what_reads_or_lists_it(self) -> None:
        """An answer to an edit shows what was just written, and a list of other things shows nothing of it."""
        shown = [Semantics("see_job", takes="job", reads=True, shows="text"), Semantics("jobs", lists="job", shows="t")]
        others = [
            Semantics("edit_job", takes="job", edits=True, shows="text"),
            Semantics("boxes", lists="box", shows="text"),
        ]
        assert tuple(shown) == lines.showing(of(ADD, *shown, *others))
