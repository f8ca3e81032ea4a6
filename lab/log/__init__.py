"""The lab log: entries and actions in Markdown files, generated from runs and checked again.

lab.log.new("research", runs="epochs >= 3", by="pooling", rows="dataset")
lab.log.actions("open")
lab.log.done("a1b2c3d")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.log.card_text import sweep_card
    from lab.log.changes import entries, status
    from lab.log.claimed.claim import Claim, claims
    from lab.log.claimed.new import NewClaim, claim
    from lab.log.compose import NewEntry, new, new_for_suite
    from lab.log.entry import Action, Entry
    from lab.log.evidence.checking import CheckedLog, LogNote, check, examine
    from lab.log.evidence.drift import Drift
    from lab.log.evidence.refreshing import Refreshed, refresh, renew
    from lab.log.importing import ImportResult, import_entries
    from lab.log.items.life import actions, done, reject, reopen
    from lab.log.items.plan import NextPlan, looks_done, next_plan

__all__ = [
    "Action",
    "CheckedLog",
    "Claim",
    "Drift",
    "Entry",
    "ImportResult",
    "LogNote",
    "NewClaim",
    "NewEntry",
    "NextPlan",
    "Refreshed",
    "actions",
    "check",
    "claim",
    "claims",
    "done",
    "entries",
    "examine",
    "import_entries",
    "looks_done",
    "new",
    "new_for_suite",
    "next_plan",
    "refresh",
    "reject",
    "renew",
    "reopen",
    "status",
    "sweep_card",
]

# Resolved at first use: an entry of one kind needs few of the many parts of a log.
_HOMES = {
    "Action": "lab.log.entry",
    "CheckedLog": "lab.log.evidence.checking",
    "Claim": "lab.log.claimed.claim",
    "Drift": "lab.log.evidence.drift",
    "Entry": "lab.log.entry",
    "ImportResult": "lab.log.importing",
    "LogNote": "lab.log.evidence.checking",
    "NewClaim": "lab.log.claimed.new",
    "NewEntry": "lab.log.compose",
    "NextPlan": "lab.log.items.plan",
    "Refreshed": "lab.log.evidence.refreshing",
    "actions": "lab.log.items.life",
    "check": "lab.log.evidence.checking",
    "claim": "lab.log.claimed.new",
    "claims": "lab.log.claimed.claim",
    "done": "lab.log.items.life",
    "entries": "lab.log.changes",
    "examine": "lab.log.evidence.checking",
    "import_entries": "lab.log.importing",
    "looks_done": "lab.log.items.plan",
    "new": "lab.log.compose",
    "new_for_suite": "lab.log.compose",
    "next_plan": "lab.log.items.plan",
    "refresh": "lab.log.evidence.refreshing",
    "reject": "lab.log.items.life",
    "renew": "lab.log.evidence.refreshing",
    "reopen": "lab.log.items.life",
    "status": "lab.log.changes",
    "sweep_card": "lab.log.card_text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lab.log' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
