"""What a service says of itself, for every suite. Public: an `isolation_target.py` imports from here only.

See `harness.adapter.adapter` for how an adapter is written, `harness.adapter.sign_in` for how users sign in.
"""

from harness.adapter.adapter import Adapter, AdapterError, Channel, LogFile, LogRecords, Message, Route
from harness.adapter.sign_in import SignIn, api_key, basic, bearer, cookie, nobody, registered, session, trusted

__all__ = [
    "Adapter",
    "AdapterError",
    "Channel",
    "LogFile",
    "LogRecords",
    "Message",
    "Route",
    "SignIn",
    "api_key",
    "basic",
    "bearer",
    "cookie",
    "nobody",
    "registered",
    "session",
    "trusted",
]
