"""`lab doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Look over this machine and workspace; each problem comes with what to do."""
    from rich.table import Table

    from lab.cli.show import print_json, stdout
    from lab.doctor import examine

    findings = examine()
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for finding in findings:
            mark = "[green]ok[/green]" if finding.ok else "[yellow]look[/yellow]"
            advice = f"\n[yellow]{finding.do}[/yellow]" if finding.do else ""
            table.add_row(mark, f"[bold]{finding.id}[/bold]", f"{finding.seen}{advice}")
        stdout().print(table)
    if any(not finding.ok and finding.needed for finding in findings):
        raise typer.Exit(1)
