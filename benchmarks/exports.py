"""Every form that a model can be taken out in: does it say the same, how large is it, how right is it.

    python benchmarks/exports.py [MODEL ...] [--aware 1] [--out FILE] [--json FILE]

By default of every shipped model, into results/exports.md and .json, each as soon as it
is measured; what is there of other models with the weights that they have now stays. Each form is run as its
users run it (ONNX Runtime, the machine's C compiler, Node) on MNIST's first 1,000 test images and compared
with the model: a probability in float32 may be off by 1e-4, int8 must be the NumPy reference bit for bit in C
and JavaScript. ONNX Runtime rounds int8 in its own way. Accuracy is on all 10,000 test images: of
float32 by the model, of int8 by the NumPy reference, which C and JavaScript are, and by ONNX Runtime.

``--aware N`` trains the `tiny-...` models on in integers too (recipe int8, seeds 0 to N - 1, on the training
images alone), and measures what that gains over quantizing them after their training.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tenfold import load, open_model
from tenfold.benchmarks.recipes import folded_parameters
from tenfold.export import export, integers, verify
from tenfold.export.exported import calibration_images
from tenfold.export.metadata import weights_sha256
from tenfold.models.model import Model, pretrained_names
from tenfold.runs.environment import commit, hardware, versions
from tenfold.serving.folder import export_page
from tenfold.training.recipe import load_recipe

FORMS = ("onnx", "c", "js", "web")
PARITY_IMAGES = 1000
BASE, OTHERS = 0.1, 0.2
"""Points of accuracy that int8 may cost: `base` and what is made of it, and the others."""


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="model folders or shipped models")
    parser.add_argument("--aware", type=int, default=1, metavar="N", help="trainings in integers, by seed")
    parser.add_argument("--out", type=Path, default=Path("results/exports.md"))
    parser.add_argument("--json", type=Path, default=Path("results/exports.json"))
    options = parser.parse_args()
    names = options.models or pretrained_names()
    if not names:
        sys.exit("No model ships with this version. Name models: python benchmarks/exports.py MODEL")
    for program in ("cc", "size", "node"):
        if shutil.which(program) is None:
            sys.exit(f"There is no {program!r} on the PATH. Install a C compiler with binutils, and Node.js.")
    models = kept(options.json)
    for name in names:
        label = Path(name).name
        models[label] = measure(name, label, options.aware)
        order = sorted(models.values(), key=lambda one: -one["parameters"])
        found = {"protocol": protocol(), "models": order}
        for path, text in ((options.json, json.dumps(found, indent=1) + "\n"), (options.out, written(found))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    print(options.out)


def kept(path: Path) -> dict[str, dict[str, Any]]:
    """Return what was measured before, by model, but for models that ship with other weights by now."""
    if not path.is_file():
        return {}
    models = {one["model"]: one for one in json.loads(path.read_text())["models"]}
    ships = {name: weights_sha256(open_model(name).weights) for name in models if name in pretrained_names()}
    return {name: one for name, one in models.items() if ships.get(name, one["weights"]) == one["weights"]}


def measure(name: str, label: str, aware: int) -> dict[str, Any]:
    """Return all that is told of one model."""
    model, digits = open_model(name), load("mnist")
    test = digits.test
    forms = []
    with tempfile.TemporaryDirectory() as folder:
        for to in FORMS:
            for int8 in (False, True):
                say(f"{label}: {to}{', int8' if int8 else ''}")
                forms.append(form(model, to, int8, test, Path(folder) / f"{to}{int8}"))
    accuracy = {"n": len(test), "float32": right(model.logits(test.images), test.labels)}
    for one in forms:
        if one["int8"] and one["form"] in ("onnx", "c"):
            accuracy["int8, ONNX Runtime" if one["form"] == "onnx" else "int8"] = one.pop("accuracy")
        one.pop("accuracy", None)
    found = {
        "model": label,
        "network": model.architecture.name,
        "parameters": model.architecture.parameters,
        "weights": weights_sha256(model.weights),
        "folded parameters": folded_parameters(model),
        "data": (model.card.get("data") or {}).get("name"),
        "seeds": model.card.get("seeds"),
        "accuracy": accuracy,
        "limit": BASE if label.startswith("base") else OTHERS,
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "forms": forms,
    }
    if aware and not label.startswith("base"):
        found["aware"] = [trained_on(model, seed, label) for seed in range(aware)]
    return found


def form(model: Model, to: str, int8: bool, test: Any, folder: Path) -> dict[str, Any]:
    """Return parity, sizes and accuracy of one form."""
    folder.mkdir()
    if to == "web":
        exported = export_page(model, folder, int8=int8)
    else:
        exported = export(model, to, folder / "network", int8=int8)
    count = slice(PARITY_IMAGES)
    parity = verify(model, exported, test.images[count], test.labels[count])
    found: dict[str, Any] = {
        "form": to,
        "int8": int8,
        "file bytes": exported.size if to != "web" else exported.paths[0].stat().st_size,
        "all files bytes": exported.size,
        "table bytes": exported.table_bytes,
        "memory bytes": exported.memory_bytes,
        "parity": parity.to_dict(),
    }
    if to == "c":
        found |= compiled(exported.paths[0])
    if to == "onnx" and int8:
        found["accuracy"] = verify(model, exported, test.images, test.labels).export_accuracy
    elif int8 and to == "c":
        # The same reference stands for JavaScript.
        found["accuracy"] = right(integers.run(exported.program, test.images), test.labels)
    return found


def compiled(source: Path) -> dict[str, int]:
    """Return what a network takes once it is compiled for size: tables and code, and static memory."""
    built = source.with_suffix(".o")
    subprocess.run(["cc", "-std=c99", "-Os", "-c", str(source), "-o", str(built)], check=True)
    told = subprocess.run(["size", str(built)], check=True, capture_output=True, text=True).stdout
    text, data, bss = map(int, told.splitlines()[1].split()[:3])
    return {"rom bytes": text + data, "ram bytes": bss + data}


def trained_on(model: Model, seed: int, label: str) -> dict[str, Any]:
    """Train a model on in integers, and return how right it is then."""
    from tenfold.export.aware import AwareEngine
    from tenfold.training.loop import train

    digits = load("mnist")
    engine = AwareEngine(model.weights, calibration_images(digits.train.images))
    say(f"{label}: trained on in integers, seed {seed}")
    made = train(model.architecture, load_recipe("int8"), digits.train, engine=engine, seed=seed)
    logits = engine.logits(model.architecture, made.weights, digits.test.images)
    return {
        "seed": seed,
        "accuracy": right(logits, digits.test.labels),
        "processor seconds": round(made.cpu_seconds or 0.0, 1),
    }


def right(logits: Any, labels: Any) -> float:
    """Return the part of the labels that were found."""
    return float((logits.argmax(axis=1) == labels).mean())


def protocol() -> dict[str, Any]:
    """Return what the figures rest on."""
    tools = {"cc": "--version", "node": "--version"}
    said = {
        tool: subprocess.run([tool, flag], capture_output=True, text=True).stdout.splitlines()[0]
        for tool, flag in tools.items()
    }
    machine = hardware()
    return {
        "parity": f"the first {PARITY_IMAGES:,} test images of MNIST",
        "accuracy": "MNIST's 10,000 test images; calibration on 1,000 training images",
        "aware": "recipe int8, seeds from 0, 60,000 training images",
        "tools": said | {key: versions()[key] for key in ("numpy", "tenfold")},
        "processor": machine.get("cpu", machine),
    }


def written(found: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    models, stated = found["models"], found["protocol"]
    lines = [
        "# Exports: parity, size and accuracy",
        "",
        "Made by `python benchmarks/exports.py`; `tenfold export MODEL --to FORM --verify` repeats a row on",
        "data of your own.",
        "",
        "## Does int8 cost accuracy?",
        "",
        f"On {stated['accuracy']}. *Aware*: the model was trained on in integers",
        f"(n times: {stated['aware']}).",
        "",
    ]
    rows = []
    for one in models:
        accuracy = one["accuracy"]
        learned = [each["accuracy"] for each in one.get("aware", ())]
        best = float(np.mean(learned)) if learned else None
        rows.append(
            [
                one["model"],
                f"{one['folded parameters']:,}",
                percent(accuracy["float32"]),
                with_loss(accuracy["int8"], accuracy["float32"]),
                with_loss(accuracy["int8, ONNX Runtime"], accuracy["float32"]),
                "–" if best is None else f"{with_loss(best, accuracy['float32'])}, n = {len(learned)}",
                f"{one['limit']:.1f} points",
            ]
        )
    head = ["model", "weights, folded", "float32", "int8", "int8, ONNX Runtime", "int8, aware", "may cost"]
    lines += table(head, rows)
    for one in models:
        lines += [
            "",
            f"## {one['model']}",
            "",
            f"Measured on {one['date']} at commit {one['commit'][:12]}.",
            "",
        ]
        rows = []
        for each in one["forms"]:
            parity = each["parity"]
            exact = {None: "–", True: "bit for bit", False: "DIFFERS"}[parity["exact"]]
            rows.append(
                [
                    each["form"] + (", int8" if each["int8"] else ""),
                    f"{each['file bytes']:,}",
                    *(f"{each[key]:,}" if each.get(key) is not None else "–" for key in SIZES),
                    f"{parity['max_difference']:.1e}",
                    exact,
                    f"{parity['agreement']:.2%}",
                    "yes" if parity["passed"] else "NO",
                ]
            )
        lines += table(
            [
                *("form", "network, bytes", "tables", "working memory", "ROM, -Os", "RAM, -Os"),
                *("largest difference of a probability", "NumPy reference", "same label", "passed"),
            ],
            rows,
        )
    web = models[0]["forms"][-1]
    lines += [
        "",
        "ROM is text and constants of the compiled file, RAM its static memory; besides there are 200 bytes",
        "of stack and the caller's picture. The web form is a folder: beside the network it holds "
        f"{web['all files bytes'] - web['file bytes']:,} bytes of page.",
        "",
        "## Protocol",
        "",
        *(f"- {key}: {told(value)}" for key, value in stated.items()),
        "",
    ]
    return "\n".join(lines)


SIZES = ("table bytes", "memory bytes", "rom bytes", "ram bytes")


def told(value: Any) -> str:
    """Return a value of the protocol as text."""
    return (
        "; ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else f"{value}"
    )


def percent(part: float) -> str:
    """Return a part in percent."""
    return f"{100 * part:.2f}%"


def with_loss(part: float, before: float) -> str:
    """Return a part in percent, and how many points it is from another."""
    return f"{percent(part)} ({100 * (part - before):+.2f})".replace("-0.00", "±0.00").replace(
        "+0.00", "±0.00"
    )


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Return a table in Markdown."""
    rule = [":---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def say(text: str) -> None:
    """Tell on stderr what is done now."""
    print(re.sub(r"\s+", " ", text), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
