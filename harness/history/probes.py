"""Names of PROBE events: facts seen from inside, by a tap or by the harness itself; and the shapes of their values."""

FAULT = "fault"
"""A fault was injected; its value is {fault, calls}: the calls that may suffer."""

SETTLED = "settled"
"""All calls have ended and every connection has been read to its end."""

DISCONNECTED = "disconnected"
"""This device of the user was disconnected."""

SIGNED_IN = "signed in"
"""A user has signed in, perhaps before this history: {user, cookies}: digests of the values that they were given."""

DOUBT = "doubt"
"""Something could not be seen to its end: {reason, checkers}: those that must not say HOLDS for it."""

RESOURCES = "resources"
"""What the target holds: {held: {kind: count}, phase: "start" or "settled"}."""

ALIASES = "aliases"
"""Live requests of different users were compared: {compared, shared: [{type, owner, observer, path_owner,
path_observer}], cut}: `cut` says whether there was more than could be walked."""

SESSION = "session"
"""A database session at work: {action: "use" or "close", session}; the event's call is the request."""

CONNECTION = "connection"
"""A database connection at work: {action: "checkout", "use" or "checkin", connection}."""

REGISTRY_ENTRY = "registry.entry"
"""One entry of a registry: {name, is_class}."""

REGISTRY_WRITE = "registry.write"
"""An attempt to change a frozen registry: {via, changed}."""

REGISTRY_READ = "registry.read"
"""One thread's read of a registry: {round, frozen, names}."""

CONTEXT_WRITE = "context.write"
"""An attempt to change a context: {via, changed}."""

CONTEXT_ID = "context.id"
"""An id offered to a context: {field, text, legitimate, accepted}."""

CONTEXT_KEY = "context.key"
"""A key made from parts: {parts, key}."""

LEGACY_CALL = "legacy.call"
"""A call of the legacy API: {call, works, warning, replacement}; the last two are None where no warning is due."""

LEGACY_EVENT = "legacy.event"
"""An event that the legacy API delivered: {owner, observer}."""
