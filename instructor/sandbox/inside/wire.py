"""Messages on a socket: a length, then JSON, of bounded size and time. Nothing received is executed."""

import json
import os
import socket
import struct
import time

MOST = 64 * 2**20  # bytes of one message
_HEADER = struct.Struct(">I")


class Lost(Exception):
    """The other side is gone, or what it sent is not a message."""


class Late(Lost):
    """The other side did not answer in time."""


def send(sock: socket.socket, message: object, descriptors: list[int] | tuple = ()) -> None:
    """Send a message of JSON values, with open files if the socket is a Unix one.

    Raises:
        Lost: the other side is gone.
    """
    data = json.dumps(message).encode()
    header = _HEADER.pack(len(data))
    try:
        if descriptors:
            socket.send_fds(sock, [header], descriptors)
        else:
            sock.sendall(header)
        sock.sendall(data)
    except OSError as error:
        raise Lost(str(error)) from None


def receive(sock: socket.socket, seconds: float | None = None, descriptors: int = 0) -> tuple:
    """Receive a message and up to ``descriptors`` open files.

    Args:
        seconds: time for the whole message, None for no limit.

    Raises:
        Late: not there in time.
        Lost: the other side is gone, or sent what is too large or is not JSON.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    opened: list[int] = []
    try:
        _set_timeout(sock, deadline)
        header, opened, _, _ = socket.recv_fds(sock, _HEADER.size, descriptors)
        if not header:
            raise Lost("closed")
        (size,) = _HEADER.unpack(header + _exactly(sock, _HEADER.size - len(header), deadline))
        if size > MOST:
            raise Lost("too large")
        return json.loads(_exactly(sock, size, deadline)), opened
    except BaseException as error:
        for descriptor in opened:
            os.close(descriptor)
        if isinstance(error, TimeoutError):
            raise Late("no answer in time") from None
        if isinstance(error, (OSError, ValueError, RecursionError)):
            raise Lost(str(error)) from None
        raise


def _exactly(sock, size, deadline):
    """Receive as many bytes."""
    data = bytearray()
    while len(data) < size:
        _set_timeout(sock, deadline)
        piece = sock.recv(min(size - len(data), 2**20))
        if not piece:
            raise Lost("closed")
        data += piece
    return data


def _set_timeout(sock, deadline):
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        raise TimeoutError
    sock.settimeout(left)
