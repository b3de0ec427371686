"""The page in a real browser: Debian's Chromium, without a window."""

from __future__ import annotations

import csv
import io
import threading
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from tenfold.data.composites.strokes import choose, trace
from tenfold.data.normalize import normalize

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]


def strokes(text, seed=0):
    """Return the strokes of digits in units of their height, each digit a list of strokes."""
    rng = np.random.default_rng(seed)
    names = choose(np.array([int(digit) for digit in text]), rng)
    return [[np.asarray(line, float) for line in digit] for digit in trace(names, rng)]


def draw(page, text, *, size=0.6, gap=0.16, seed=0):
    """Draw digits in a row, in the middle of the board, with the mouse."""
    page.locator("#board").scroll_into_view_if_needed()
    box = page.locator("#board").bounding_box()
    digits = strokes(text, seed)
    widths = [max(line[:, 0].max() for line in digit) for digit in digits]
    height = size * box["height"]
    height = min(height, 0.92 * box["width"] / (sum(widths) + gap * (len(text) - 1)))
    left = box["x"] + (box["width"] - height * (sum(widths) + gap * (len(text) - 1))) / 2
    top = box["y"] + (box["height"] - height) / 2
    for digit, width in zip(digits, widths, strict=True):
        for line in digit:
            # The board smooths what the mouse leaves out.
            kept = line[np.linspace(0, len(line) - 1, min(len(line), 12)).round().astype(int)]
            points = [(left + height * x, top + height * y) for x, y in kept]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points[1:]:
                page.mouse.move(*point)
            page.mouse.up()
        left += height * (width + gap)


def reads(page, text):
    """Wait until the page reads `text`, with the pen at rest."""
    playwright.expect(page.locator("#reading")).to_have_text(text)


def test_each_digit_is_read_while_it_is_drawn(open_page):
    page = open_page()
    read = ""
    for digit in "0123456789":
        draw(page, digit, seed=int(digit))
        playwright.expect(page.locator("#strip .chip")).to_have_count(1)
        page.wait_for_timeout(500)
        read += page.locator("#detail .bars .best .name").inner_text()
        page.click("#clear")
    # Of so many hands one may be read wrongly.
    assert sum(one == digit for one, digit in zip(read, "0123456789", strict=True)) >= 9, read
    reads(page, "")
    playwright.expect(page.locator("#summary")).to_have_text("Nothing is written yet.")
    assert page.locator("#strip .chip").count() == 0


def test_the_28x28_is_pythons(open_page):
    """The browser's canvas gives the ink; Python makes the same of it as the page."""
    page = open_page()
    draw(page, "274", size=0.5)
    page.wait_for_timeout(500)

    found = page.evaluate(
        """async () => {
          const { segment } = await import("./segment.mjs");
          const { normalize } = await import("./ink.mjs");
          const canvas = document.querySelector("#board");
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          const values = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]);
          return segment({ values, width, height }).map(({ gray }) => ({
            gray: [...gray.values], width: gray.width, height: gray.height, image: [...normalize(gray)],
          }));
        }"""
    )

    assert len(found) == 3
    for one in found:
        gray = np.array(one["gray"], np.uint8).reshape(one["height"], one["width"])
        difference = np.abs(normalize(gray).ravel().astype(int) - one["image"])
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


def test_several_digits_are_a_string_and_each_can_be_looked_at(open_page):
    page = open_page()
    draw(page, "35081", seed=3)
    reads(page, "35081")
    # Seen at once; said once the pen rests.
    assert "5 digits" in page.locator("#state").inner_text()
    playwright.expect(page.locator("#summary")).to_contain_text("5 digits")

    page.click("#strip .chip >> nth=1")

    assert page.locator("#strip .chip[aria-pressed=true] .value").inner_text() == "5"
    assert page.locator("#detail .bars .best .name").inner_text() == "5"


def test_undo_takes_back_the_last_stroke(open_page):
    page = open_page()
    draw(page, "10")
    reads(page, "10")
    for _ in strokes("10")[1]:
        page.click("#undo")
    reads(page, "1")
    page.click("#clear")
    assert page.is_disabled("#undo")


