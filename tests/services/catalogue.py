"""The services that are made like those of strangers: what each is made of, and what its mistake needs to show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One service, which is there with a mistake and without.

    Args:
        name: of its module in `apps`; its adapter is `targets/NAME_target.py`.
        framework: it is written for.
        stimulus: the one thing that makes the mistake show.
        row: of the mistake, in INCIDENTS.md.
        needs: modules and programs without which it does not run.
    """

    name: str
    framework: str
    stimulus: str
    row: str
    needs: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The path of its adapter, from this folder."""
        return f"targets/{self.name}_target.py"


SERVICES = {
    service.name: service
    for service in (
        Service("starlette_notes", "Starlette", "in-turn", "A25"),
        Service("fastapi_board", "FastAPI", "crowd", "A23"),
        Service("flask_profiles", "Flask", "shared-connections", "D3", ("flask", "werkzeug", "itsdangerous")),
        Service("aiohttp_pool", "aiohttp", "hang-ups", "D5", ("aiohttp",)),
        Service("django_orders", "Django", "ids", "E1", ("django",)),
        Service("websocket_rooms", "websockets", "ids", "B12", ("aiohttp",)),
        Service("sse_feed", "Starlette", "reconnects", "B6"),
        Service("socketio_chat", "python-socketio", "names", "A16", ("socketio",)),
        Service("redis_cache", "FastAPI", "names", "A7", ("redis", "redis-server")),
        Service("postgres_tenants", "FastAPI", "sizes", "C5", ("asyncpg", "initdb", "postgres")),
        Service("chunked_upload", "Starlette", "sizes", "A24"),
        Service("batching_search", "FastAPI", "bursts", "B10"),
        Service("volume_cache", "Starlette", "volume", "A8"),
        Service("unsigned_tokens", "FastAPI", "ids", "E5"),
        Service("telling_notes", "FastAPI", "ids", "E3"),
        Service("multiplexed_inbox", "Hypercorn", "shared-connections", "D3", ("hypercorn", "h2")),
        Service("progress_stream", "Starlette", "ids", "E1"),
        Service("idle_cards", "Tornado", "volume", "C6", ("tornado",)),
        Service("kept_agents", "FastAPI", "in-turn", "A17"),
    )
}
"""By name."""
