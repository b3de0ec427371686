import pytest

from tenfold.reading.sources import expand


@pytest.fixture
def scans(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        *("scans/10.png", "scans/2.PNG", "scans/notes.txt", "scans/deep/old.pdf", "one.jpg"),
        *("drawn/2.png", "drawn/2.read.png", "drawn/2.read-10.png"),
        *("kinds/a.avif", "kinds/a.jfif", "kinds/a.jpe"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("one.jpg", ["one.jpg"]),
        ("none.jpg", ["none.jpg"]),
        ("-", ["-"]),
        ("scans", ["scans/2.PNG", "scans/10.png"]),
        ("scans/notes.txt", ["scans/notes.txt"]),
        ("scans/*.png", ["scans/10.png"]),
        ("scans/**/*", ["scans/2.PNG", "scans/10.png", "scans/deep/old.pdf"]),
        ("scans/*.gif", ["scans/*.gif"]),
        ("drawn/2.read.png", ["drawn/2.read.png"]),
        ("drawn", ["drawn/2.png"]),
        ("drawn/*", ["drawn/2.png"]),
        ("kinds", ["kinds/a.avif", "kinds/a.jfif", "kinds/a.jpe"]),
    ],
)
@pytest.mark.usefixtures("scans")
def test_what_a_path_stands_for(path, files):
    assert expand([path]) == files
    assert expand([path, path]) == files * 2
