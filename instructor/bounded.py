"""Calls what reads a student's files in a process of its own, of bounded time and memory."""

import multiprocessing
import pickle
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

SECONDS = 60  # of processor time, for one student
MEMORY = 2 * 2**30  # bytes

_of_this_thread = threading.local()


class Excess(Exception):
    """Reading took more than it may; the message is a French clause for the teacher."""


def call(function: Callable, *arguments: object, seconds: float = SECONDS):
    """Return ``function(*arguments)``, both of which can be pickled, computed in the thread's own reader.

    Raises:
        Excess: it took more than ``seconds`` of processor time or ``MEMORY``.
        Exception: whatever the function raises.
    """
    if getattr(_of_this_thread, "pool", None) is None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit TensorFlow's threads
        _of_this_thread.pool = ProcessPoolExecutor(1, context, _begin)
    try:
        return _of_this_thread.pool.submit(_timed, seconds, function, arguments).result()
    except (BrokenProcessPool, MemoryError):
        _of_this_thread.pool.shutdown(wait=False)
        _of_this_thread.pool = None
        raise Excess("sa lecture demande plus de temps ou de mémoire que permis") from None


def _begin():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the teacher's Ctrl-C is the parent's affair
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _timed(seconds, function, arguments):
    signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process, whatever that is doing
    try:
        return function(*arguments)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it would not come back, and be waited for
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
