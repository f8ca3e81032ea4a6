"""What the page of all claims says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from lab.log.claimed.claim import Claim
from lab.log.claimed.words import STATES
from lab.site.atlas import Atlas
from lab.site.entry_page import log_page
from lab.site.links import LogLinks
from lab.site.markdown import render_line
from lab.site.rows import Row

# What a reader has to know first; of one state the newest.
_ORDER = ("contradicted", "weakened", "opposed", "undecided", "observed", "supported")


@dataclass(frozen=True)
class ClaimRow:
    """A claim, how it stands in words, its entry's page and the runs that came since its day."""

    claim: Claim
    state: str
    says: Markup
    address: str
    new_runs: tuple[Row, ...]


def claim_rows(atlas: Atlas, links: dict[str, LogLinks]) -> list[ClaimRow]:
    """Every claim, those that no longer hold first."""
    rows = []
    for claim in sorted(atlas.claims, key=lambda claim: claim.date or "", reverse=True):
        note = atlas.note_at(claim.file, claim.line - 1)
        rows.append(
            ClaimRow(
                claim=claim,
                state=STATES.get(claim.state, claim.state.capitalize()),
                says=render_line(claim.says, links[claim.file]),
                address=note.address if note else log_page(claim.file, atlas),
                new_runs=tuple(atlas.row(run_id) for run_id in claim.new_runs),
            )
        )
    return sorted(rows, key=lambda row: _place(row.claim.state))


def _place(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)
