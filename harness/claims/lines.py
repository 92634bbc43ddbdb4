"""What a description says of texts, lists and work, and the lines by which it would say more, in its own names."""

from __future__ import annotations

from harness.history.model import Promises
from harness.history.semantics import Semantics

# What is said already, beyond a single operation.


def showing(promises: Promises) -> tuple[Semantics, ...]:
    """Return the operations that show the text of an object which users make."""
    kinds = _made_of_texts(promises)
    return promises.which(lambda one: one.shows is not None and (_read(one) in kinds or one.lists in kinds))


def keeping(promises: Promises) -> tuple[Semantics, ...]:
    """Return the operations by which an object that is lost would be missed."""
    kinds = _made_of_texts(promises)
    shown = {one.name for one in showing(promises)}
    return promises.which(lambda one: (one.reads and one.name in shown) or (one.all and one.lists in kinds))


def lists_written(promises: Promises) -> tuple[Semantics, ...]:
    """Return the operations that list, with their texts, all objects that work has written."""
    written = {one.starts.writes for one in promises.which(lambda one: one.starts) if one.starts}
    return promises.which(lambda one: one.all and one.lists in written and one.shows is not None)


def tells_end(promises: Promises) -> bool:
    """Return whether anything tells that work has ended."""
    work = {one.makes for one in promises.which(lambda one: one.starts)}
    asked = promises.which(lambda one: one.progress and one.takes in work)
    return bool(asked) or any(pushes.of in work and pushes.last for pushes in promises.pushes)


# What would be said.


def carries(promises: Promises) -> str:
    """Return the line for a user's own text."""
    return '`json={"text": "{canary}"}` on a route that takes one'


def reads(promises: Promises) -> str:
    """Return the line for a route that reads."""
    kind = _kind(promises)
    makes = "" if promises.which(lambda one: one.makes) else f'`makes="{kind}"` on the route that makes one, and '
    return f"{makes}`{_reading(kind)})`"


def shows(promises: Promises) -> str:
    """Return the line for where a text is shown."""
    kinds = _made_of_texts(promises)
    name = _named(promises.which(lambda one: one.reads and one.takes in kinds)) or _named(
        promises.which(lambda one: one.lists in kinds)
    )
    return f'`shows="text"` on {name}' if name else f'`{_reading(_kind(promises))}, shows="text")`'


def lists(promises: Promises) -> str:
    """Return the line for a list of everything."""
    return _whole_list(promises, _kind(promises))


def lists_of_written(promises: Promises) -> str:
    """Return the line for a list of everything that work writes."""
    written = (one.starts.writes for one in promises.which(lambda one: one.starts) if one.starts)
    return _whole_list(promises, next(filter(None, written), _kind(promises)))


def _whole_list(promises: Promises, kind: str) -> str:
    found = promises.which(lambda one: one.lists == kind and not one.searches)
    if not found:
        return f'`Route("list_{kind}s", "GET", "/{kind}s", lists="{kind}", shows="text")`'
    missing = [
        *([f'lists="{kind}"'] if not found[0].all else ()),
        *(['shows="text"'] if found[0].shows is None else ()),
    ]
    return f"`{', '.join(missing)}` on {found[0].name}, if it lists all of them"


def newest_of(promises: Promises) -> str:
    """Return the line for what shows the newest text only."""
    for one in promises.which(lambda one: one.reads):
        if writers := _writers(promises, one.takes):
            names = ", ".join(_quoted(by.name) for by in writers)
            return f"`newest_of=[{names}]` on {one.name}, if it shows no older text"
    writers = promises.which(lambda by: by.texts)
    return f"`newest_of=[{_quoted(writers[0].name) if writers else '...'}]` on a route that shows the newest text only"


def channel(promises: Promises) -> str:
    """Return the line for a channel."""
    return '`Channel("events", "websocket", "/events")`, if anything is pushed'


def pushes(promises: Promises) -> str:
    """Return the line for what is pushed."""
    work = [one.makes for one in promises.which(lambda one: one.starts) if one.makes]
    return f'`pushes=Pushes(of="{next(iter(work), _kind(promises))}", id="id")` on {_channel(promises)}'


def within(promises: Promises) -> str:
    """Return the line for what is subscribed to."""
    plain = promises.which(lambda one: one.takes and not (one.reads or one.opens or _changes(one)))
    if said := promises.which(lambda one: one.subscribes):
        kind, message = said[0].takes, ""
    elif plain:
        kind, message = plain[0].takes, f", and `subscribes=True` on {plain[0].name}, if it subscribes"
    else:
        kind = _kind(promises)
        message = f', and `Message("follow", {{"follow": "{{{kind}}}"}}, subscribes=True)`'
    return f'`within="{kind}", within_id="{kind}"` in the Pushes of {_channel(promises)}{message}'


def seq(promises: Promises) -> str:
    """Return the line for numbers."""
    return f'`seq="seq"` in the Pushes of {_channel(promises)}, if each frame has a number'


def delivery(promises: Promises) -> str:
    """Return the line for a promise of delivery."""
    return f"`delivery=Delivery.EXACTLY_ONCE` in the Pushes of {_channel(promises)}, if that is promised"


def begins(promises: Promises) -> str:
    """Return the line for the frames with which work begins and ends."""
    types = 'type="type", begins=("started",), completes=("completed",), fails=("failed",)'
    return f"`{types}` in the Pushes of {_channel(promises)}"


def starts(promises: Promises) -> str:
    """Return the line for work."""
    return f"`starts=Work()` on {_starting(promises)}"


def writes(promises: Promises) -> str:
    """Return the line for work that writes."""
    return f'`starts=Work(writes="{_kind(promises)}")` on {_starting(promises)}, if it writes all or nothing'


def progress(promises: Promises) -> str:
    """Return the line for what becomes of work."""
    work = {one.makes for one in promises.which(lambda one: one.starts)}
    name = _named(promises.which(lambda one: one.reads and one.takes in work)) or "the route that shows its status"
    return f"`progress=Progress()` on {name}"


def _made_of_texts(promises: Promises) -> tuple[str, ...]:
    """Return the kinds that users make with texts of their own, and no work."""
    makers = promises.which(lambda one: one.makes and one.texts and not one.starts)
    return tuple(dict.fromkeys(one.makes for one in makers if one.makes))


def _writers(promises: Promises, kind: str | None) -> tuple[Semantics, ...]:
    """Return the operations that give an object of this kind a text."""
    return promises.which(lambda one: one.texts and kind in (one.makes, one.takes if one.edits else None))


def _read(one: Semantics) -> str | None:
    return one.takes if one.reads else None


def _changes(one: Semantics) -> bool:
    return bool(one.makes or one.lists or one.edits or one.deletes or one.starts or one.progress or one.ends)


def _kind(promises: Promises) -> str:
    """Return the kind to speak of."""
    made = (one.makes for one in promises.which(lambda one: one.makes))
    return next(iter([*_made_of_texts(promises), *(kind for kind in made if kind)]), "note")


def _reading(kind: str) -> str:
    return f'Route("read_{kind}", "GET", "/{kind}s/{{{kind}}}"'


def _channel(promises: Promises) -> str:
    return _named(promises.which(lambda one: one.opens)) or "the channel"


def _starting(promises: Promises) -> str:
    started = {pushes.of for pushes in promises.pushes}
    makers = promises.which(lambda one: one.makes in started)
    return _named(makers) or "a route whose work goes on after its answer"


def _named(found: tuple[Semantics, ...]) -> str:
    return found[0].name if found else ""


def _quoted(name: str) -> str:
    return f'"{name}"'
