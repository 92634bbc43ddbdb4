"""Pure folds over a history: one family of anomalies, one file. See `harness.judging.verdict` for what a fold is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.history.model import Promises
from harness.judging.checkers import (
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
    remains,
    residue,
    sessions,
    tampering,
)
from harness.judging.verdict import Checker

CHECKERS: Mapping[str, Checker] = MappingProxyType(
    {
        "leak": leak.CHECKER,
        "misdelivery": misdelivery.CHECKER,
        "tampering": tampering.CHECKER,
        "residue": residue.CHECKER,
        "remains": remains.CHECKER,
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

OF_ANY_SERVICE = ("leak", "access", "remains")
"""The checkers that need no more than marks and ids: they can judge a service that has operations of its own."""


def checkers_for(promises: Promises) -> Mapping[str, Checker]:
    """Return the checkers that can judge a target with these operations."""
    if not promises.verbs:
        return CHECKERS
    shows_newest = any(verb.newest_of for verb in promises.verbs.values())
    return {name: CHECKERS[name] for name in OF_ANY_SERVICE if name != remains.NAME or shows_newest}
