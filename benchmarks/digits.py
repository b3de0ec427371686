"""How well the digit network reads single digits of other hands, and refuses what is none.

    python benchmarks/digits.py --usps DIR --semeion DIR --notmnist DIR --kmnist DIR
                                [--model DIR] [--read] [--json]

Each picture is read as the product reads it: brought to MNIST's form by `tenfold.data.normalize`, then judged
by `tenfold.reading.classifier`. MNIST's test images are always measured; the other sets where their folder is
given. Nothing is ever trained on them. The folders hold the files as published:

    usps      zip.test.gz of Hastie, Tibshirani, Friedman, The Elements of Statistical Learning; where
              zip.train.gz lies beside it, its digits are measured too: settings are chosen by them
    semeion   semeion.data or semeion.txt(.gz) of the UCI repository
    notmnist  t10k-images-idx3-ubyte.gz
    kmnist    kmnist-test-imgs.npz

A digit is *right* where its class is the most probable of the ten digits: to the digit network alone, or to
it and the string network together, as the reader settles a digit that fills a picture. It is *accepted* where
it is more probably a digit than at the threshold at which 1% of MNIST's test digits are refused. Of the
pictures as they come, with --read, *read* are those that the reader reads as that digit and no other,
whatever it decides; what it accepts is at its error rate of 0.01.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.catalog import load
from tenfold.data.formats.files import read_bytes
from tenfold.data.normalize import normalize
from tenfold.reading.classifier import OTHER
from tenfold.reading.networks import Classifies, Networks
from tenfold.reading.networks import load as load_networks
from tenfold.reading.pages import Picture
from tenfold.reading.reader import Reader
from tenfold.reading.readings import combine
from tenfold.reading.result import Decision
from tenfold.reading.single import as_line

REFUSED = 0.01
"""Part of MNIST's test digits that the threshold refuses."""

Pictures = NDArray[np.uint8]
Labels = NDArray[np.int64]


def usps(folder: Path, part: str = "test") -> tuple[Pictures, Labels]:
    """Return USPS' test digits, (2007, 16, 16), or its training digits, (7291, 16, 16)."""
    rows = np.array([line.split() for line in read_bytes(folder / f"zip.{part}.gz").splitlines()], float)
    return np.rint((rows[:, 1:].reshape(-1, 16, 16) + 1) * 127.5).astype(np.uint8), rows[:, 0].astype(
        np.int64
    )


def semeion(folder: Path) -> tuple[Pictures, Labels]:
    """Return Semeion's digits, (1593, 16, 16), black and white."""
    path = next(path for name in ("semeion.data", "semeion.txt*") for path in sorted(folder.glob(name)))
    rows = np.array([line.split()[:266] for line in read_bytes(path).splitlines()], float)
    return (rows[:, :256].reshape(-1, 16, 16) * 255).astype(np.uint8), rows[:, 256:].argmax(axis=1)


def notmnist(folder: Path) -> Pictures:
    """Return notMNIST's test letters, (10000, 28, 28)."""
    content = read_bytes(folder / "t10k-images-idx3-ubyte.gz")
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)


def kmnist(folder: Path) -> Pictures:
    """Return Kuzushiji-MNIST's test characters, (10000, 28, 28)."""
    with np.load(folder / "kmnist-test-imgs.npz") as arrays:
        return np.asarray(arrays["arr_0"])


def normalized(pictures: Pictures) -> Pictures:
    """Return pictures of any size as the product brings them to MNIST's form, (n, 28, 28)."""
    return np.stack([normalize(picture) for picture in pictures])


def judge(networks: Networks, pictures: Pictures, labels: Labels, least: float) -> dict[str, Any]:
    """Return how many digits are right, how many of them are accepted, and the confusions."""
    images = normalized(pictures)
    probabilities = networks.classifier.predict_proba(images)
    found = probabilities[:, :OTHER].argmax(axis=1)
    assert networks.recognizer is not None
    transcripts = networks.recognizer.transcribe([as_line(image) for image in images])
    both = [combine(row, said).argmax() for row, said in zip(probabilities, transcripts, strict=True)]
    accepted = 1 - probabilities[:, OTHER] >= least
    wrong = [f"{true} as {guess}" for true, guess in zip(labels, found, strict=True) if true != guess]
    return {
        "n": len(labels),
        "right": float(np.mean(found == labels)),
        "right of both networks": float(np.mean(both == labels)),
        "right of all eleven": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "accepted": float(np.mean(accepted)),
        "right of the accepted": float(np.mean(found[accepted] == labels[accepted])),
        "confusions": {
            name: wrong.count(name) for name in sorted(set(wrong), key=lambda name: -wrong.count(name))
        },
    }