def test_a_correction_stays_with_its_digit(open_page):
    page = open_page()
    said = page.locator("#detail .corrections button[aria-pressed=true]")

    def line(*points):
        """Draw a stroke through points in parts of the board."""
        page.locator("#board").scroll_into_view_if_needed()
        box = page.locator("#board").bounding_box()
        for place, (x, y) in enumerate(points):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if place == 0:
                page.mouse.down()
        page.mouse.up()

    line((0.3, 0.2), (0.3, 0.5), (0.3, 0.8))
    page.click("#detail button[aria-label='It is a 7']")
    assert said.get_attribute("aria-label") == "It is a 7"
    # Whoever goes by keyboard is still where they were.
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "It is a 7"

    # Another digit beside it, which nothing was said of.
    line((0.6, 0.2), (0.6, 0.5), (0.6, 0.8))
    playwright.expect(page.locator("#strip .chip")).to_have_count(2)
    page.wait_for_timeout(500)
    assert said.count() == 0
    page.click("#strip .chip >> nth=0")
    assert said.get_attribute("aria-label") == "It is a 7"

    # A stroke makes it another digit, and taking the stroke back makes it the same again.
    line((0.25, 0.5), (0.35, 0.5))
    assert said.count() == 0
    page.click("#undo")
    assert said.get_attribute("aria-label") == "It is a 7"

    # It was said of the digit, wherever it stands in the row.
    line((0.1, 0.2), (0.1, 0.5), (0.1, 0.8))
    playwright.expect(page.locator("#strip .chip")).to_have_count(3)
    page.click("#strip .chip >> nth=1")
    assert said.get_attribute("aria-label") == "It is a 7"

    page.click("#set-clear")
    assert said.count() == 0


def test_a_scribble_is_not_taken_for_a_digit(open_page):
    page = open_page()
    box = page.locator("#board").bounding_box()
    rng = np.random.default_rng(0)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for x, y in rng.uniform(0.25, 0.75, (40, 2)):
        page.mouse.move(box["x"] + box["height"] * (0.5 + x), box["y"] + box["height"] * y)
    page.mouse.up()

    playwright.expect(page.locator("#strip .chip.none")).to_have_count(1)
    assert page.locator("#reading").inner_text() == "?"
    playwright.expect(page.locator("#summary")).to_contain_text("not a digit")


