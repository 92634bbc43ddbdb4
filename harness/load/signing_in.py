"""Signs users in under gevent: an adapter's sign-in is a coroutine, which may await anything.

How it works: an asyncio loop turns in a greenlet of its own. Locust's process is patched, so waiting for a socket in it
lets the other greenlets work; whoever signs in waits for the result alone.
"""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy

import gevent
import httpx
from gevent import Timeout
from gevent.event import AsyncResult

from harness.adapter.adapter import Adapter
from harness.adapter.sign_in import Headers
from harness.history.model import Unreachable, User

SIGN_IN_S = 30.0
MOST_CONNECTIONS = 20


class SigningIn:
    """Signs the users of one process in.

    Args:
        adapter: says how.
        host: URL of the service.
    """

    def __init__(self, adapter: Adapter, host: str) -> None:
        self._sign_in = adapter.sign_in
        self._loop = asyncio.new_event_loop()
        self._turning = gevent.spawn(self._loop.run_forever)
        self._http = httpx.AsyncClient(
            base_url=host,
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS),
            timeout=SIGN_IN_S,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"accept": "*/*"},
        )

    def __call__(self, user: User) -> Headers:
        """Return what each request of this user carries; of one with an invalid credential, that.

        Raises:
            Unreachable: the user cannot sign in.
        """
        signed: AsyncResult = AsyncResult()

        def begin() -> None:
            task = self._loop.create_task(self._headers(user), name="sign-in")
            task.add_done_callback(lambda done: _hand_over(done, signed))

        self._loop.call_soon_threadsafe(begin)
        try:
            headers: Headers = signed.get(timeout=SIGN_IN_S)
        except (httpx.HTTPError, Timeout) as error:
            raise Unreachable(
                f"signing in failed ({type(error).__name__} {error}): see `sign_in` of the adapter"
            ) from error
        for name, value in headers.items():
            if not value.isascii() and not name.startswith("?"):
                raise Unreachable(
                    f"a user signs in with the header {name}, which is not ASCII, so no client could send it: have the "
                    "adapter quote it (urllib.parse.quote), as your service's clients do"
                )
        return {name.lower(): value for name, value in headers.items()}

    def close(self) -> None:
        """Stop the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._turning.join(1.0)

    async def _headers(self, user: User) -> Headers:
        return await self._sign_in.headers(user, self._http)


def _hand_over(done: asyncio.Task[Headers], to: AsyncResult) -> None:
    if done.cancelled():
        to.set_exception(Unreachable("signing in was cancelled"))
    elif error := done.exception():
        to.set_exception(error)
    else:
        to.set(done.result())
