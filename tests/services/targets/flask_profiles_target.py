"""Profiles, over connections that are kept alive."""

from __future__ import annotations

from itsdangerous import URLSafeSerializer

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="flask_profiles",
    sign_in=bearer(lambda user: str(URLSafeSerializer(SECRET).dumps(user.name))),
    routes=[
        Route("write_profile", "POST", "/profiles", json={"text": "{canary}"}, makes="profile", id="profile.id"),
        Route("read_profile", "GET", "/profiles/{profile}"),
        Route("list_profiles", "GET", "/profiles"),
    ],
)
