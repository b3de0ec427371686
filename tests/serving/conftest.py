"""A service to try things on: a network without training, and files that do what their bytes say."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.testclient import TestClient

from tenfold.serving.app import create_app
from tenfold.serving.classifier import Classifier
from tenfold.serving.documents import Documents
from tenfold.serving.settings import Settings
from tenfold.serving.work import prepare

WORK = '''
"""What stands for the reader: does what the bytes say."""
import os, time
from tenfold.errors import FormatError

def prepare(name="work"):
    kept = []

    def work(content, options):
        word = content.decode(errors="replace").split()[0]
        if word == "crash":
            os.kill(os.getpid(), 11)
        if word == "sleep":
            time.sleep(60)
        if word == "hoard":
            return len(bytearray(10**12)) or len([bytes(2**20) for _ in range(10**6)])
        if word == "litter":
            # As a decoder that keeps something small behind all that it took and gave back.
            kept.append([bytes(4096) for _ in range(25_000)][-1])
        if word == "bad":
            raise FormatError("It is no picture. Send a PNG.")
        if word == "odd":
            raise RuntimeError("secret of the decoder")
        if word == "write":
            with open(options["name"], "w") as file:
                file.write("x" * 100)
        if options["task"] == "normalize":
            return [content[0]] * 784
        found = {"source": options["name"], "pages": [], "options": options}
        return {**found, "size": len(content), "pid": os.getpid()}
    return work

def broken():
    raise FormatError("The weights are missing.")
'''


def brightest(images: np.ndarray) -> np.ndarray:
    """Return probabilities that name the brightest of ten columns: a network whose answers are known."""
    assert images.ndim == 3
    assert images.dtype == np.uint8
    columns = images[:, 14, 4:24:2].astype(np.float32)
    answer = np.full((len(images), 10), 0.01, np.float32)
    answer[np.arange(len(images)), columns.argmax(1)] = 0.91
    return answer


@pytest.fixture(scope="session")
def picture() -> Callable[[int], np.ndarray]:
    """Return a function that makes a picture whose answer is a given digit."""

    def make(digit: int) -> np.ndarray:
        image = np.zeros((28, 28), np.uint8)
        image[14, 4 + 2 * digit] = 255
        return image

    return make


CLASSIFIER = Classifier("brightest", tuple("0123456789"), brightest, {"data": "none"}, b"export {};\n")


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a module that the processes of a service can import."""
    import sys

    folder = tmp_path_factory.mktemp("work")
    (folder / "tenfold_test_work.py").write_text(WORK)
    sys.path.insert(0, str(folder))
    yield "tenfold_test_work"
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def documents(work: str) -> Callable[..., Documents]:
    """Return a function that makes processes which do what the bytes say."""
    import importlib

    prepare = importlib.import_module(work).prepare

    def make(**options: object) -> Documents:
        return Documents(prepare, **{"seconds": 60.0, "memory": 2**28, **options})

    return make


Serve = Callable[..., TestClient]


@pytest.fixture
def serve(documents: Callable[..., Documents]) -> Iterator[Serve]:
    """Return a function that starts a service with the given settings and returns its client."""
    with ExitStack() as stack:

        def start(classifier: Classifier = CLASSIFIER, **settings: object) -> TestClient:
            chosen = Settings(**settings)
            app = create_app(
                chosen,
                classifier=classifier,
                documents=documents(
                    waiting=chosen.documents, seconds=chosen.document_seconds, memory=chosen.document_bytes
                ),
            )
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start


@pytest.fixture(scope="session")
def client(documents: Callable[..., Documents]) -> Iterator[TestClient]:
    """Return the client of a service with the limits that are usual."""
    root = Path(__file__).parents[2]
    settings = Settings(results=str(root / "results"))
    with TestClient(
        create_app(settings, classifier=CLASSIFIER, documents=documents()), raise_server_exceptions=False
    ) as started:
        yield started


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the address of a service with what ships."""
    results = str(Path(__file__).parents[2] / "results")
    limits = Settings(body_bytes=2**20, results=results)
    documents = Documents(prepare, (10**7, 5, 2**20, 0.01), seconds=30, memory=2**30)
    app = create_app(limits, documents=documents)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return Debian's Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, url: str) -> Iterator[Callable[..., Any]]:
    """Return a function that opens the page; nothing may go wrong in it, nor reach another host."""
    contexts, wrong = [], []

    def start(address: str = url, **options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: wrong.append(asked.url) if not here(asked.url, address) else None)
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        return page

    yield start
    for context in contexts:
        context.close()
    # What the service refuses, the browser reports of itself.
    assert [text for text in wrong if "status of 4" not in text] == []


def here(asked: str, address: str) -> bool:
    """Return whether an address lies under the page's, or is made in the page."""
    return asked.startswith((address.split("?")[0].rsplit("/", 1)[0], "blob:", "data:"))
