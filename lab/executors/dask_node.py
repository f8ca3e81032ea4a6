"""What a Dask worker runs: one task."""

from __future__ import annotations

import asyncio

from lab.executors.node import Ticket, carry_out, cores


def run_task(ticket: Ticket) -> str:
    """Carry out a task in this thread of a worker; the id of the run it came to.

    Where the worker dies its kernel dies with it, and the scheduler gives the task to another
    worker, which finds the first one's mark and takes over from there.
    """
    from distributed import get_worker

    threads = max(1, cores() // get_worker().state.nthreads)
    attempt, run = asyncio.run(carry_out(ticket, threads=threads))
    ticket.ledger.end(ticket.task, attempt.number, attempt.run_id)
    return run.id
