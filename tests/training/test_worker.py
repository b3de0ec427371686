"""Ctrl-C takes effect where it does no harm, and processes that train for another do not hear it."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tenfold.training.worker import ctrl_c_waits, deaf_children


@pytest.fixture(autouse=True)
def usual_ctrl_c():
    """Let Ctrl-C raise KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_takes_effect_where_it_is_asked_for():
    came = []

    def work():
        with ctrl_c_waits() as ctrl_c:
            ctrl_c()
            signal.raise_signal(signal.SIGINT)
            came.append("behind the signal")
            ctrl_c()
            came.append("behind the question")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert came == ["behind the signal"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_not_lost_where_nobody_asks():
    came = []

    def work():
        with ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            came.append("behind the signal")
        came.append("behind the context")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert came == ["behind the signal"]


def test_another_error_is_not_hidden_by_ctrl_c():
    def work():
        with ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ctrl_c_waits() as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_thread_to_which_ctrl_c_does_not_come_works_the_same():
    came = []

    def work():
        with ctrl_c_waits() as ctrl_c:
            ctrl_c()
            came.append("through")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == ["through"]


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
