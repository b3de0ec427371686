"""The networks that ship, on pages and strips that Tenfold makes: what a user gets out of the box."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tenfold import Reader, read
from tenfold.data.composites.pages import Look, make_page
from tenfold.reading.result import Decision

PLAIN = Look(size=(420, 640), lines=3, height=42, digits=(4, 7))


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"turns": 1},
        {"turns": 2},
        {"turns": 3},
        {"skew": 7.0},
        {"skew": -7.0},
        {"inverted": True},
        {"ground": "ruled"},
        {"ground": "squared", "pen": "marker"},
        {"light": "shadow"},
        {"light": "gradient", "pen": "pencil"},
        {"paper": (236, 232, 90)},
        {"specks": True, "border": True},
    ],
    ids=str,
)
def test_most_lines_are_read_whatever_the_page_looks_like(reader, mnist, change):
    found = written = 0
    for seed in range(4):
        page = make_page(mnist.test, np.random.default_rng(seed), replace(PLAIN, **change))
        texts = [line.text for line in reader.read(page.pixels).lines]
        found += sum(line in texts for line in page.lines)
        written += len(page.lines)
    assert found >= 0.55 * written, (found, written)


def test_what_is_accepted_is_right(reader, mnist):
    accepted = []
    for seed in range(12):
        page = make_page(mnist.test, np.random.default_rng(100 + seed), PLAIN)
        lines = [line for line in reader.read(page.pixels).lines if line.decision is Decision.accept]
        accepted += [line.text in page.lines for line in lines]
    assert len(accepted) >= 8
    assert np.mean(accepted) >= 0.95


def test_a_page_of_words_says_nothing_that_is_accepted(reader, mnist):
    for seed in range(4):
        page = make_page(mnist.test, np.random.default_rng(seed), replace(PLAIN, lines=0, words=5))
        assert not any(line.decision is Decision.accept for line in reader.read(page.pixels).lines)


def test_one_digit_of_any_size_is_read(mnist):
    for size in (28, 60, 300):
        for index in range(8):
            page = np.kron(mnist.test.images[index], np.ones((size // 28, size // 28), np.uint8))
            assert read(page).text == str(mnist.test.labels[index])


def test_reading_needs_no_torch(tmp_path, mnist):
    np.save(tmp_path / "page.npy", make_page(mnist.test, np.random.default_rng(0), PLAIN).pixels)
    code = (
        "import sys, numpy; from tenfold import read\n"
        f"read(numpy.load({str(tmp_path / 'page.npy')!r}))\n"
        "print(*[name for name in ('torch', 'pandas', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
