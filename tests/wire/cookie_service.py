"""Profiles behind a session cookie, and news. Mistake: the news are cached with the cookie of who asked first."""

from __future__ import annotations

import secrets
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    sessions, profiles, cached = dict[str, str](), dict[str, str](), dict[str, Response]()

    def with_session(response: Response, session: str | None) -> Response:
        if session in sessions:
            response.set_cookie("session", session)  # it lives as long as it is used
        return response

    async def sign_in(request: Request) -> Response:
        session = secrets.token_urlsafe()
        sessions[session] = (await request.json())["name"]
        return with_session(JSONResponse({}), session)

    async def profile(request: Request) -> Response:
        session = request.cookies.get("session")
        if session not in sessions:
            return JSONResponse({"error": "sign in first"}, 401)
        if request.method == "PUT":
            profiles[sessions[session]] = (await request.json())["text"]
        return with_session(JSONResponse({"text": profiles.get(sessions[session], "")}), session)

    async def news(request: Request) -> Response:
        session = request.cookies.get("session")
        page = {"news": ["we are open on Sundays"]}
        if leaky:
            return cached.setdefault("news", with_session(JSONResponse(page), session))
        return with_session(JSONResponse(page), session)

    return Starlette(
        routes=[
            Route("/sign-in", sign_in, methods=["POST"]),
            Route("/profile", profile, methods=["GET", "PUT"]),
            Route("/news", news),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)
