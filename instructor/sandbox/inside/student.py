"""The student's side: executes cells, and tells the values of names and what functions return, when asked.

Nothing here is to be trusted once a cell has run: whatever it may do, all it can change is its own answers.
Run as ``python -m inside.student SOCKET MODE`` for one notebook; the first request, with the open folder of
the submission's files if there are any: {"limits": {...}, "folder": its path or None, "imports": [modules]}.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import codec, confine, wire
from .limits import Limits

_CONFIG = Config()
_CONFIG.HistoryManager.enabled = False
_CONFIG.HistoryManager.hist_file = ":memory:"
_CONFIG.InteractiveShell.colors = "NoColor"


class TempsDepasse(Exception):
    """A cell or a function took longer than it may."""


def make_shell() -> InteractiveShell:
    """Return IPython without a terminal: magics and `!` as in a notebook, no outputs kept."""
    shell = InteractiveShell.instance(config=_CONFIG)
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    shell.enable_gui = lambda gui=None: None  # `%matplotlib inline` asks for one
    return shell


def main() -> None:
    sock, isolated = socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "isolated"
    request, descriptors = wire.receive(sock, descriptors=1)
    confine.enter_work_folder(descriptors[0] if descriptors else request["folder"], isolated)

    def begin():
        for module in request["imports"]:
            importlib.import_module(module)
        shell = make_shell()
        wire.send(sock, {"ready": True})
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 2)  # until here, what fails is told to the teacher
        os.close(nowhere)
        serve(sock, shell)

    sys.exit(confine.keep(begin, sock, Limits(**request["limits"]), isolated))


def serve(sock: socket.socket, shell: InteractiveShell) -> None:
    """Answer requests until the other side hangs up.

    {"run": source} -> {"error": None or "NameError: ..."};
    {"values": [expressions]} -> {"values": [encoded, or None where there is no value]};
    {"call": number, "arguments": [encoded]} -> {"result": encoded} or {"error": "ValueError"}.
    Each has "seconds", after which it is interrupted.
    """
    functions: list = []

    def keep(function):
        functions.append(function)
        return len(functions) - 1

    signal.signal(signal.SIGALRM, _too_late)
    while True:
        try:
            request, _ = wire.receive(sock)
        except wire.Lost:
            return
        with _within(request["seconds"]) as outcome:
            if "run" in request:
                outcome["error"] = _run(shell, request["run"])
            elif "values" in request:
                outcome["values"] = [_value(shell, expression, keep) for expression in request["values"]]
            else:
                arguments = [codec.decode(argument) for argument in request["arguments"]]
                outcome["result"] = codec.encode(functions[request["call"]](*arguments), keep)
        wire.send(sock, outcome)


@contextlib.contextmanager
def _within(seconds):
    """Collect an answer; an exception of any kind, or the time passed, becomes its "error"."""
    outcome: dict = {}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield outcome
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: the notebook goes on
        outcome.clear()
        outcome["error"] = _told(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _run(shell, source):
    result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    return None if error is None else _told(error)


def _value(shell, expression, keep):
    try:
        return codec.encode(eval(expression, shell.user_ns), keep)
    except Exception:
        return None


def _told(error):
    with contextlib.suppress(BaseException):
        return f"{type(error).__name__}: {error}"[:300]
    return type(error).__name__


def _too_late(*_):
    raise TempsDepasse


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the teacher's Ctrl-C is the parent's affair
    main()
