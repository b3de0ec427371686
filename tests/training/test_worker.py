"""Ctrl-C takes effect where it does no harm, and processes that train for another do not hear it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from time import monotonic, sleep

import pytest

from tenfold.training import worker
from tenfold.training.worker import ctrl_c_waits, deaf_children, end_processes


def test_ctrl_c_takes_effect_at_the_end():
    came = []

    def work():
        with ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            came.append("behind the signal")
        came.append("behind the context")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert came == ["behind the signal"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_error_is_not_hidden_by_ctrl_c():
    def work():
        with ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_a_thread_to_which_ctrl_c_does_not_come_works_the_same():
    came = []

    def work():
        with ctrl_c_waits():
            came.append("through")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == ["through"]


@pytest.mark.parametrize("failed", [True, False])
def test_ctrl_c_ends_processes_that_would_take_long(failed, monkeypatch):
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    pool.submit(sleep, 600)
    (process,) = pool._processes.values()
    monkeypatch.setattr(worker, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    with nullcontext() if failed else pytest.raises(KeyboardInterrupt):
        end_processes(pool, failed=failed)
    deadline = monotonic() + 60
    while process.is_alive():  # the pool's thread may be the one that learns it first
        assert monotonic() < deadline
        sleep(0.02)


def test_processes_come_to_the_end_of_what_they_are_at():
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    future = pool.submit(sleep, 0.2)
    (process,) = pool._processes.values()
    end_processes(pool, failed=False)
    assert future.result(0) is None
    assert not process.is_alive()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signals of threads")
@pytest.mark.parametrize("deaf", [True, False])
def test_a_child_does_not_hear_ctrl_c_from_its_first_moment(deaf):
    command = [sys.executable, "-c", "import sys; sys.stdin.read(); print('read all')"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    if deaf:
        with deaf_children():
            child = subprocess.Popen(command, **pipes)
    else:
        child = subprocess.Popen(command, **pipes)
    os.kill(child.pid, signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert said == ("read all\n" if deaf else "")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
