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
        header = b""
        while len(header) < _HEADER.size:
            _set_timeout(sock, deadline)
            if descriptors and not header:
                piece, opened, _, _ = socket.recv_fds(sock, _HEADER.size, descriptors)
            else:
                piece = sock.recv(_HEADER.size - len(header))
            if not piece:
                raise Lost("closed")
            header += piece
        (size,) = _HEADER.unpack(header)
        if size > MOST:
            raise Lost("too large")
        data = bytearray()
        while len(data) < size:
            _set_timeout(sock, deadline)
            piece = sock.recv(min(size - len(data), 2**20))
            if not piece:
                raise Lost("closed")
            data += piece
        return json.loads(data), opened
    except TimeoutError:
        error = Late("no answer in time")
    except (OSError, ValueError, RecursionError) as reason:
        error = Lost(str(reason))
    except Lost as lost:
        error = lost
    for descriptor in opened:
        os.close(descriptor)
    raise error


def _set_timeout(sock, deadline):
    if deadline is None:
        sock.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)
