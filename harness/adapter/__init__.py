"""What a service says of itself, for every suite. Public: an `isolation_target.py` imports from here only.

See `harness.adapter.adapter` for how an adapter is written, `harness.adapter.sign_in` for how users sign in.
"""

from harness.adapter.adapter import Adapter, AdapterError, Channel, LogFile, LogRecords, Message, Route
from harness.adapter.sign_in import SignIn, api_key, basic, bearer, cookie, nobody, registered, session, trusted
from harness.history.semantics import Delivery, Progress, Pushes, Work

__all__ = [
    "Adapter",
    "AdapterError",
    "Channel",
    "Delivery",
    "LogFile",
    "LogRecords",
    "Message",
    "Progress",
    "Pushes",
    "Route",
    "SignIn",
    "Work",
    "api_key",
    "basic",
    "bearer",
    "cookie",
    "nobody",
    "registered",
    "session",
    "trusted",
]
