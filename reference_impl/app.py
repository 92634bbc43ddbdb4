"""The application: settings and parts in, a FastAPI app out.

Rules:
- No module global: everything an app needs is on `app.state.backend`, made here and shared with no other app.
- Starting makes the tables and settles what a crash left; stopping loses no accepted run.
- Between a stop and the next start, `app.state.backend` may be replaced: nothing else holds on to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from reference_impl.backend import Backend, Parts
from reference_impl.routes import BearerGate, install_refusals, make_router
from reference_impl.settings import MissingSetting, Settings
from reference_impl.sockets import events

__all__ = ["Backend", "MissingSetting", "Parts", "Settings", "create_app", "serve"]


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """Make an application; its lifespan starts and stops the backend.

    Args:
        settings: how it runs.
        parts: what it is made of; the package's own parts when None.

    Raises:
        ValueError: a setting is out of range, or names a database whose sessions could not be isolated.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        backend: Backend = app.state.backend
        async with backend.running():
            yield

    app = FastAPI(title="reference_impl", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.backend = Backend(settings, parts)
    app.add_middleware(BearerGate)
    app.include_router(make_router())
    app.add_api_websocket_route("/events", events)
    install_refusals(app)
    return app


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an application until the process is told to stop."""
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning")
