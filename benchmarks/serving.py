"""How many single pictures a service classifies through HTTP: Tenfold's ways, and the peers'.

    python benchmarks/serving.py [--model MODEL] [--seconds 10] [--rounds 3] [--clients 32]
        [--out results/service.md] [--json results/service.json]

The same network (``tenfold export --to onnx``) behind three services, asked in turn by wrk with one picture a
request; a round asks each of them once, so that what else the machine does meets all alike:

- tenfold: `tenfold serve`, which puts together what comes at the same time;
- tenfold, reading: the same service, while a client has one page after the other read by it;
- tenfold, batch 1: the same with ``--batch 1``, all else as quick: what batches alone bring;
- one at a time, the peers' way: what the tutorials show, a FastAPI function that checks the numbers with
  pydantic and calls the network for each request, with PyTorch or with ONNX Runtime.

Told are requests a second, the latency of 50 and 99 of 100 requests, and the processor time of the service a
request, which a busy machine changes least; and whether the goals are met: 1,500 requests a second, 99 of 100
within 60 ms, also while pages are read, and four times what one at a time gives.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

from tenfold import load
from tenfold.runs.environment import commit

PEER = """
import sys
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

if sys.argv[2] == "torch":
    import torch
    from tenfold import open_model
    torch.set_num_threads(1)
    model = open_model(sys.argv[3])
    predict = lambda images: model.predict_proba(images, "torch")
else:
    import onnxruntime
    session = onnxruntime.InferenceSession(sys.argv[4], providers=["CPUExecutionProvider"])
    predict = lambda images: session.run(None, {"image": images})[0]

class Pictures(BaseModel):
    images: list[list[list[int]]]

app = FastAPI()

@app.get("/v2/health/ready")
def ready():
    return {}

@app.post("/v1/classify")
def classify(pictures: Pictures):
    probabilities = predict(np.array(pictures.images, np.uint8))
    return {"predictions": [
        {"label": str(row.argmax()), "confidence": float(row.max()), "probabilities": row.tolist()}
        for row in probabilities
    ]}

import uvicorn
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def main() -> None:
    """Measure, and print or write what was found."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(options, Path(folder))
    for path, text in ((options.json, json.dumps(found, indent=1) + "\n"), (options.out, written(found))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(written(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="tiny-8k", help="a model folder or a shipped model")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("results/service.md"))
    parser.add_argument("--json", type=Path, default=Path("results/service.json"))
    return parser.parse_args()


def _measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    load_average = round(os.getloadavg()[0], 2)
    onnx, peer, script = folder / "network.onnx", folder / "peer.py", folder / "ask.lua"
    _run(sys.executable, "-c", CLI, "export", options.model, "--to", "onnx", "--out", str(onnx))
    peer.write_text(PEER)
    picture = np.random.default_rng(0).integers(0, 256, (1, 28, 28)).tolist()
    body = json.dumps({"images": picture})
    script.write_text(
        f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n"
    )
    serve = [sys.executable, "-c", CLI, "serve", "--log-level", "warning", "--model", str(onnx)]
    alone = [sys.executable, str(peer)]
    commands = {
        TENFOLD: lambda port: [*serve, "--port", port],
        BATCH_ONE: lambda port: [*serve, "--batch", "1", "--port", port],
        PEERS["torch"]: lambda port: [*alone, port, "torch", options.model, str(onnx)],
        PEERS["onnx"]: lambda port: [*alone, port, "onnx", options.model, str(onnx)],
    }
    services = {name: _start(command) for name, command in commands.items()}
    asked = {TENFOLD: services[TENFOLD], READING: services[TENFOLD], **services}
    results: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    try:
        for process, url in services.values():
            _wait(process, url)
            urlopen(
                Request(f"{url}/v1/classify", body.encode(), {"content-type": "application/json"})
            ).close()
        for _ in range(options.rounds):
            for name, (process, url) in asked.items():
                with _reading(url) if name == READING else nullcontext():
                    results[name].append(_load(process.pid, url, script, options))
    finally:
        for process, _ in services.values():
            process.terminate()
            process.wait(60)
    return {
        "services": {name: _summary(rounds) for name, rounds in results.items()},
        "protocol": {
            "clients": options.clients,
            "seconds": options.seconds,
            "rounds": options.rounds,
            "network": options.model,
            "body": f"JSON, one picture, {len(body):,} bytes",
            "load": "wrk, one thread, on the same machine",
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "load average before": load_average,
            "commit": commit(),
            "date": datetime.now(UTC).date().isoformat(),
        },
    }


TENFOLD, READING, BATCH_ONE = "tenfold", "tenfold, reading", "tenfold, batch 1"
PEERS = {"torch": "one at a time, PyTorch", "onnx": "one at a time, ONNX Runtime"}
RATE, P99, GAIN = 1500, 60, 4
"""The goals: requests a second, milliseconds, and how many times what one at a time gives."""


@contextmanager
def _reading(url: str) -> Iterator[None]:
    """Have one page after the other read by a service for as long as this lasts."""
    digits = load("mnist").test.images
    page = np.full((600, 800), 245, np.uint8)
    for row in range(6):
        for column in range(10):
            page[40 + 90 * row : 68 + 90 * row, 60 + 40 * column : 88 + 40 * column] -= digits[
                10 * row + column
            ]
    content = io.BytesIO()
    Image.fromarray(page).save(content, "PNG")
    request = Request(f"{url}/v1/read", content.getvalue(), {"content-type": "image/png"})
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            urlopen(request, timeout=60).close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


CLI = "import sys; from tenfold.cli import main; main(sys.argv[1:])"


def _start(command: Any) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command(str(port)), env=environment), f"http://127.0.0.1:{port}"


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(f"{url}/v2/health/ready", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} did not start")


def _load(process: int, url: str, script: Path, options: argparse.Namespace) -> dict[str, float]:
    """Ask a service for some seconds; return what wrk says, and the service's processor time a request."""
    before = _processor_seconds(process)
    said = _run(
        *("wrk", "-t1", f"-c{options.clients}", f"-d{options.seconds}s", "--latency", "-s", str(script)),
        f"{url}/v1/classify",
    )
    spent = _processor_seconds(process) - before
    failed = re.search(r"Non-2xx[^\d]*(\d+)", said)
    if failed or "Socket errors" in said:
        raise RuntimeError(f"{url}: {said}")
    (requests,) = _told(r"(\d+) requests in", said)
    return {
        "requests a second": float(*_told(r"Requests/sec:\s+([\d.]+)", said)),
        "p50 ms": _milliseconds(said, 50),
        "p99 ms": _milliseconds(said, 99),
        "processor ms a request": 1000 * spent / int(requests),
    }


