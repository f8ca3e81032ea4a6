"""Runs that go on although the process that asked for them is gone, or is about to go."""

from __future__ import annotations

import asyncio

from lab.record.paths import RunPaths
from lab.record.run import Run, end_run

_LOOK = 0.25  # seconds between looks
_WIND_UP = 15.0  # seconds a run has for its end


async def ended(paths: RunPaths) -> Run:
    """The run once it has ended, by its own record; cancelling ends it as stopped."""
    try:
        while (run := Run.read(paths)).status == "running":
            await asyncio.sleep(_LOOK)
    except asyncio.CancelledError:
        await wind_up(paths)
        raise
    return run


async def wind_up(paths: RunPaths) -> None:
    """Have a run end as stopped; one that does not is recorded so, and cancelled again at once."""
    paths.stop.touch()
    try:
        async with asyncio.timeout(_WIND_UP):
            while Run.read(paths).status == "running":
                await asyncio.sleep(_LOOK)
    except (TimeoutError, asyncio.CancelledError):
        error = {"type": "Interrupted", "message": "The run was interrupted.", "cell": None}
        end_run(paths, "stopped", "interrupted", error)
    finally:
        paths.stop.unlink(missing_ok=True)
