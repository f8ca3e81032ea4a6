"""The lab log: entries and actions in Markdown files, generated from runs and checked again.

lab.log.new("research", runs="epochs >= 3", by="pooling", rows="dataset")
lab.log.actions("open")
lab.log.done("a1b2c3d")
"""

from lab.log.changes import actions, done, entries, status
from lab.log.compose import NewEntry, new, new_for_suite
from lab.log.entry import Action, Entry
from lab.log.evidence import Drift, check, refresh

__all__ = [
    "Action",
    "Drift",
    "Entry",
    "NewEntry",
    "actions",
    "check",
    "done",
    "entries",
    "new",
    "new_for_suite",
    "refresh",
    "status",
]
