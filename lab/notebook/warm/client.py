"""The client that runs cells in a forked kernel: what nbclient makes of the messages, without its
sockets.

Imports nbclient, so it is itself imported only once a kernel is already starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from nbclient.exceptions import CellExecutionComplete

from lab.notebook.client import CellRunner
from lab.notebook.warm.kernel import ForkedKernel

_GRACE = 1.0  # seconds for the end of a process that has closed its channel


class ForkedConnection:
    """The channel to one forked kernel."""

    def __init__(self, kernel: ForkedKernel) -> None:
        self._kernel = kernel

    def runner(self, nb: Any, on_secrets: Callable[[Mapping[str, str]], None]) -> CellRunner:
        """What runs the cells of `nb` here."""
        return ForkedRunner(nb, self, on_secrets)

    async def ready(self) -> dict[str, Any]:
        """Wait until the kernel can run cells; what it says of its language."""
        message = await self.receive()
        language: dict[str, Any] = message["content"]["language_info"]
        return language

    async def send(self, kind: str, content: Mapping[str, Any] | None = None) -> None:
        with contextlib.suppress(OSError):  # nobody is there: it will not answer
            await self._kernel.channel.send([request(kind, content)])

    async def receive(self) -> dict[str, Any]:
        """The next message; waits for ever when there will be none, and sees that the kernel ends,
        which somebody else is told of."""
        parts = await self._kernel.channel.receive()
        if parts is None:
            await asyncio.sleep(_GRACE)
            self._kernel.kill()
            await asyncio.Event().wait()
        assert parts is not None
        head, body, *buffers = parts
        message: dict[str, Any] = json.loads(head)
        return message | {"content": json.loads(body), "buffers": buffers}

    async def request_shutdown(self) -> None:
        """Ask the kernel to end, which runs its exit handlers."""
        await self.send("shutdown_request")

    def close(self) -> None:
        """The channel is the kernel's."""


class ForkedRunner(CellRunner):
    """Runs the cells of a notebook one by one; somebody else watches the kernel."""

    def __init__(
        self, nb: Any, connection: ForkedConnection, on_secrets: Callable[[Mapping[str, str]], None]
    ) -> None:
        super().__init__(nb, None, on_secrets)
        self._connection = connection

    async def async_execute_cell(  # type: ignore[override]
        self, cell: Any, cell_index: int, **_: Any
    ) -> Any:
        if cell.cell_type != "code" or not cell.source.strip():
            return cell
        cell.metadata["execution"] = {}
        cell.outputs = []
        self.clear_before_next_output = False
        content = {"code": cell.source, "silent": False, "store_history": True}
        await self._connection.send("execute_request", content | {"allow_stdin": False})
        reply = await self._reply(cell, cell_index)
        self._look_for_exit(execute_reply=reply)
        await self._check_raise_for_error(cell, cell_index, reply)
        return cell

    async def _reply(self, cell: Any, cell_index: int) -> dict[str, Any]:
        """Take in what the cell shows until it is through; its reply."""
        reply: dict[str, Any] = {}
        while True:
            message = await self._connection.receive()
            if message["msg_type"] == "execute_reply":
                reply = message
                cell.metadata["execution"]["shell.execute_reply"] = message["header"]["date"]
                continue
            try:
                self.process_message(message, cell, cell_index)
            except CellExecutionComplete:
                return reply


def request(kind: str, content: Mapping[str, Any] | None = None) -> bytes:
    """A message to the kernel, as Jupyter's protocol has it."""
    header = {
        "msg_id": uuid4().hex,
        "msg_type": kind,
        "session": "lab",
        "username": "lab",
        "date": datetime.now(UTC).isoformat(),
        "version": "5.3",
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content or {}}
    return json.dumps({**message, "msg_id": header["msg_id"], "msg_type": kind}).encode()
