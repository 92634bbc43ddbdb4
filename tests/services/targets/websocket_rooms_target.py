"""Rooms that a user subscribes to."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Channel, Message, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="websocket_rooms",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_room", "POST", "/rooms", json={"text": "{canary}"}, makes="room"),
        Route("read_room", "GET", "/rooms/{room}"),
        Route("list_rooms", "GET", "/rooms"),
        Route("add_text", "POST", "/rooms/{room}/texts", json={"text": "{canary}"}),
    ],
    channels=[
        Channel(
            "events", "websocket", "/events", messages=[Message("subscribe", {"do": "subscribe", "room": "{room}"})]
        ),
    ],
)
