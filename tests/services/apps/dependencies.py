"""Who asks a FastAPI service, and what with. It makes no mistake: the services do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from tests.services.apps.asking import signed_in

Who = Annotated[str, Depends(signed_in)]
"""The user who asks, for FastAPI."""


class Text(BaseModel):
    """The body of a request that makes something, for FastAPI."""

    text: str
