"""The lab log: entries and actions in Markdown files, generated from runs and checked again.

lab.log.new("research", runs="epochs >= 3", by="pooling", rows="dataset")
lab.log.actions("open")
lab.log.done("a1b2c3d")
"""

from lab.log.changes import entries, status
from lab.log.claims.claim import Claim, claims
from lab.log.claims.new import NewClaim, claim
from lab.log.compose import NewEntry, new, new_for_suite
from lab.log.entry import Action, Entry
from lab.log.evidence.checking import CheckedLog, LogNote, check, examine
from lab.log.evidence.drift import Drift
from lab.log.evidence.refreshing import Refreshed, refresh, renew
from lab.log.importing import ImportResult, import_entries
from lab.log.items.life import actions, done, reject, reopen
from lab.log.items.plan import NextPlan, looks_done, next_plan
from lab.log.sweep_card import sweep_card

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
