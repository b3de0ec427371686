import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tenfold.errors import StoreError
from tenfold.runs import Run, Store, database, identity


def make(seed=0):
    return Run(
        id=identity({"seed": seed}),
        network="fast",
        engine="numpy",
        data="mnist",
        seed=seed,
        what={"seed": seed},
        history={},
        metrics={},
        versions={},
        hardware={},
        commit=None,
        started="2030-01-31T12:00:00+00:00",
        seconds=1.0,
    )


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    for seed in range(50):
        store.add(make(seed))
    return store


def write(store, *statements):
    with closing(sqlite3.connect(store.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def every_use(store):
    return [
        lambda: store.list(),
        lambda: store.find(make().id),
        lambda: store.get(make().id),
        lambda: store.add(make(99)),
        lambda: store.remove(make().id),
    ]


def expect(store, message):
    for use in every_use(store):
        with pytest.raises(StoreError, match=message):
            use()


def test_the_file_is_written_ahead_and_marked(store):
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    assert store.path.read_bytes()[68:72] == b"tenf"  # where SQLite keeps the application's mark


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path):
    store = Store(tmp_path)
    store.path.write_text("This is a letter, not a database. " * 50)
    before = store.path.read_bytes()
    expect(store, "runs.sqlite is not a store of runs, or is damaged")
    assert store.path.read_bytes() == before


def test_a_damaged_file_is_told(store):
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreError, match="damaged"):
        store.list()


def test_a_truncated_file_is_told(store):
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match="damaged"):
        store.list()


def test_a_damaged_row_is_named(store):
    write(store, f"UPDATE runs SET metrics = '{{' WHERE id = '{make(3).id}'")
    with pytest.raises(StoreError, match=f"The run '{make(3).id}' in .* is damaged"):
        store.list()
    assert store.get(make(4).id) == make(4)


def test_the_database_of_another_program_is_told_and_left_alone(tmp_path):
    store = Store(tmp_path)
    write(store, "CREATE TABLE recipes (cake TEXT)", "PRAGMA user_version = 1")
    before = store.path.read_bytes()
    expect(store, "SQLite file of another program")
    assert store.path.read_bytes() == before


def test_a_store_of_a_newer_tenfold_is_told(store):
    write(store, f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    expect(store, "written by a newer Tenfold.*pip install --upgrade tenfold")


def test_an_older_store_is_brought_up_to_date_and_keeps_its_runs(store, monkeypatch):
    newer = (*database.MIGRATIONS, ("ALTER TABLE runs ADD COLUMN note TEXT DEFAULT 'new'",))
    monkeypatch.setattr(database, "MIGRATIONS", newer)
    assert store.get(make().id) == make()
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT DISTINCT note FROM runs").fetchall() == [("new",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)


def test_a_migration_that_fails_changes_nothing(store, monkeypatch):
    before = store.list()
    with monkeypatch.context() as patch:
        broken = (*database.MIGRATIONS, ("CREATE TABLE half (a)", "CREATE TABLE half (a)"))
        patch.setattr(database, "MIGRATIONS", broken)
        with pytest.raises(StoreError, match="half"):
            store.list()
    assert store.list() == before
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_an_empty_file_that_a_killed_process_left_becomes_a_store(tmp_path):
    store = Store(tmp_path)
    store.path.touch()
    assert store.list() == ()
    assert store.add(make()) is True


def test_what_a_column_cannot_hold_is_told(store):
    with pytest.raises(StoreError, match="cannot take or give this"):
        store.list(seed=2**70)
    with pytest.raises(StoreError, match="cannot take or give this"):
        store.list(data="\udcff.csv")


def test_a_root_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    for use in (lambda: store.add(make()), lambda: store.claim(make().id).__enter__()):
        with pytest.raises(StoreError, match=r"cannot be opened or written.*TENFOLD_HOME"):
            use()


def test_a_folder_without_rights_is_told():
    # In a child without root's rights, which would override the folder's. Not in tmp_path, whose parents are
    # closed to others.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        empty, full = Store(root / "empty"), Store(root / "full")
        empty.root.mkdir()
        full.add(make())
        for store in (empty, full):
            store.root.chmod(0o555)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            if os.geteuid() == 0:
                os.setuid(65534)
            told = []
            for use in (
                lambda: empty.add(make()),
                lambda: full.add(make(1)),
                lambda: full.list(),
                lambda: full.claim(make().id).__enter__(),
            ):
                try:
                    use()
                    told.append("nothing")
                except StoreError as error:
                    told.append(str(error))
                except BaseException as error:
                    told.append(repr(error))
            os.write(writer, "\n".join(told).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            told = pipe.read().splitlines()
        for store in (empty, full):
            store.root.chmod(0o755)
    assert len(told) == 4
    for message in told:
        assert "cannot be opened or written" in message
        assert "Check its rights" in message
