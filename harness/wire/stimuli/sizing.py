"""Bodies from almost nothing to a megabyte, whole and in pieces, of several users at once."""

from __future__ import annotations

from harness.adapter.adapter import CANARY, Route, names_in
from harness.scenario.program import Program, RequestOptions
from harness.wire.stimuli.setting import Group, Setting

SIZES = (0, 1_000, 20_000, 70_000, 300_000, 1_000_000)
"""Bytes of the user's text: one segment, one buffer of the server, more than at which it pauses reading."""
PIECES = (1, 16)
USERS = 4


def sizes(setting: Setting) -> Program | None:
    """Several users write texts of one size at once; then all read, also over a connection that they share."""
    routes = [route for route in setting.carrying if _in_body(route)]
    if not routes:
        return None
    users = setting.people(USERS)
    everybody = range(len(users))
    groups: list[Group] = [*setting.settled(everybody)]
    for size in SIZES:
        for pieces in PIECES:
            options = RequestOptions(size=size, pieces=pieces)
            groups.append(tuple(setting.ask(user, route, how=options) for user in everybody for route in routes))
            groups.append(setting.read_all(everybody))
            groups.append(setting.read_all(everybody, RequestOptions(connection="shared")))
        groups += [
            (setting.ask(user, route, how=RequestOptions(size=size)),) for user in everybody for route in routes[:1]
        ]
        groups.append(setting.read_all(everybody))
    return setting.program("sizes", users, groups)


def _in_body(route: Route) -> bool:
    return any(CANARY in names_in(body) for body in (route.json, route.form, route.text))
