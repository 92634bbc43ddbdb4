"""Pure folds over a history: one family of anomalies, one file. See `harness.judging.verdict` for what a fold is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
"""Every checker, by name. Each judges any service; where the description lacks what it needs, it examines nothing."""
