"""Pictures of the page: empty, a drawing, a string, an upload, on a phone, in the dark.

    python benchmarks/screenshots.py [--out results/page] [--url URL]

Digits are drawn with the mouse; what is uploaded are lines of MNIST's test images. Needs Debian's Chromium
and Playwright. Without ``--url`` the service is started here.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tenfold import load
from tenfold.data.composites.strokes import choose, trace

CLI = "import sys; from tenfold.cli import main; main(sys.argv[1:])"
DESKTOP, PHONE = {"width": 1000, "height": 760}, {"width": 360, "height": 740}
COLORS = 256


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/page"))
    parser.add_argument("--url")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium on the PATH (apt-get install chromium).")
    options.out.mkdir(parents=True, exist_ok=True)
    with _service(options.url) as url, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (how, act) in SHOTS.items():
            context = browser.new_context(**how)
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector("html[data-ready]")
            act(page)
            page.mouse.move(0, 0)
            keep(page, options.out / f"{name}.png")
            context.close()
        browser.close()


def keep(page: Page, path: Path) -> None:
    """Write what the page shows as a small PNG."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def drawn(text: str, seed: int = 0) -> Any:
    """Return what draws digits in a row on the board with the mouse."""

    def act(page: Page) -> None:
        box = page.locator("#board").bounding_box()
        assert box is not None
        rng = np.random.default_rng(seed)
        digits = trace(choose(np.array([int(digit) for digit in text]), rng), rng)
        widths = [max(np.asarray(line)[:, 0].max() for line in digit) for digit in digits]
        wide = sum(widths) + 0.16 * (len(text) - 1)
        height = min(0.6 * box["height"], 0.9 * box["width"] / wide)
        left = box["x"] + (box["width"] - height * wide) / 2
        top = box["y"] + (box["height"] - height) / 2
        for digit, width in zip(digits, widths, strict=True):
            for line in digit:
                points = [(float(left + height * x), float(top + height * y)) for x, y in line]
                page.mouse.move(*points[0])
                page.mouse.down()
                for point in points[1:]:
                    page.mouse.move(*point)
                page.mouse.up()
            left += height * (width + 0.16)
        expect(page.locator("#reading")).to_have_text(text, timeout=10_000)

    return act


def read(form: str, then: str = "") -> Any:
    """Return what uploads a page of digits, and clicks on something once it is read."""

    def act(page: Page) -> None:
        file = io.BytesIO()
        Image.fromarray(sheet()).save(file, form, **({"resolution": 200.0} if form == "PDF" else {}))
        kind = "application/pdf" if form == "PDF" else "image/png"
        page.set_input_files(
            "#file", {"name": f"sheet.{form.lower()}", "mimeType": kind, "buffer": file.getvalue()}
        )
        expect(page.locator("#picture-status")).to_contain_text("Read:", timeout=60_000)
        if then:
            page.click(then)
        page.locator("#pictures-title").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('pictures-title').scrollIntoView()")

    return act


def sheet() -> np.ndarray:
    """Return a page of three lines of MNIST's test digits, dark on paper with some shade and noise."""
    digits = load("mnist").test.images
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:420, :640]
    page = 236 - 0.03 * rows - 0.02 * columns + rng.normal(0, 2, (420, 640))
    for line, count in enumerate((6, 5, 7)):
        for place in range(count):
            image = Image.fromarray(digits[20 * line + place]).resize((56, 56), Image.Resampling.BICUBIC)
            top, left = 50 + 120 * line, 60 + 52 * place
            page[top : top + 56, left : left + 56] -= 0.75 * np.asarray(image, float)
    return page.clip(0, 255).astype(np.uint8)


@contextmanager
def _service(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", CLI, "serve", "--port", str(port), "--log-level", "error"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                urlopen(f"{url}v2/health/ready", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(60)


SHOTS: dict[str, tuple[dict[str, Any], Any]] = {
    "empty": ({"viewport": DESKTOP}, lambda page: None),
    "drawing": ({"viewport": DESKTOP}, drawn("5", 3)),
    "string": ({"viewport": DESKTOP}, drawn("60493")),
    "upload": ({"viewport": DESKTOP}, read("PNG", "#sheet .digit >> nth=3")),
    "pdf": ({"viewport": DESKTOP}, read("PDF")),
    "phone": ({"viewport": PHONE, "device_scale_factor": 1.5, "has_touch": True}, drawn("42", 1)),
    "phone-upload": ({"viewport": PHONE, "device_scale_factor": 1.5, "has_touch": True}, read("PNG")),
    "dark": ({"viewport": DESKTOP, "color_scheme": "dark"}, drawn("208", 2)),
}


if __name__ == "__main__":
    main()
