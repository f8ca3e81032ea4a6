"""The forked kernel that runs cells for an executor: IPython's own kernel over one pair of sockets.

Everything that cells see is ipykernel's: its shell, its magics, its display and comm machinery and
the configuration of the user. Only what carries the messages is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mmap
import os
import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

from ipykernel import debugger
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from tornado.ioloop import IOLoop

from lab.notebook.warm.packets import Assembly, packets
from lab.notebook.warm.streams import Outlet, Stream

_STREAM = "stream"
_RESERVE = 16 << 20  # bytes of address space, never touched, to say that there is no more


class _Session(Session):
    """A Jupyter session whose messages all go down one socket, after what was printed before."""

    outlet: Outlet | None = None
    peer: socket.socket

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Any = None,
    ) -> Any:
        if isinstance(msg_or_type, dict):
            msg = msg_or_type
            buffers = buffers or msg.get("buffers", [])
        else:
            msg = self.msg(msg_or_type, content, parent, header, metadata)
        if os.getpid() == self.pid:  # a forked child has nothing to say here
            parts = [self._head(msg), self._body(msg["content"]), *map(bytes, buffers or ())]
            self._send(msg["msg_type"], parts)
        return msg

    def _head(self, msg: dict[str, Any]) -> bytes:
        parent = msg["parent_header"] or {}
        head = {
            "msg_type": msg["msg_type"],
            "header": {"msg_type": msg["msg_type"], "date": msg["header"]["date"]},
            "parent_header": {"msg_id": parent.get("msg_id")},
            "metadata": msg["metadata"],
        }
        packed: bytes = self.pack(head)
        return packed

    def _body(self, content: Any) -> bytes:
        try:
            packed: bytes = self.pack(content)
        except UnicodeEncodeError:  # half a character: as a file would take it
            packed = json.dumps(content).encode()
        return packed

    def _send(self, kind: str, parts: list[bytes]) -> None:
        if self.outlet is None:
            return
        with self.outlet.hold(), contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if kind != _STREAM:
                self.outlet.flush()
            for packet in packets(parts):
                self.peer.send(packet)


class _Kernel(IPythonKernel):
    """Runs one cell after the other, in the order they come."""

    io_loop: Any = None
    session: Any

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)  # type: ignore[no-untyped-call]
        self._execute_sleep = 0.0
        self._reserve = mmap.mmap(-1, _RESERVE)
        shell: Any = self.shell
        self._show_error, shell.showtraceback = shell.showtraceback, self._showtraceback
        # What awaits in a cell asks here whether it is in the main thread.
        self.shell_channel_thread = SimpleNamespace(parent_thread=threading.main_thread())

    async def run(self, request: dict[str, Any]) -> None:
        """Execute one request; its messages go out on the way."""
        try:
            await self._run(request)
        except MemoryError:  # there was not even enough to tell of the cell's own
            self._reserve.close()
            self._reply_error("MemoryError", request)
            self._publish_status("idle", "shell")  # type: ignore[no-untyped-call]

    def _showtraceback(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.exc_info()[1], MemoryError):
            self._reserve.close()
        self._show_error(*args, **options)

    async def _run(self, request: dict[str, Any]) -> None:
        self.set_parent([], request)  # type: ignore[no-untyped-call]
        self._publish_status("busy", "shell")  # type: ignore[no-untyped-call]
        self.pre_handler_hook()  # type: ignore[no-untyped-call]
        try:
            await self.execute_request(None, [], request)  # type: ignore[no-untyped-call]
        except KeyboardInterrupt:  # outside of what the cell itself runs
            self._reply_error("KeyboardInterrupt", request)
        finally:
            self.post_handler_hook()  # type: ignore[no-untyped-call]
        self._publish_status("idle", "shell")  # type: ignore[no-untyped-call]

    def _reply_error(self, name: str, request: dict[str, Any]) -> None:
        error = {"status": "error", "ename": name, "evalue": "", "traceback": []}
        self.session.send(None, "execute_reply", error, request)

    def _abort_queues(self, subshell_id: Any = None) -> None:
        """Nothing: no request ever waits."""


class _App(IPKernelApp):
    """IPython's kernel application without sockets of its own."""

    kernel_class = _Kernel
    outstream_class = ""  # ours are there already

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)  # type: ignore[no-untyped-call]
        self.session = session

    def parse_command_line(self, argv: Any = None) -> None:
        self.config.HistoryManager.hist_file = ":memory:"

    def init_kernel(self) -> None:
        self.kernel = _Kernel.instance(
            parent=self,
            session=self.session,
            iopub_socket=SimpleNamespace(),
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )
        self.displayhook.get_execution_count = lambda: self.kernel.execution_count

    def _nothing(self, *_: Any) -> None:
        """There is no such socket, file or thread."""

    init_connection_file = init_poller = init_sockets = init_heartbeat = _nothing
    write_connection_file = log_connection_info = _nothing  # type: ignore[assignment]


def serve(peer: socket.socket) -> None:
    """Run the cells that `peer` asks for until it says goodbye or goes away."""
    session = _Session(check_pid=False, key=b"")
    session.pid, session.peer = os.getpid(), peer

    def printed(name: str, text: str) -> None:
        parent = app.kernel.get_parent() if app.kernel else {}
        session.send(None, _STREAM, {"name": name, "text": text}, parent)

    debugger._is_debugpy_available = False  # nobody attaches one; it would listen on a port
    app = _App.instance(session=session)
    outlet = Outlet(printed)
    sys.stdout, sys.stderr = Stream(outlet, "stdout"), Stream(outlet, "stderr")
    app.initialize()  # type: ignore[no-untyped-call]
    session.outlet = outlet
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    work = loop.create_task(_serve(app.kernel, session))
    while not work.done():
        loop.run_until_complete(_until(work))
    work.result()


async def _until(work: asyncio.Task[None]) -> None:
    """Wait for the end of `work`; exit() in a cell stops the loop meanwhile, and it goes on."""
    await asyncio.wait({work})


async def _serve(kernel: _Kernel, session: _Session) -> None:
    loop = asyncio.get_running_loop()
    kernel.io_loop = IOLoop.current()
    session.send(None, "ready", {"language_info": kernel.language_info})
    assembly = Assembly()
    while True:
        packet = await _receive(loop, session.peer)
        if not packet:
            return
        message = assembly.add(packet)
        if message is None:
            continue
        request = json.loads(message[0])
        if request["header"]["msg_type"] == "shutdown_request":
            return
        await kernel.run(request)


async def _receive(loop: asyncio.AbstractEventLoop, peer: socket.socket) -> bytes:
    # The socket blocks when it sends, from whichever thread; only here it must not.
    while True:
        try:
            return peer.recv(1 << 17, socket.MSG_DONTWAIT)
        except BlockingIOError:
            ready = asyncio.Event()
            loop.add_reader(peer, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(peer)
        except ConnectionError:
            return b""
