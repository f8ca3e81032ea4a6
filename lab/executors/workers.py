"""Workers side by side, none of which is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def side_by_side(*work: Coroutine[Any, Any, object]) -> None:
    """Carry all of this out at a time, and wait for the end of each.

    Cancelling cancels those under way, every time anew: a second Ctrl-C reaches them as the first
    did, and none is still writing down how its run ended when this returns, as it would be behind
    `asyncio.gather`. Where one fails the others are cancelled, and its exception is raised.
    """
    tasks = [asyncio.create_task(one) for one in work]
    under_way, cancelled = set(tasks), False
    while under_way:
        try:
            ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_EXCEPTION)
            if any(not task.cancelled() and task.exception() for task in ended):
                _cancel(under_way)
        except asyncio.CancelledError:
            cancelled = True
            _cancel(under_way)
    if cancelled:
        raise asyncio.CancelledError
    # What failed is told, and not that others were cancelled for it.
    for task in sorted(tasks, key=asyncio.Future.cancelled):
        task.result()


def _cancel(tasks: set[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
