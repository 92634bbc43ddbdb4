"""The bundled backend as an application to import. Nobody can make a token without the secret."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

from reference_impl.app import Settings, create_app

SECRET = "a secret for tests, of more than 32 bytes"
app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{Path(gettempdir()) / 'unused.db'}", token_secret=SECRET))