def _told(pattern: str, said: str) -> tuple[str, ...]:
    """Return the groups of a pattern in what wrk said."""
    found = re.search(pattern, said)
    if not found:
        raise RuntimeError(f"wrk was expected to say {pattern}. It said: {said}")
    return found.groups()


def _milliseconds(said: str, part: int) -> float:
    value, unit = _told(rf"{part}%\s+([\d.]+)(us|ms|s)", said)
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _processor_seconds(process: int) -> float:
    """Return the processor time of a process and its children so far."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) == process or int(fields[1]) == process:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _summary(rounds: list[dict[str, float]]) -> dict[str, Any]:
    return {
        name: {
            "mean": round(statistics.mean(one[name] for one in rounds), 3),
            "each": [round(one[name], 3) for one in rounds],
        }
        for name in rounds[0]
    }


def written(found: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    services = found["services"]
    ours = services[TENFOLD]["requests a second"]["mean"]
    rows = [
        "| service | requests a second | tenfold gives | p50 | p99 | processor time a request |",
        "| :--- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in services.items():
        rate, spread = one["requests a second"]["mean"], one["requests a second"]["each"]
        p50, p99, cost = (one[key]["mean"] for key in ("p50 ms", "p99 ms", "processor ms a request"))
        gain = "" if name == TENFOLD else f"{ours / rate:.1f} times"
        rows.append(
            f"| {name} | {rate:,.0f} ({min(spread):,.0f} to {max(spread):,.0f}) "
            f"| {gain} | {p50:.1f} ms | {p99:.1f} ms | {cost:.2f} ms |"
        )
    stated = [f"- {key}: {value}" for key, value in found["protocol"].items()]
    return "\n".join(
        [
            "# The service under load",
            "",
            "Made by `python benchmarks/serving.py`, which says what each service is; all asked in turn,",
            "in one run; means over the rounds, and their range.",
            "",
            *rows,
            "",
            "## Goals",
            "",
            *goals(services),
            "",
            "## Protocol",
            "",
            *stated,
            "",
        ]
    )


def goals(services: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each goal, and whether it is met."""
    ours = services[TENFOLD]["requests a second"]["mean"]
    for name in (TENFOLD, READING):
        rate, p99 = services[name]["requests a second"]["mean"], services[name]["p99 ms"]["mean"]
        yield f"- {name}, at least {RATE:,} requests a second: {rate:,.0f}, {_met(rate >= RATE)}"
        yield f"- {name}, p99 under {P99} ms: {p99:.1f} ms, {_met(p99 < P99)}"
    for name in PEERS.values():
        gain = ours / services[name]["requests a second"]["mean"]
        yield f"- at least {GAIN} times {name}: {gain:.1f}, {_met(gain >= GAIN)}"


def _met(whether: bool) -> str:
    return "met" if whether else "**missed**"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