def test_the_keyboard_alone(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(10):
        if page.evaluate("document.activeElement.id") == "board":
            break
        page.keyboard.press("Tab")
    # A 1: up from the middle, pen down, down again.
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    reads(page, "1")
    # A 7 beside it.
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Space")
    reads(page, "17")
    page.keyboard.press("Control+z")
    reads(page, "1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "undo"
    page.focus("#board")
    page.keyboard.press("Escape")
    reads(page, "")


def test_a_phone(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    draw(page, "4", seed=1)
    reads(page, "4")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    # What one must see while drawing is on the screen.
    assert page.locator("#reading").bounding_box()["y"] < 740
    for control in ("#undo", "#clear", "#pen"):
        assert page.locator(control).bounding_box()["height"] >= 44


def test_nothing_that_is_drawn_is_sent(open_page):
    page = open_page()
    sent = []
    page.on("request", lambda asked: sent.append(asked.url))
    draw(page, "582")
    reads(page, "582")
    assert sent == []


def scan(text, seed=5, size=64, form="PNG"):
    """Return a picture of a line of digits, dark on light, as a file to upload; PDF and TIFF: twice."""
    page = np.full((200, 90 * len(text) + 80), 235, np.uint8)
    for place, digit in enumerate(strokes(text, seed)):
        for line in digit:
            points = (np.asarray(line) * size * 1.4 + [60 + 90 * place, 55]) * 16
            cv2.polylines(page, [points.round().astype(np.int32)], False, 30, 6, cv2.LINE_AA, 4)
    file = io.BytesIO()
    more = {} if form == "PNG" else {"save_all": True, "append_images": [Image.fromarray(page)]}
    Image.fromarray(page).save(file, form, resolution=200.0, **more)
    kind = {"PNG": "image/png", "TIFF": "image/tiff", "PDF": "application/pdf"}[form]
    return {"name": f"scan.{form.lower()}", "mimeType": kind, "buffer": file.getvalue()}


@pytest.mark.parametrize("form", ["PDF", "TIFF"])
def test_pages_that_the_browser_cannot_show_are_shown_by_the_service(open_page, form):
    page = open_page()
    page.set_input_files("#file", scan("63", form=form))
    playwright.expect(page.locator("#picture-status")).to_contain_text("63, 63", timeout=30_000)

    assert page.locator("#sheet canvas").count() == 2
    paper, darkest = page.evaluate(
        """() => {
          const canvas = document.querySelectorAll("#sheet canvas")[1];
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const gray = data.filter((_, i) => i % 4 === 0);
          return [gray[0], Math.min(...gray.filter((_, i) => i % 7 === 0))];
        }"""
    )
    assert 225 < paper < 245  # the scan's gray, not a blank sheet
    assert darkest < 80
    page.click("#sheet .page >> nth=1 >> .digit >> nth=1")
    assert page.locator("#picture-detail figure").count() == 2


def test_a_picture_is_read_corrected_and_the_set_can_be_trained_on(open_page, tmp_path):
    from tenfold.data.formats.folder import read_folder
    from tenfold.data.formats.table import read_csv

    page = open_page()
    page.set_input_files("#file", scan("4728"))
    playwright.expect(page.locator("#picture-status")).to_contain_text("4728", timeout=30_000)
    assert page.locator("#sheet .digit").count() == 4
    box, sheet = (page.locator(one).bounding_box() for one in ("#sheet .digit >> nth=0", "#sheet .page"))
    assert 0.1 < (box["x"] - sheet["x"]) / sheet["width"] < 0.25

    page.click("#sheet .digit >> nth=1")
    assert page.locator("#picture-detail .bars .best .name").inner_text() == "7"
    assert page.locator("#picture-detail figure").count() == 2
    page.click("#picture-detail button[aria-label='It is a 1']")
    page.click("#sheet .digit >> nth=3")
    page.click("#picture-detail button[aria-label='It is a 8']")
    playwright.expect(page.locator("#set-sum")).to_have_text("2 labeled, 1 of them corrected.")

    for button, name in (("#set-csv", "digits.csv"), ("#set-zip", "digits.zip")):
        with page.expect_download() as download:
            page.click(button)
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
    images, labels = read_csv(tmp_path / "digits.csv")
    assert labels.tolist() == [1, 8]
    assert next(csv.reader((tmp_path / "digits.csv").open()))[:2] == ["label", "pixel0"]
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    pictures, indices, classes = read_folder(tmp_path / "digits")
    assert [classes[index] for index in indices] == ["1", "8"]
    np.testing.assert_array_equal(pictures, images)

    # Forgotten: no digit is marked any more, and the open one is as it was read.
    assert page.locator("#sheet .digit.labeled").count() == 2
    page.click("#set-clear")
    assert page.locator("#sheet .digit.labeled, #lines .labeled").count() == 0
    assert page.locator("#picture-detail .corrections button[aria-pressed=true]").count() == 0
    page.click("#picture-detail button[aria-label='It is a 3']")
    playwright.expect(page.locator("#set-sum")).to_have_text("1 labeled, 1 of them corrected.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"These are words.", "no picture"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (bytes(2**20 + 1), "bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_the_next_is_read(open_page, content, says):
    page = open_page()
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": content})
    playwright.expect(page.locator("#picture-status.failed")).to_contain_text(says, timeout=30_000)
    page.set_input_files("#file", scan("63"))
    playwright.expect(page.locator("#picture-status")).to_contain_text("63", timeout=30_000)
    assert page.locator("#picture-status.failed").count() == 0


def test_a_picture_can_be_dropped_and_pasted(open_page):
    page = open_page()
    given = {"bytes": list(scan("25")["buffer"])}
    for event in ("drop", "paste"):
        page.evaluate(
            """({ bytes, event }) => {
              const data = new DataTransfer();
              data.items.add(new File([Uint8Array.from(bytes)], "a.png", { type: "image/png" }));
              const made = event === "drop"
                ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
              document.querySelector("#drop").dispatchEvent(made);
            }""",
            given | {"event": event},
        )
        playwright.expect(page.locator("#picture-status")).to_contain_text("25", timeout=30_000)
        page.evaluate("document.querySelector('#picture-status').textContent = ''")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_no_barrier(open_page, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    axe = Axe()
    for state in ("empty", "drawn", "read"):
        if state == "drawn":
            draw(page, "473")
            page.wait_for_timeout(600)
        if state == "read":
            page.set_input_files("#file", scan("4728"))
            page.locator("#sheet .digit >> nth=1").click(timeout=30_000)
            page.click("#picture-detail button[aria-label='It is a 1']")
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()


def test_axe_finds_no_barrier_on_the_other_pages(open_page, url):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(color_scheme="dark")
    for address in ("docs", "studies", "studies/lin/", "studies/recipes/"):
        page.goto(url + address)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_as_a_folder_it_needs_no_service(open_page, browser, tmp_path):
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from tenfold import Model
    from tenfold.networks import NETWORKS
    from tenfold.serving.folder import export_page
    from tenfold.training import INITIALIZERS, initial_weights

    model = Model(NETWORKS["fast"], initial_weights(NETWORKS["fast"], INITIALIZERS["torch"], 0))
    export_page(model, tmp_path / "page")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "page"))
    handler.extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = open_page(f"http://127.0.0.1:{server.server_port}/")
    draw(page, "7")
    playwright.expect(page.locator("#strip .chip")).to_have_count(1)
    assert page.locator("#pictures").is_hidden()
    assert page.locator("nav a:visible").count() == 1
    server.shutdown()
