"""Fields of made forms read exactly, with and without their constraints.

Forms are printed from a template and filled in with MNIST's test digits, chosen by nothing but the seed. Then
they are scanned flat, scanned shifted and turned by up to 5 degrees, or photographed in perspective on a dark
desk.

    python benchmarks/forms.py --pages 60 --seed 1
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

import tenfold
from tenfold.errors import FormError
from tenfold.reading.forms import Field, FormReader, Template
from tenfold.reading.forms.constraints import Checksum
from tenfold.reading.forms.made import print_form, scan, write
from tenfold.reading.forms.sums import Sum
from tenfold.reading.pages import Picture

KINDS = {
    "flat scan": {"shade": 0.15},
    "turned scan": {"shade": 0.15, "shift": 0.015, "turned": 5.0},
    "photo": {"shade": 0.4, "shift": 0.015, "turned": 5.0, "perspective": 0.03},
}


def template(roster: list[str], constrained: bool) -> Template:
    """A student number from a roster, a card number, and three marks that add up."""
    marks = tuple(
        Field(f"q{number}", (120, 140 + 10 * number, 16, 8), cells=2, range=(0, 25) if constrained else None)
        for number in (1, 2, 3)
    )
    fields = (
        Field("student", (60, 40, 81, 9), cells=9, values=tuple(roster) if constrained else None),
        Field(
            "card",
            (40, 80, 128, 8),
            cells=16,
            length=(16, 16) if constrained else None,
            checksum="luhn" if constrained else None,
        ),
        *marks,
        Field("total", (112, 182, 24, 8), cells=3, range=(0, 75) if constrained else None),
    )
    sums = (Sum(("q1", "q2", "q3"), "total"),) if constrained else ()
    return Template((210, 297), "mm", fields, sums, rules=((20, 30, 190, 30), (20, 60, 190, 60)), name="exam")


def truths(rng: np.random.Generator, roster: list[str]) -> dict[str, str]:
    """What is written on one form; it keeps all constraints."""
    card = "".join(map(str, rng.integers(0, 10, 15)))
    check = next(digit for digit in "0123456789" if Checksum("luhn").allows(card + digit))
    marks = [int(mark) for mark in rng.integers(0, 26, 3)]
    written = {f"q{number}": str(mark) for number, mark in enumerate(marks, 1)}
    return {"student": str(rng.choice(roster)), "card": card + check, **written, "total": str(sum(marks))}


def picture(form: Template, texts: dict[str, str], kind: str, rng: np.random.Generator) -> np.ndarray:
    """One filled form as a scanner or a phone gives it."""
    test = tenfold.load("mnist").test
    page = print_form(form, dpi=150, ink=int(rng.integers(0, 140)))
    for item in form.fields:
        glyphs = [
            test.images[rng.choice(np.flatnonzero(test.labels == int(digit)))] for digit in texts[item.name]
        ]
        empty = [None] * (item.cells - len(glyphs))
        write(
            page,
            form,
            item.name,
            empty + glyphs if rng.random() < 0.5 else glyphs + empty,
            rng,
            ink=int(rng.integers(20, 120)),
        )
    settings = dict(KINDS[kind])
    turned = settings.pop("turned", 0.0)
    scale = rng.uniform(0.92, 1.05) if turned else 1.0
    return scan(page, rng, angle=rng.uniform(-turned, turned), scale=scale, **settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, help="the folder of a reader's weights")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for constrained in (False, True):
        rng = np.random.default_rng(options.seed)
        roster = [str(number) for number in rng.integers(10**8, 10**9, 300)]
        form = template(roster, constrained)
        reader = FormReader(form, networks(options.model))
        counts: Counter[str] = Counter()
        seconds = 0.0
        for number in range(options.pages):
            kind = list(KINDS)[number % len(KINDS)]
            texts = truths(rng, roster)
            pixels = picture(form, texts, kind, rng)
            start = time.process_time()
            try:
                lines = reader.read_page(Picture(pixels)).lines
            except FormError as error:
                print(f"page {number}, {kind}: {error}")
                lines = ()
                counts["refused"] += 1
            seconds += time.process_time() - start
            read = {line.field: line for line in lines}
            for name, text in texts.items():
                line = read.get(name)
                right = line is not None and line.text == text
                counts["fields"] += 1
                counts["exact"] += right
                counts[f"exact, {kind}"] += right
                counts[f"fields, {kind}"] += 1
                counts["accepted"] += line is not None and line.decision == "accept"
                counts["accepted and wrong"] += line is not None and line.decision == "accept" and not right
                counts["named a constraint"] += line is not None and bool(line.changes)
        print("with constraints" if constrained else "without constraints")
        print(
            f"  exact     {counts['exact']} of {counts['fields']} ({counts['exact'] / counts['fields']:.1%})"
        )
        for kind in KINDS:
            print(f"    {kind:12} {counts[f'exact, {kind}']} of {counts[f'fields, {kind}']}")
        print(f"  accepted  {counts['accepted']}, of them wrong {counts['accepted and wrong']}")
        print(f"  changed   {counts['named a constraint']} fields; refused {counts['refused']} pages")
        print(f"  {seconds / options.pages:.2f} s of CPU a page")


def networks(model: Path | None):
    from tenfold.reading.networks import load

    return load(model)


if __name__ == "__main__":
    main()
