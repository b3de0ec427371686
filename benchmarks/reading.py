"""How well pictures of your own are read, and how fast.

    python benchmarks/reading.py PICTURES.tsv [MORE.tsv ...] [--error-rate P] [--model DIR] [--cold N]
                                 [--show] [--json]

A table is tab-separated, with the columns `file` (relative to the table) and `truth`: the digits of the
picture line by line, lines parted by `|`, nothing where there are none to read.

    file            truth
    cheque.png      165340
    page.jpg        1247673|8952481
    blank.jpg

A picture is *exact* where all its lines are read right and nothing else is read. The *digit error* is the
edit distance from the truth over the number of digits. *Accepted* are lines that the reader is sure enough of
at the error rate; *wrong* are accepted lines that the picture does not have. Lines that the reader rejects do
not count. Time is processor time of one thread, decoding included; the slowest picture is told with its size.
With --cold the first picture is read by `tenfold read` in N processes, one after another: the median of the
wall clock is told, and the most memory that one took (Linux).
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from tenfold.errors import TenfoldError
from tenfold.reading.reader import Reader
from tenfold.reading.result import Decision, Document


@dataclass
class Score:
    """What became of the pictures of one table."""

    pictures: int = 0
    exact: int = 0
    digits: int = 0
    edits: int = 0
    spurious: int = 0
    lines: int = 0
    accepted: int = 0
    wrong: int = 0
    unreadable: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    megapixels: float = 0.0

    def told(self) -> str:
        """Return the score in a line."""
        parts = [f"{self.exact} of {self.pictures} exact ({self.exact / max(self.pictures, 1):.1%})"]
        if self.digits:
            parts += [
                f"digit error {self.edits / self.digits:.4f}",
                f"{self.accepted} of {self.lines} lines accepted, {self.wrong} of them wrong",
            ]
        parts.append(f"{self.spurious} digits on pictures without any")
        if self.unreadable:
            parts.append(f"{self.unreadable} could not be read")
        parts.append(f"{1000 * self.seconds / max(self.pictures, 1):.1f} ms a picture")
        parts.append(f"the slowest, of {self.megapixels:.1f} megapixels, {1000 * self.slowest:.0f} ms")
        return "; ".join(parts)


def main() -> None:
    """Read the pictures of each table and print how well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", type=Path, nargs="+", metavar="PICTURES.tsv")
    parser.add_argument("--error-rate", type=float, default=0.01, metavar="P")
    parser.add_argument("--model", type=Path, metavar="DIR", help="Weights; by default those that ship.")
    parser.add_argument("--cold", type=int, default=0, metavar="N")
    parser.add_argument("--show", action="store_true", help="Print each picture that is not exact.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if asked.cold and not asked.json:
        # Before this process grows: a child counts the memory that it was born with.
        wall, memory = cold(pictures(asked.tables[0])[0][0], asked.cold)
        print(f"tenfold read, from cold: {wall:.2f} s, {memory:.0f} MB (n = {asked.cold})")
    reader = Reader(asked.model, asked.error_rate)
    scores = {
        str(table): measure(table, reader, show=asked.show and not asked.json) for table in asked.tables
    }
    if asked.json:
        print(json.dumps({name: asdict(score) for name, score in scores.items()}, indent=1))
        return
    for name, score in scores.items():
        print(f"{name}: {score.told()}")


def cold(picture: Path, count: int) -> tuple[float, float]:
    """Return how long `tenfold read` takes in a process of its own: median in s, and its memory in MB."""
    walls = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tenfold", "read", str(picture)], check=True, stdout=subprocess.DEVNULL
        )
        walls.append(time.perf_counter() - start)
    return statistics.median(walls), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


def pictures(table: Path) -> list[tuple[Path, list[str]]]:
    """Return the pictures of a table, and what lines each has."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        (table.parent / row["file"], [line for line in (row["truth"] or "").split("|") if line])
        for row in rows
    ]


def measure(table: Path, reader: Reader, *, show: bool) -> Score:
    """Return how well the pictures of a table are read."""
    score = Score()
    for path, truth in pictures(table):
        start = time.process_time()
        document = read(reader, path)
        took = time.process_time() - start
        score.seconds += took
        if took > score.slowest:
            size = sum(page.width * page.height for page in document.pages)
            score.slowest, score.megapixels = took, size / 1e6
        kept = [line for line in document.lines if line.text]
        texts = [line.text for line in kept]
        score.pictures += 1
        score.unreadable += document.error is not None
        score.exact += texts == truth and document.error is None
        if truth:
            score.digits += sum(map(len, truth))
            score.edits += edits("".join(texts), "".join(truth))
            score.lines += len(truth)
            accepted = [line.text for line in kept if line.decision is Decision.accept]
            score.accepted += len(accepted)
            score.wrong += sum(text not in truth for text in accepted)
        else:
            score.spurious += sum(map(len, texts))
        if show and texts != truth:
            said = "|".join(texts) or "(none)"
            print(f"{path.relative_to(table.parent)}: {'|'.join(truth) or '(none)'} read as {said}")
    return score


def read(reader: Reader, path: Path) -> Document:
    """Return what is read in a picture, in this very thread: to start one takes a tenth of a strip's time."""
    try:
        return reader.read(path)
    except TenfoldError as error:
        return Document(str(path), error=str(error))


def edits(text: str, other: str) -> int:
    """Return how many digits must be put in, left out or changed to make one text the other."""
    row = list(range(len(other) + 1))
    for place, digit in enumerate(text, 1):
        before, row[0] = row[:], place
        for at, wanted in enumerate(other, 1):
            row[at] = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (digit != wanted))
    return row[-1]


if __name__ == "__main__":
    main()