def read(networks: Networks, pictures: Pictures, labels: Labels) -> dict[str, float]:
    """Return how many pictures are read by the reader as the digit that they show."""
    reader = Reader(networks)
    exact, accepted, wrong = 0, 0, 0
    for picture, label in zip(pictures, labels, strict=True):
        page = reader.read_page(Picture(picture))
        right = "".join(line.text for line in page.lines) == str(label)
        sure = any(line.decision is Decision.accept for line in page.lines)
        exact, accepted, wrong = exact + right, accepted + sure, wrong + (sure and not right)
    count = len(labels)
    return {"read": exact / count, "accepted": accepted / count, "wrong": wrong / max(accepted, 1)}


def speed(network: Classifies, images: Pictures, repeats: int = 300) -> dict[str, float]:
    """Return CPU milliseconds for one digit: alone, and among 256."""
    times = {}
    for name, count in (("alone", 1), ("among 256", 256)):
        network.predict_proba(images[:count])
        start = time.process_time()
        for _ in range(max(3, repeats // count)):
            network.predict_proba(images[:count])
        times[name] = (time.process_time() - start) / max(3, repeats // count) / count * 1000
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    readers = {"usps": usps, "semeion": semeion}
    others = {"notmnist": notmnist, "kmnist": kmnist}
    for name in (*readers, *others):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR")
    parser.add_argument("--model", type=Path, metavar="DIR", help="by default the shipped networks")
    parser.add_argument("--read", action="store_true", help="have the reader read each picture, too")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    networks = load_networks(given.model)
    network = networks.classifier
    test = load("mnist").test
    digit = 1 - network.predict_proba(test.images)[:, OTHER]
    least = float(np.quantile(digit, REFUSED))
    results: dict[str, Any] = {"threshold": least, "milliseconds": speed(network, test.images)}
    sets: dict[str, tuple[Pictures, Labels]] = {"mnist": (test.images, test.labels)}
    sets |= {
        name: load_set(getattr(given, name)) for name, load_set in readers.items() if getattr(given, name)
    }
    if given.usps and (given.usps / "zip.train.gz").is_file():
        sets["usps train"] = usps(given.usps, "train")
    for name, (pictures, labels) in sets.items():
        results[name] = judge(networks, pictures, labels, least)
        if given.read:
            results[name]["reader"] = read(networks, pictures, labels)
    for name, read_other in others.items():
        if folder := getattr(given, name):
            pictures = read_other(folder)
            digit = 1 - network.predict_proba(normalized(pictures))[:, OTHER]
            results[name] = {"n": len(pictures), "refused": float(np.mean(digit < least))}
    if given.json:
        print(json.dumps(results, indent=2))
        return
    print(f"accepted from a probability of {least:.4f} that it is a digit")
    print(", ".join(f"{value:.3f} ms a digit {name}" for name, value in results["milliseconds"].items()))
    for name, found in results.items():
        if name in ("mnist", *readers, "usps train"):
            right, of_eleven = found["right"], found["right of all eleven"]
            both = found["right of both networks"]
            print(f"{name:10} n={found['n']:,}  right {right:.2%} (of all eleven {of_eleven:.2%})")
            print(f"           right by both networks {both:.2%}")
            if given.read:
                shares = ", ".join(f"{what} {share:.2%}" for what, share in found["reader"].items())
                print(f"           by the reader: {shares}")
            kept, right = found["accepted"], found["right of the accepted"]
            print(f"           accepted {kept:.2%}, of those right {right:.2%}")
            confusions = [f"{pair}: {n}" for pair, n in list(found["confusions"].items())[:12]]
            print(f"           {', '.join(confusions)}")
        elif name in others:
            print(f"{name:10} n={found['n']:,}  refused {found['refused']:.2%}")


if __name__ == "__main__":
    main()
