"""Messages over a SOCK_SEQPACKET pair of sockets: a few byte strings at a time, of any size.

Every packet is sent whole or not at all, so that a KeyboardInterrupt in the middle of a message
costs that message and no other: the receiver drops what a new beginning leaves unfinished.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator

_CHUNK = 60_000  # bytes; a packet has to fit the socket's buffer, 200 KiB on a Linux as it comes
_PACKET = _CHUNK + 1
_FIRST, _LAST = 1, 2
_COUNT = struct.Struct("<I")
_IN_A_ROW = 16  # packets received before the other tasks of the loop have a turn


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def packets(parts: list[bytes]) -> Iterator[bytes]:
    """The packets that carry one message."""
    lengths = b"".join(_COUNT.pack(len(part)) for part in parts)
    whole = memoryview(b"".join((_COUNT.pack(len(parts)), lengths, *parts)))
    for start in range(0, len(whole), _CHUNK):
        flags = (_FIRST if start == 0 else 0) | (_LAST if start + _CHUNK >= len(whole) else 0)
        yield bytes((flags,)) + whole[start : start + _CHUNK]


class Assembly:
    """Puts the messages of one socket together again."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def add(self, packet: bytes) -> list[bytes] | None:
        """The message that this packet completes."""
        if packet[0] & _FIRST:
            self._chunks = []
        self._chunks.append(packet[1:])
        if not packet[0] & _LAST:
            return None
        whole, self._chunks = b"".join(self._chunks), []
        (count,) = _COUNT.unpack_from(whole)
        at = _COUNT.size * (count + 1)
        parts = []
        for number in range(count):
            (length,) = _COUNT.unpack_from(whole, _COUNT.size * (number + 1))
            parts.append(whole[at : at + length])
            at += length
        return parts


class Channel:
    """One end of a pair, for an event loop."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._assembly = Assembly()
        self._in_a_row = 0

    async def send(self, parts: list[bytes]) -> None:
        """Send a message; OSError when nobody is there any more."""
        loop = asyncio.get_running_loop()
        for packet in packets(parts):
            await loop.sock_sendall(self._socket, packet)

    async def receive(self) -> list[bytes] | None:
        """The next message; None at the end of them."""
        loop = asyncio.get_running_loop()
        while True:
            self._in_a_row += 1
            if self._in_a_row % _IN_A_ROW == 0:  # a receiver that never waits would let none run
                await asyncio.sleep(0)
            try:
                packet = await loop.sock_recv(self._socket, _PACKET)
            except ConnectionError:
                return None
            if not packet:
                return None
            message = self._assembly.add(packet)
            if message is not None:
                return message

    def close(self) -> None:
        self._socket.close()
