"""Asking for many things at once where they are asked for one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_COLLECT = 0.05  # seconds in which further items join


class Together(Generic[Item, Answer]):
    """Collects what is asked for at about the same time and answers it by one call in a thread.

    `answer` gives, per item and in order, its answer or an exception to raise there.
    """

    def __init__(self, answer: Callable[[list[Item]], list[Answer | Exception]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._rounds: set[asyncio.Task[None]] = set()
        self._collecting = False

    async def ask(self, item: Item) -> Answer:
        """The answer to `item`. Cancelling the one who waits does not take the question back."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._collecting:
            self._collecting = True
            task = asyncio.create_task(self._round())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _round(self) -> None:
        await asyncio.sleep(_COLLECT)
        self._collecting = False
        waiting, self._waiting = self._waiting, []
        try:
            answers = await asyncio.to_thread(self._answer, [item for item, _ in waiting])
        except Exception as error:
            answers = [error] * len(waiting)
        for (_, future), answer in zip(waiting, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
