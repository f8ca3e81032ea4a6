"""Workers side by side: cancelled together, each as often as asked, and none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lab.executors.workers import side_by_side


class Worker:
    """Works until cancelled so many times, and then takes a moment for its end."""

    def __init__(self, cancellations: int = 1) -> None:
        self.left = cancellations
        self.works = False
        self.ended = False

    async def work(self) -> None:
        while self.left:
            self.works = True
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                self.left -= 1
        await asyncio.sleep(0.02)
        self.ended = True
        raise asyncio.CancelledError


async def fails() -> None:
    raise ValueError("broken")


async def until(happened: Callable[[], bool]) -> None:
    while not happened():
        await asyncio.sleep(0)


def test_the_end_of_every_one_is_waited_for_when_cancelled() -> None:
    first, *others = workers = [Worker(0), Worker(), Worker()]

    async def cancelled(task: asyncio.Task[None]) -> None:
        await until(lambda: first.ended)
        assert [worker.ended for worker in others] == [False, False]
        task.cancel()

    worked(cancelled, *workers)
    assert all(worker.ended for worker in workers)


def test_a_second_cancellation_reaches_them_too() -> None:
    patient, other = Worker(2), Worker()

    async def cancelled_twice(task: asyncio.Task[None]) -> None:
        await until(lambda: patient.works and other.works)
        task.cancel()
        await until(lambda: patient.left == 1)
        assert not patient.ended
        task.cancel()

    worked(cancelled_twice, patient, other)
    assert patient.ended


def worked(meanwhile: Callable[[asyncio.Task[None]], Awaitable[None]], *workers: Worker) -> None:
    """Have the workers work side by side, which ends as cancelled, and do this meanwhile."""

    async def both() -> None:
        task = asyncio.create_task(side_by_side(*(worker.work() for worker in workers)))
        await meanwhile(task)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(both())


def test_a_failure_ends_the_others_and_is_raised() -> None:
    other = Worker()
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(side_by_side(other.work(), fails()))
    assert other.ended


def test_nothing_to_do() -> None:
    asyncio.run(side_by_side())
