"""Processes that train for another one, and how Ctrl-C comes to them: by way of that one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from time import sleep


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Let Ctrl-C take effect only at the end.

    Whoever waits for other processes holds locks for moments, which a `KeyboardInterrupt` in just that moment
    leaves taken for ever: `concurrent.futures.wait` then never lets its pool end (seen in Python 3.11).
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield  # Ctrl-C does not come to this thread, or is ignored
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if pressed:
        usual(signal.SIGINT, None)


def end_processes(pool: ProcessPoolExecutor, *, failed: bool) -> None:
    """Wait until the processes of `pool` have done what they are at, and end them.

    Ctrl-C meanwhile ends them at once; what they were doing has its checkpoint.

    Parameters
    ----------
    pool : ProcessPoolExecutor
    failed : bool
        Whether an error is on its way already, which Ctrl-C must not take the place of.
    """
    processes = list((pool._processes or {}).values())
    try:
        with ctrl_c_waits():
            pool.shutdown(wait=False, cancel_futures=True)
        while True:
            with ctrl_c_waits():
                if not any(each.is_alive() for each in processes):
                    return
            sleep(0.02)
    except KeyboardInterrupt:
        for each in processes:
            each.kill()
        if not failed:
            raise


@contextmanager
def deaf_children() -> Iterator[None]:
    """Let processes that are started meanwhile not hear Ctrl-C, even before they come to `serve_parent`."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve_parent() -> None:
    """Leave Ctrl-C to the parent, and end where it was killed: what was being done has its checkpoint."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
