"""Workers side by side: cancelled together, each as often as asked, and none left behind."""

from __future__ import annotations

import asyncio

import pytest

from lab.executors.workers import side_by_side


class Worker:
    """Works until cancelled so many times, and then takes a moment for its end."""

    def __init__(self, cancellations: int = 1) -> None:
        self.left = cancellations
        self.ended = False

    async def work(self) -> None:
        while self.left:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.left -= 1
        await asyncio.sleep(0.02)
        self.ended = True
        raise asyncio.CancelledError


async def fails() -> None:
    raise ValueError("broken")


def test_the_end_of_every_one_is_waited_for_when_cancelled() -> None:
    workers = [Worker(), Worker(), Worker()]
    workers[0].left = 0

    async def cancelled() -> None:
        task = asyncio.create_task(side_by_side(*(worker.work() for worker in workers)))
        await asyncio.sleep(0.05)
        assert [worker.ended for worker in workers] == [True, False, False]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert all(worker.ended for worker in workers)


def test_a_second_cancellation_reaches_them_too() -> None:
    patient = Worker(cancellations=2)

    async def cancelled_twice() -> None:
        task = asyncio.create_task(side_by_side(patient.work(), Worker().work()))
        for _ in range(2):
            await asyncio.sleep(0.01)
            assert not patient.ended
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled_twice())
    assert patient.ended


def test_a_failure_ends_the_others_and_is_raised() -> None:
    other = Worker()
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(side_by_side(other.work(), fails()))
    assert other.ended


def test_nothing_to_do() -> None:
    asyncio.run(side_by_side())
