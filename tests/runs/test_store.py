import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import tenfold.runs
from tenfold.errors import StoreError, UnknownNameError
from tenfold.runs import ABSENT, Run, Store, identity

SOURCE = Path(tenfold.runs.__file__).parents[2]

MAKE = """
from tenfold.runs import Run, identity

def make(seed=0, network="fast", accuracy=0.99, folder=None, tags=None, **what):
    what = {"network": network, "seed": seed} | what
    return Run(
        id=identity(what),
        network=network,
        engine="numpy",
        data="mnist",
        seed=seed,
        what=what,
        history={"epoch": [1, 2], "loss": [0.5, 0.25]},
        metrics={"accuracy": accuracy, "confusion": [[5, 0], [1, 4]]},
        folder=folder,
        versions={"numpy": "2.0"},
        hardware={"cpu": "a cpu", "cores": 2},
        commit=None,
        started=f"2030-01-31T12:{seed % 60:02d}:00+00:00",
        seconds=1.5,
        tags=tags or {},
    )
"""
_made: dict = {}
exec(MAKE, _made)  # one definition for the tests and for the processes they start
make = _made["make"]


def process(script, *arguments):
    """Start Python on `script`, which knows `make` and finds its arguments in sys.argv[1:]."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys\nfrom tenfold.runs import Store\n{MAKE}\n{script}",
            *map(str, arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_the_root_is_the_argument_else_the_variable_else_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TENFOLD_HOME", raising=False)
    assert Store().root == tmp_path / "tenfold-runs"
    monkeypatch.setenv("TENFOLD_HOME", str(tmp_path / "home"))
    assert Store().root == tmp_path / "home"
    assert Store(tmp_path / "mine").root == tmp_path / "mine"


def test_a_run_comes_back_as_it_went_in(store):
    run = make(tags={"study": "lin", "quick": True}, rates=[0.1, 1e-300], name="é")
    assert store.add(run) is True
    assert store.find(run.id) == run
    assert store.get(run.id[:8]) == run
    assert store.list() == (run,)


def test_what_was_measured_may_be_infinite(store):
    run = make(accuracy=float("inf"))
    store.add(run)
    assert store.get(run.id).metrics["accuracy"] == float("inf")


def test_a_run_is_kept_once_and_the_first_stays(store):
    first, second = make(accuracy=0.9), make(accuracy=0.1)
    assert store.add(first) is True
    assert store.add(second) is False
    assert store.list() == (first,)


def test_a_run_under_a_false_id_is_refused(store):
    false = Run(**{**vars(make()), "id": identity({"another": "run"})})
    with pytest.raises(StoreError, match="not what it says it is"):
        store.add(false)
    assert store.list() == ()


def test_to_look_into_a_store_that_is_not_there_makes_none(store):
    assert store.list() == ()
    assert store.list(order="accuracy") == ()
    assert store.find("0" * 64) is None
    with pytest.raises(StoreError, match="No run in"):
        store.get("0")
    assert not store.root.exists()


def test_an_unknown_id_is_told(store):
    store.add(make())
    with pytest.raises(StoreError, match=r"starts with 'xyz'.*tenfold runs list"):
        store.get("xyz")


def test_an_ambiguous_prefix_names_the_candidates(store):
    runs = [make(seed) for seed in range(17)]  # 17 ids, 16 first digits
    for run in runs:
        store.add(run)
    digits = [run.id[0] for run in runs]
    digit = max(digits, key=digits.count)
    with pytest.raises(StoreError, match="Several runs") as caught:
        store.get(digit)
    for run in runs:
        assert (run.id[:16] in str(caught.value)) == run.id.startswith(digit)


def test_no_prefix_is_no_run(store):
    store.add(make())
    with pytest.raises(StoreError, match="Expected the start of a run's id"):
        store.get("")


def test_runs_are_listed_newest_first_and_filtered_by_columns_and_tags(store):
    lin = make(1, tags={"study": "lin", "reading": "as published"})
    honest = make(2, tags={"study": "lin", "reading": "honest"})
    other = make(3, network="okon-cnn")
    for run in (honest, other, lin):
        store.add(run)
    assert store.list() == (other, honest, lin)
    assert store.list(limit=2) == (other, honest)
    assert store.list(study="lin") == (honest, lin)
    assert store.list(study="lin", reading="honest") == (honest,)
    assert store.list(network="okon-cnn", study=None) == (other,)
    assert store.list(seed=1) == (lin,)
    assert store.list(study="hao") == ()


def test_runs_are_ordered_by_a_column_or_a_metric(store):
    low, high, none = make(1, accuracy=0.5), make(2, accuracy=0.9), make(3, accuracy=float("nan"))
    for run in (high, low, none):
        store.add(run)
    ids = [low.id, high.id, none.id]
    assert [run.id for run in store.list(order="seed")] == ids
    assert [run.id for run in store.list(order="accuracy")] == ids
    assert [run.id for run in store.list(order="-accuracy")] == [high.id, low.id, none.id]
    assert [run.id for run in store.list(order="-accuracy", limit=1, seed=1)] == [low.id]


def test_an_order_that_no_run_knows_names_the_nearest(store):
    store.add(make())
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        store.list(order="acuracy")
    with pytest.raises(UnknownNameError, match="column to filter by"):
        store.list(history=[1])


def test_a_folder_inside_the_root_moves_with_it(store, tmp_path):
    run = make()
    run = make(folder=store.folder(run.id))
    store.add(run)
    moved = Store(store.root.rename(tmp_path / "moved"))
    assert moved.get(run.id).folder == tmp_path / "moved" / "runs" / run.id


def test_removing_a_run_takes_its_artifacts_and_nothing_else(store):
    gone, kept = make(1), make(2)
    for run in (gone, kept):
        store.folder(run.id).mkdir(parents=True)
        (store.folder(run.id) / "model.safetensors").write_bytes(b"weights")
        store.add(run)
    assert store.remove(gone.id[:16]) == gone
    assert store.list() == (kept,)
    assert not store.folder(gone.id).exists()
    assert store.folder(kept.id).exists()
    with pytest.raises(StoreError, match="No run"):
        store.remove(gone.id)


def test_removing_a_run_leaves_what_lies_outside_the_root(store, tmp_path):
    outside, linked = tmp_path / "outside", tmp_path / "linked"
    for folder in (outside, linked):
        folder.mkdir()
        (folder / "thesis.txt").write_text("three years")
    store.add(make(1, folder=outside))
    store.remove(make(1).id)
    link = store.folder(make(2).id)
    store.add(make(2, folder=link))
    link.parent.mkdir(parents=True)
    link.symlink_to(linked, target_is_directory=True)
    store.remove(make(2).id)
    assert (outside / "thesis.txt").exists()
    assert (linked / "thesis.txt").exists()
    assert not link.is_symlink()


@pytest.mark.parametrize("id", ["", "..", "../../etc", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_no_id_has_no_folder(store, id):
    with pytest.raises(StoreError, match="64 hex digits"):
        store.folder(id)


def test_a_comparison_shows_what_differs_and_every_metric(store):
    left = make(1, accuracy=0.9, recipe={"rate": 0.1, "batch": 32.0}, layers=[{"units": 32}])
    right = make(2, accuracy=0.8, recipe={"rate": 0.2, "batch": 32}, layers=[{"units": 32}, {"units": 10}])
    store.add(left)
    store.add(right)
    compared = store.compare([left.id, right.id[:20]])
    assert compared.runs == (left, right)
    assert compared.identity == {
        "seed": (1, 2),
        "recipe.rate": (0.1, 0.2),
        "layers.1.units": (ABSENT, 10),
    }
    assert compared.metrics == {"accuracy": (0.9, 0.8)}
    with pytest.raises(StoreError, match="at least two"):
        store.compare([left.id])


def test_four_processes_write_at_once(store):
    script = """
