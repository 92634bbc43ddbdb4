"""Pure folds over a history: one family of anomalies, one file. See `harness.verdict` for what a fold is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.checkers import (
    access,
    agreement,
    aliasing,
    identity,
    immutability,
    interference,
    leak,
    limits,
    migration,
    misdelivery,
    residue,
    sessions,
    tampering,
)
from harness.model import Promises
from harness.verdict import Checker

CHECKERS: Mapping[str, Checker] = MappingProxyType(
    {
        "leak": leak.CHECKER,
        "misdelivery": misdelivery.CHECKER,
        "tampering": tampering.CHECKER,
        "residue": residue.CHECKER,
        "interference": interference.CHECKER,
        "sessions": sessions.CHECKER,
        "immutability": immutability.CHECKER,
        "agreement": agreement.CHECKER,
        "identity": identity.CHECKER,
        "migration": migration.CHECKER,
        "aliasing": aliasing.CHECKER,
        "limits": limits.CHECKER,
        "access": access.CHECKER,
    }
)
"""Every checker, by name."""

OF_ANY_SERVICE = ("leak", "access")
"""The checkers that need no more than marks and ids: they can judge a service that has operations of its own."""


def checkers_for(promises: Promises) -> Mapping[str, Checker]:
    """Return the checkers that can judge a target with these operations."""
    return {name: CHECKERS[name] for name in OF_ANY_SERVICE} if promises.verbs else CHECKERS
