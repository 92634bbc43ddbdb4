"""Messages to one's own devices."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Channel, Message, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="socketio_chat",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_message", "POST", "/messages", json={"text": "{canary}"}, makes="message"),
        Route("read_message", "GET", "/messages/{message}"),
        Route("list_messages", "GET", "/messages"),
    ],
    channels=[
        Channel("chat", "socketio", "/socket.io", messages=[Message("say", ["say", {"text": "{canary}"}])]),
    ],
)
