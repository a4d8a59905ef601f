"""Starts student processes fast: all is imported once, and each notebook gets a fork, shut in (``confine``).

TensorFlow survives a fork as long as it has run nothing yet, and here nothing ever runs.
Run as ``python -m inside.nursery SOCKET``; one notebook at a time:
{"limits": {...}, "folder": path or None} with the student's socket and maybe its folder -> {"ended": code}.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from . import confine, student, wire
from .limits import Limits


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    isolated = sys.argv[2] == "isolated"
    confine.reveal_proc()
    shell = student.make_shell()
    _warm()
    nested = isolated and can_nest()
    wire.send(control, {"ready": True, "nested": nested})
    while True:
        try:
            request, descriptors = wire.receive(control, descriptors=2)
        except wire.Lost:
            return
        sock = socket.socket(fileno=descriptors[0])
        folder = descriptors[1] if len(descriptors) > 1 else request["folder"]
        limits = Limits(**request["limits"])
        arguments = (sock, folder, limits, nested, isolated)
        ended = confine.confined(lambda sock: student.serve(sock, shell), *arguments)
        sock.close()
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        wire.send(control, {"ended": ended})


def can_nest() -> bool:
    """Tell whether this sandbox allows namespaces within it."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            confine.enter_namespaces()
            if inner := os.fork():
                code = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
            else:
                confine.make_view(Limits())
                confine.drop_capabilities()
                code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _warm():
    """Import what notebooks import; draw one figure, for matplotlib's fonts."""
    import matplotlib.pyplot as plt  # noqa: PLC0415
    import tensorflow  # noqa: F401, PLC0415

    from helpers import plotting  # noqa: F401, PLC0415
    from helpers.checks import part1, part2, part3  # noqa: F401, PLC0415
    from helpers.engine import selftest  # noqa: F401, PLC0415

    figure = plt.figure()
    figure.text(0, 0, "x")
    figure.canvas.draw()
    plt.close(figure)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the teacher's Ctrl-C is the parent's affair
    main()
