"""The client that runs cells in a kernel: nbclient's, with bounded outputs and our own supervision.

Imports nbclient, so it is itself imported only once a kernel is already starting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import from_dict

from lab.notebook.kernel import Kernel
from lab.notebook.outputs import CellOutputs
from lab.record.late_secrets import MESSAGE

__all__ = ["CellExecutionError", "CellRunner", "Connection"]

_RECONNECT_MS = 5  # the sockets of a kernel that is still starting are tried this often
_IOPUB_WAIT = 30.0  # seconds to wait for the outputs of a finished cell that printed a flood


class Connection:
    """The channels to one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        self.client = AsyncKernelClient(context=self._context)
        self.client.load_connection_info(kernel.connection)  # type: ignore[arg-type]
        self.client.start_channels(stdin=False, hb=False)
        self.client.allow_stdin = False

    def runner(self, nb: Any, on_secrets: Callable[[Mapping[str, str]], None]) -> CellRunner:
        """What runs the cells of `nb` here."""
        return CellRunner(nb, self.client, on_secrets)

    async def ready(self) -> dict[str, Any]:
        """Wait until the kernel answers and its outputs reach us; what it says of its language."""
        self.client.kernel_info()
        reply = await self.client.shell_channel.get_msg(timeout=None)
        while True:  # any message will do: the answer's own status, or the greeting of new kernels
            try:
                await self.client.iopub_channel.get_msg(timeout=0.1)
                break
            except Exception:  # queue.Empty: not subscribed yet, so make it say something again
                self.client.kernel_info()
                await self.client.shell_channel.get_msg(timeout=None)
        content: dict[str, Any] = reply["content"]
        return dict(content.get("language_info", {}))

    async def request_shutdown(self) -> None:
        """Ask the kernel to end, which runs its exit handlers."""
        self.client.control_channel.send(
            self.client.session.msg("shutdown_request", {"restart": False})
        )

    def close(self) -> None:
        self.client.stop_channels()
        self._context.destroy(linger=0)


class CellRunner(NotebookClient):
    """Runs the cells of a notebook one by one; somebody else watches the kernel."""

    def __init__(
        self, nb: Any, client: Any, on_secrets: Callable[[Mapping[str, str]], None]
    ) -> None:
        super().__init__(nb, timeout=None, iopub_timeout=_IOPUB_WAIT, record_timing=True)
        self.kc = client
        self._cells: dict[int, CellOutputs] = {}  # by index of the cell
        self.wants_to_stop = False  # the cell called exit()
        self.changed = False  # whether anything came in; whoever saves sets it back
        self.on_cell_executed = self._look_for_exit
        self.on_output: Callable[[dict[str, Any]], None] | None = None
        self._on_secrets = on_secrets

    async def run_cell(self, index: int) -> None:
        """Run one cell; CellExecutionError when it raised."""
        cell = self.nb.cells[index]
        try:
            await self.async_execute_cell(cell, index)
        finally:
            self.render()

    def render(self) -> None:
        """Bring the outputs in the notebook up to what has come in."""
        for outputs in self._cells.values():
            outputs.render()

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == MESSAGE:
            self._on_secrets(msg["content"])
            return None
        self.changed = True
        if self.on_output is not None:
            self.on_output(msg)
        return super().process_message(msg, cell, cell_index)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: Any, cell_index: int) -> Any:
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return super().output(outs, msg, display_id, cell_index)
        cell = self._outputs(outs, cell_index)
        if self.clear_before_next_output:
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False
            cell.restart()
        content = msg["content"]
        if msg["msg_type"] == "stream":
            cell.stream(content["name"], content["text"])
            return None
        if msg["msg_type"] != "error" and not cell.admits(content):
            return None
        return super().output(outs, msg, display_id, cell_index)

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        super().clear_output(outs, msg, cell_index)
        if not outs:
            self._outputs(outs, cell_index).restart()

    def _outputs(self, outs: list[Any], cell_index: int) -> CellOutputs:
        known = self._cells.get(cell_index)
        if known is None or known.outputs is not outs:
            known = self._cells[cell_index] = CellOutputs(outs, from_dict)
        return known

    def _look_for_exit(self, *, execute_reply: dict[str, Any], **_: Any) -> None:
        payload = execute_reply["content"].get("payload") or []
        if any(item.get("source") == "ask_exit" for item in payload):
            self.wants_to_stop = True

    async def _async_check_alive(self) -> None:
        """Nothing: the executor waits for the end of the process itself, and so knows at once."""

    async def _async_poll_kernel_alive(self) -> None:
        await asyncio.sleep(0)
