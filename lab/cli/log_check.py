"""`lab log check` and `lab log refresh`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.log import CheckedLog, Claim, Drift

_MOST = 12  # notes and claims shown
_PLACES = 3  # of blocks that share a reason


def register(app: typer.Typer) -> None:
    app.command("check")(check)
    app.command("refresh")(refresh)


def check(
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Read docs/evidence/ alone, as in a fresh clone.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="What does not hold, as one JSON document.")
    ] = False,
) -> None:
    """Recompute every generated number, test every claim again; exit 1 where one does not hold.

    From the runs; where none of a block's runs was ever here (a fresh clone), from its snapshot in
    docs/evidence/.
    """
    import lab.log
    from lab.cli.show import print_json

    found = lab.log.examine(snapshot=snapshot)
    claims = [] if snapshot else lab.log.claims()
    failed = [claim for claim in claims if claim.fails]
    if as_json:
        print_json(
            [drift.as_dict() for drift in (*found.drifts, *(claim.as_drift() for claim in failed))]
        )
    else:
        for line in _listed(found.drifts):
            typer.echo(line)
    # With --json, standard output holds the one document and nothing else.
    for line in (*_told(claims), *_limited([f"note  {note}" for note in found.notes])):
        typer.echo(line, err=as_json)
    summary = _summary(found)
    if failed:
        summary = summary.replace("Everything holds.", "Every number holds.")
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        summary += (
            f" Contradicted by its runs: {failed[0].text!r}{more}. Say so in its entry, as with "
            f"`lab log status '{failed[0].entry}' Contradicted`."
        )
    typer.echo(summary, err=as_json)
    if not found.holds or failed:
        raise typer.Exit(1)


def refresh(
    entry: Annotated[
        str | None, typer.Option(help="One entry only: its number, date or part of its title.")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Take in new runs that match a block's query.")
    ] = False,
) -> None:
    """Write generated blocks and their snapshots again from the runs; prose is never touched."""
    import lab.log
    from lab.numbers import capital, counted

    made = lab.log.renew(entry=entry, extend=extend)
    for place in made.rewritten:
        new = made.taken_in.get(place)
        typer.echo(f"{place}  took in {counted(new, 'run')}" if new else place)
    for line in _left(made.left):
        typer.echo(line, err=True)
    for picture in made.pictures:
        typer.echo(f"{picture}  drawn")
    blocks = counted(len(made.rewritten), "block")
    snapshots = counted(len(made.snapshots), "snapshot")
    typer.echo(f"{capital(blocks)} rewritten, {snapshots} written.")
    if made.taken_in:
        typer.echo("Titles, prose and action items are yours: see whether they still say it.")


def _left(places: Mapping[str, str]) -> Iterator[str]:
    """A line for each reason why blocks stay as they are, with the first of their places."""
    from collections import defaultdict

    from lab.numbers import capital, counted

    by_reason: dict[str, list[str]] = defaultdict(list)
    for place, why in places.items():
        by_reason[why].append(place)
    for why, same in by_reason.items():
        few = sorted(same, key=lambda p: (p.rpartition(":")[0], int(p.rpartition(":")[2])))
        more = f" and {len(few) - _PLACES} more" if len(few) > _PLACES else ""
        text = f"{counted(len(same), 'block')} left as written ({why})"
        yield f"{capital(text)}: {', '.join(few[:_PLACES])}{more}"


def _listed(drifts: Iterable[Drift]) -> Iterator[str]:
    """Each on lines of its own; what one missing run leaves open in a line, together."""
    from itertools import groupby

    from lab.log.evidence.drift import MISSING, UNKNOWN

    for key, same in groupby(drifts, key=lambda d: (d.file, d.line, d.runs, d.reason, d.detail)):
        if key[3] != MISSING or key[4]:
            yield from map(str, same)
            continue
        printed = ", ".join(dict.fromkeys(drift.printed for drift in same))
        yield f"{key[0]}:{key[1]}  {printed}  ->  {UNKNOWN}\n  {MISSING}: {', '.join(key[2])}"


def _summary(found: CheckedLog) -> str:
    """What was checked, against what, and how it came out."""
    from lab.numbers import capital, counted

    if not found.blocks:
        return "The log has no generated block."
    words = {
        "runs": "against the runs",
        "snapshot": "against the snapshots in docs/evidence (their runs are not here)",
        "runs and snapshot": "against runs and snapshot, since runs are missing",
        "nothing": "against nothing: no runs, no snapshot or unreadable",
    }
    parts = [f"{n} {words[name]}" for name, n in sorted(found.sources.items())]
    text = f"{counted(found.blocks, 'block')} checked: {'; '.join(parts)}."
    text = capital(text)
    if found.holds:
        return f"{text} Everything holds."
    places = {(drift.file, drift.line) for drift in found.drifts}
    off = counted(len(found.drifts), "number or line", "numbers or lines")
    return f"{text} {capital(off)} off, in {counted(len(places), 'place')}."


def _told(claims: list[Claim]) -> list[str]:
    """Claims that do not stand as on their day in full, the others counted by state."""
    from collections import Counter

    if not claims:
        return []
    told = [f"claim  {claim}" for claim in claims if claim.changed or claim.fails]
    counts = Counter(claim.state for claim in claims)
    states = ", ".join(f"{n} {state}" for state, n in counts.most_common())
    return [*_limited(told), f"Claims: {states}."]


def _limited(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST
    return lines if more <= 0 else [*lines[:_MOST], f"... and {more} more"]
