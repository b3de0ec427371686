"""Processes that do jobs: each on one core, kept from one study to the next, ended with the context."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tenfold.studies.experiment import Classical
from tenfold.studies.jobs import Job
from tenfold.studies.share import Share
from tenfold.studies.workers import Tracker, Workers

WORK = """
import os, signal
from pathlib import Path
from time import monotonic, sleep

from tenfold.errors import TrainingDiverged
from tenfold.studies.workers import threads

def note(job, report):
    report(0.5)
    Path(job.study).write_text(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}")

def until(met):
    began = monotonic()
    while not met() and monotonic() - began < 30:
        sleep(0.01)

def leave(job, report):
    # Stays until the other has come.
    until(Path(job.study).with_name("stays").exists)

def stay(job, report):
    # Stays until the other has left.
    first = threads()
    Path(job.study).touch()
    until(lambda: threads() != first)
    Path(job.study).write_text(f"{first} {threads()}")

def leave_or_stay(job, report):
    {"leaves": leave, "stays": stay}[Path(job.study).name](job, report)

def report_until_stopped(job, report):
    until(lambda: report(0.5))

def tell_what_is_blocked(job, report):
    Path(job.study).write_text(str([int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())]))

def fail(job, report):
    raise ValueError(f"{job.label} went wrong")

def diverge_or_note(job, report):
    if Path(job.study).name == "diverges":
        raise TrainingDiverged("The loss is not finite.")
    note(job, report)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return work that other processes can import."""
    (tmp_path / "work_of_a_test.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("work_of_a_test")
    del sys.modules["work_of_a_test"]


def job(path):
    return Job(str(path), "a", "a", "smoke", Classical("knn", 1.0), Share("mnist", "honest", 10, 10, 5), 0)


def test_news_that_comes_late_takes_nothing_back(tmp_path):
    seen = []
    tracker, both = Tracker(seen.append), [job(tmp_path / name) for name in ("first", "second")]
    tracker.expect(0, both)
    tracker.update(both[0], 0.5)
    tracker.finish(both[0])
    tracker.update(both[0], 0.7)
    assert [state.part for state in seen] == [0, 0.25, 0.5, 0.5]
    assert seen[-1].running == ()


def test_the_same_processes_do_what_comes_next(work, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    tracker = Tracker(None)
    with Workers(1) as workers:
        for name in ("first", "second"):
            tracker.expect(0, [job(tmp_path / name)])
            workers.run([job(tmp_path / name)], work.note, tracker)
            assert tracker.done == 1
        first = (tmp_path / "first").read_text()
        assert (tmp_path / "second").read_text() == first
    pid, threads = first.split()
    assert (int(pid) != os.getpid(), threads) == (True, "1")
    assert not Path(f"/proc/{pid}").exists()


def test_a_job_that_is_left_alone_may_use_every_core(work, tmp_path):
    both, tracker = [job(tmp_path / name) for name in ("stays", "leaves")], Tracker(None)
    tracker.expect(0, both)
    with Workers(2) as workers:
        workers.run(both, work.leave_or_stay, tracker)

    assert (tmp_path / "stays").read_text() == "1 2"


def test_ctrl_c_never_comes_while_it_would_hold_up_the_processes(work, tmp_path, ctrl_c_in_wait):
    from tenfold.studies import workers as module

    seen = ctrl_c_in_wait(module)
    with pytest.raises(KeyboardInterrupt), Workers(1) as workers:
        workers.run([job(tmp_path)], work.report_until_stopped, Tracker(None))
    assert seen == ["went on"]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signals of threads")
def test_workers_do_not_hear_ctrl_c_even_while_they_start(work, tmp_path):
    tracker = Tracker(None)
    tracker.expect(0, [job(tmp_path / "heard")])
    with Workers(1) as workers:
        workers.run([job(tmp_path / "heard")], work.tell_what_is_blocked, tracker)
    assert (tmp_path / "heard").read_text() == "[2]"


def test_what_goes_wrong_in_a_process_is_told_here(work, tmp_path):
    tracker = Tracker(None)
    tracker.expect(0, [job(tmp_path)])
    with Workers(1) as workers, pytest.raises(ValueError, match="a went wrong"):
        workers.run([job(tmp_path)], work.fail, tracker)


def test_what_cannot_be_trained_is_told_after_all_others_are_done(work, tmp_path):
    both, tracker = [job(tmp_path / name) for name in ("diverges", "good")], Tracker(None)
    tracker.expect(0, both)
    with Workers(1) as workers:
        failed = workers.run(both, work.diverge_or_note, tracker)

    assert {each.study: str(error) for each, error in failed.items()} == {
        str(tmp_path / "diverges"): "The loss is not finite."
    }
    assert (tmp_path / "good").exists()
    assert tracker.done == 1


def test_without_work_no_process_is_started(monkeypatch):
    monkeypatch.setattr("tenfold.studies.workers.ProcessPoolExecutor", pytest.fail)
    with Workers(2) as workers:
        assert workers.count == 2