store = Store(sys.argv[1])
for number in range(50):
    store.add(make(50 * int(sys.argv[2]) + number))
"""
    writers = [process(script, store.root, number) for number in range(4)]
    for writer in writers:
        _, talk = writer.communicate(timeout=300)
        assert writer.returncode == 0, talk
    assert sorted(store.list(), key=lambda run: run.seed) == [make(seed) for seed in range(200)]


def test_a_killed_writer_leaves_the_store_whole(store):
    script = """
store = Store(sys.argv[1])
seed = 0
while True:
    store.add(make(seed, notes="x" * 100_000))
    print(seed, flush=True)
    seed += 1
"""
    for _ in range(3):  # the second and third go on with what a killed one left
        writer = process(script, store.root)
        told = [int(writer.stdout.readline()) for _ in range(10)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.communicate(timeout=300)[0].splitlines()]
        assert writer.returncode == -signal.SIGKILL
        kept = store.list(order="seed")
        assert len(kept) >= len(told)
        assert list(kept) == [make(seed, notes="x" * 100_000) for seed in range(len(kept))]
        with closing(sqlite3.connect(store.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store.add(make(1_000_000)) is True


def test_one_run_is_trained_by_one_of_many_processes(store, tmp_path):
    script = """
store, run = Store(sys.argv[1]), make()
with store.claim(run.id):
    if store.find(run.id) is None:
        print("trained")
        store.add(run)
"""
    workers = [process(script, store.root) for _ in range(4)]
    told = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, told
    assert [out for out, _ in told if out] == ["trained\n"]


def test_a_claim_is_refused_while_held_and_free_when_its_owner_is_killed(store):
    script = """
with Store(sys.argv[1]).claim(make().id):
    print("held", flush=True)
    sys.stdin.read()
    import time; time.sleep(600)
"""
    store.add(make())
    owner = process(script, store.root)
    assert owner.stdout.readline() == "held\n"
    waits = []
    with (
        pytest.raises(StoreError, match="Another process holds run"),
        store.claim(make().id, timeout=0.3, waiting=lambda: waits.append("told")),
    ):
        pass
    assert waits == ["told"]
    with pytest.raises(StoreError, match="Another process holds run"):
        store.remove(make().id)
    assert store.find(make().id) is not None
    with store.claim(make(1).id, timeout=0):
        pass  # another run is free
    owner.kill()
    owner.communicate(timeout=300)
    with store.claim(make().id, timeout=0):
        pass


def test_a_claim_holds_between_threads_and_ends_with_its_block(store):
    id = make().id
    refused = []

    def try_it():
        try:
            with store.claim(id, timeout=0):
                refused.append(False)
        except StoreError:
            refused.append(True)

    def in_a_thread():
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()

    def fail():
        with store.claim(id):
            in_a_thread()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    in_a_thread()
    assert refused == [True, False]
