"""What one user asks over HTTP, by Locust's fast client, in whose statistics it appears.

Rules:

- No cookie is kept and no redirect followed: who asks is said by the headers of a request alone.
- No answer at all, and a gateway's (502, 503, 504), say only that the target cannot be reached: `NoAnswer`.
"""

from __future__ import annotations

import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

from harness.load.connection import NoAnswer, without_ids
from harness.transport.answers import Answer
from harness.transport.exchange import Asked

CALL_S = 30.0
"""How long an answer may take before it is taken for none."""
IDLE_S = 2.0
"""After this long a kept connection is replaced: the server may be about to close it, which would look like a loss."""
GATEWAY = frozenset({502, 503, 504})


class HttpConnection:
    """One user's requests.

    Args:
        session: a FastHttpSession of Locust.
        host: URL of the service.
    """

    def __init__(self, session: Any, host: str) -> None:
        self._session, self._host = session, host
        session.cookiejar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.client.redirect_response_codes = frozenset()
        self._idle_since_s = time.monotonic()

    def ask(self, asked: Asked, name: str) -> Answer:
        """Send a request and return what came back.

        Args:
            asked: what.
            name: of the operation, in Locust's statistics.

        Raises:
            NoAnswer: there was no answer.
        """
        if time.monotonic() - self._idle_since_s > IDLE_S:
            self._session.client.close()
        url = self._host + asked.path
        if asked.query:
            url += ("&" if "?" in url else "?") + urlencode(asked.query)
        headers = {"accept": "*/*", **asked.headers}
        with self._session.request(
            asked.method, url, name=name, data=asked.body or None, headers=headers, catch_response=True
        ) as response:
            status = int(response.status_code or 0)
            body = (response.content or b"") if status else b""
            if not status or status in GATEWAY:
                why = f"answered with {status}" if status else without_ids(response.error)
                response.failure(f"no answer: {why}")
            elif status >= 500:
                response.failure(f"status {status}")
            else:
                response.success()
        self._idle_since_s = time.monotonic()
        if not status or status in GATEWAY:
            raise NoAnswer(f"the target cannot be reached: {why}")
        return Answer(status, tuple((key.lower(), value) for key, value in response.headers.items()), body)
