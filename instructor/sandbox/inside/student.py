"""The student's side: executes cells, and tells the values of names and what functions return, when asked.

Nothing here is to be trusted once a cell has run: whatever it may do, all it can change is its own answers.
"""

from __future__ import annotations

import contextlib
import signal
import socket

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import codec, wire

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
