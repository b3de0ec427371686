import gzip
import hashlib
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tenfold.data import download
from tenfold.data.download import cache_folder, find, folder_of, matches, obtain, plan
from tenfold.data.entries import Archive, Entry, File
from tenfold.errors import FetchError

CONTENT = {"images": b"many images " * 500, "labels": b"labels" * 20}
PAGE = b"<!DOCTYPE html><html>This site has moved</html>"


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


PUBLISHED = {f"{name}.gz": gzip.compress(raw, mtime=1) for name, raw in CONTENT.items()}
FILES = tuple(
    File(f"{name}.gz", f"sha256:{sha256(PUBLISHED[f'{name}.gz'])}", content=sha256(raw))
    for name, raw in CONTENT.items()
)


def entry(*mirrors, files=FILES, archive=None):
    return Entry(
        name="toy",
        title="Toy",
        description="",
        classes=("a", "b"),
        counts=(1, 1),
        shape=(2, 2),
        license="",
        homepage="https://example.org/toy",
        citation="",
        files=files,
        mirrors=mirrors or ("http://127.0.0.1:9/",),
        archive=archive,
    )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "TIMEOUT", 5)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def server():
    """A server of `answers` by path; `asked` records what it was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            running.asked.append(self.path)
            body = running.answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.answers, running.asked = {}, []
    running.address = f"http://127.0.0.1:{running.server_port}"
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_files_are_fetched_checked_and_cached(server):
    server.answers = {f"/good/{name}": raw for name, raw in PUBLISHED.items()}
    toy = entry(f"{server.address}/good/")
    folder = obtain(toy)
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == PUBLISHED
    asked = list(server.asked)
    assert obtain(toy) == folder
    assert server.asked == asked, "a cached file is not asked for again"


def test_a_mirror_that_serves_a_web_page_or_nothing_is_passed_over(server):
    server.answers = {f"/good/{name}": raw for name, raw in PUBLISHED.items()}
    server.answers |= {f"/moved/{name}": PAGE for name in PUBLISHED}
    folder = obtain(entry(*(f"{server.address}/{mirror}/" for mirror in ("moved", "gone", "good"))))
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == PUBLISHED
    assert server.asked[:3] == ["/moved/images.gz", "/gone/images.gz", "/good/images.gz"]


def test_a_damaged_file_in_the_cache_is_fetched_again(server):
    server.answers = {f"/good/{name}": raw for name, raw in PUBLISHED.items()}
    toy = entry(f"{server.address}/good/")
    folder = obtain(toy)
    (folder / "labels.gz").write_bytes(b"damaged")
    obtain(toy)
    assert (folder / "labels.gz").read_bytes() == PUBLISHED["labels.gz"]
    assert server.asked.count("/good/images.gz") == 1


def test_no_mirror_left_names_files_hashes_answers_and_place(server):
    server.answers = {"/moved/images.gz": PAGE}
    toy = entry(f"{server.address}/moved/", f"{server.address}/gone/", "http://127.0.0.1:9/")
    with pytest.raises(FetchError) as caught:
        obtain(toy)
    text = str(caught.value)
    for file in FILES:
        assert f"{file.name}  {file.hash}" in text
    assert "/moved/images.gz: served a file with another hash" in text
    assert "/gone/images.gz: answered 404" in text
    assert "127.0.0.1:9/images.gz: no connection" in text
    assert "tenfold data fetch toy --from FOLDER" in text
    assert str(folder_of(toy)) in text
    assert list(folder_of(toy).iterdir()) == [], "nothing half is left"


def test_published_files_are_copied_from_a_folder(tmp_path):
    source = tmp_path / "mine"
    source.mkdir()
    for name, raw in PUBLISHED.items():
        (source / name).write_bytes(raw)
    folder = obtain(entry(), source)
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == PUBLISHED


def test_the_same_content_compressed_anew_or_not_at_all_is_known(tmp_path):
    (tmp_path / "images.gz").write_bytes(gzip.compress(CONTENT["images"], 1, mtime=99))
    (tmp_path / "labels").write_bytes(CONTENT["labels"])
    folder = obtain(entry(), tmp_path)
    assert sorted(item.name for item in folder.iterdir()) == ["images.gz", "labels"]
    assert [step.action for step in plan(entry())] == ["keep", "keep"]


def test_without_a_known_content_only_the_published_bytes_are_taken(tmp_path):
    strict = replace(FILES[0], content="")
    (tmp_path / "images.gz").write_bytes(gzip.compress(CONTENT["images"], 1, mtime=99))
    assert find(FILES[0], tmp_path)
    assert find(strict, tmp_path) is None


def test_a_folder_that_lacks_files_says_which_and_why(tmp_path):
    (tmp_path / "images.gz").write_bytes(PAGE)
    with pytest.raises(FetchError) as caught:
        obtain(entry(), tmp_path)
    text = str(caught.value)
    assert "lacks 2 of the 2 files of toy" in text
    assert f"images.gz  {FILES[0].hash}  (there, but with another hash)" in text
    assert f"labels.gz  {FILES[1].hash}  (not there)" in text
    assert not folder_of(entry()).exists()
    with pytest.raises(FetchError, match="is no folder"):
        obtain(entry(), tmp_path / "none")


def test_plan_decides_file_by_file(tmp_path):
    folder = folder_of(entry())
    folder.mkdir(parents=True)
    (folder / "labels.gz").write_bytes(PUBLISHED["labels.gz"])
    assert [(step.file.name, step.action) for step in plan(entry())] == [
        ("images.gz", "download"),
        ("labels.gz", "keep"),
    ]
    source = tmp_path / "mine"
    source.mkdir()
    (source / "images.gz").write_bytes(PUBLISHED["images.gz"])
    assert [step.action for step in plan(entry(), source)] == ["copy", "keep"]


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as box:
        for name, raw in members.items():
            box.writestr(f"gzip/{name}", raw)
        box.writestr("gzip/other.gz", b"not wanted")
    return File(path.name, f"sha256:{sha256(path.read_bytes())}")


def test_files_inside_an_archive(server, tmp_path):
    source = tmp_path / "mine"
    source.mkdir()
    archive = Archive(zipped(source / "all.zip", PUBLISHED), "gzip/", FILES)
    server.answers = {"/all.zip": (source / "all.zip").read_bytes()}
    folder = obtain(entry(f"{server.address}/", archive=archive))
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == PUBLISHED
    for item in folder.iterdir():
        item.unlink()
    obtain(entry(archive=archive), source)
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == PUBLISHED


def test_a_wrong_member_of_a_right_archive_is_not_kept(tmp_path):
    archive = Archive(zipped(tmp_path / "all.zip", PUBLISHED | {"labels.gz": PAGE}), "gzip/", FILES)
    with pytest.raises(FetchError, match=r"labels\.gz in all\.zip has another hash"):
        obtain(entry(archive=archive), tmp_path)
    assert not (folder_of(entry()) / "labels.gz").exists()


def test_md5_lists_are_checked_too(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert matches(tmp_path / "x", File("x", "md5:900150983cd24fb0d6963f7d28e17f72"))
    assert not matches(tmp_path / "x", File("x", "md5:900150983cd24fb0d6963f7d28e17f73"))


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("TENFOLD_CACHE")
    assert cache_folder().name == "tenfold"


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TENFOLD_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="cannot be written"):
        obtain(entry())


def test_a_disk_that_is_full_while_an_archive_is_fetched_is_told(server, tmp_path, monkeypatch):
    archive = Archive(zipped(tmp_path / "all.zip", PUBLISHED), "gzip/", FILES)
    server.answers = {"/all.zip": (tmp_path / "all.zip").read_bytes()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_unpack", full)
    with pytest.raises(FetchError, match="cannot be written: No space left on device"):
        obtain(entry(f"{server.address}/", archive=archive))
    assert list(folder_of(entry()).iterdir()) == []


def test_a_damaged_file_that_no_mirror_replaces_is_said_to_be_there():
    toy = entry()
    folder_of(toy).mkdir(parents=True)
    (folder_of(toy) / "labels.gz").write_bytes(b"damaged")
    with pytest.raises(FetchError) as caught:
        obtain(toy)
    assert f"labels.gz  {FILES[1].hash}  (there, but with another hash)" in str(caught.value)
    assert f"images.gz  {FILES[0].hash}  (not there)" in str(caught.value)
