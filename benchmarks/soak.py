"""What good and bad requests do to a service in the long run.

    python benchmarks/soak.py [--minutes 10] [--clients 6] [--url URL] [--out results/soak.md] [--json FILE]

Clients send, in random order, pictures, arrays and PDFs that can be read, and what cannot: text, cut and
damaged files, pictures too large to be decoded, wrong JSON, too many bytes, bodies that end too soon. Each
kind has the answers that it may get; any other is a failure, and so are a fault that the service counts, and
memory that grows. Without ``--url`` the service is started here; its memory is told only then.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from PIL import Image

from tenfold import load
from tenfold.runs.environment import commit

CLI = "import sys; from tenfold.cli import main; main(sys.argv[1:])"
JSON, BYTES = "application/json", "application/octet-stream"
GROWTH = 1.1
"""How much more memory the last third of the time may take than the second third."""

Made = tuple[str, str, bytes, set[int]]
"""Path, content type, body, and the answers that are right."""


def main() -> None:
    """Run, print what was found, and exit with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, default=Path("results/soak.md"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    process = None
    if options.url is None:
        process, options.url = _start()
    try:
        found = _soak(options, process)
    finally:
        if process is not None:
            process.terminate()
            process.wait(60)
    text = json.dumps(found, indent=2)
    if options.json is not None:
        options.json.write_text(text + "\n")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(written(found))
    print(written(found))
    sys.exit(bool(found["failures"]) or not found.get("memory flat", True))


def written(found: dict[str, Any]) -> str:
    """Return what was found as Markdown."""
    answers = [f"| {kind} | {count:,} |" for kind, count in found["answers"].items()]
    memory = ", ".join(f"{name} {value:,.0f} MB" for name, value in found.get("memory MB", {}).items())
    return "\n".join(
        [
            "# The service in the long run",
            "",
            f"Made by `python benchmarks/soak.py`, which says what was sent: {found['requests']:,} good and "
            f"bad requests in {found['minutes']:g} minutes.",
            "",
            f"- Answers that were wrong, and faults of the service: **{len(found['failures'])}**",
            *(f"  - {failure}" for failure in found["failures"]),
            *(
                [f"- Memory of all its processes: {memory}; flat: **{found['memory flat']}**"]
                if memory
                else []
            ),
            f"- Commit {commit()}, {datetime.now(UTC).date().isoformat()}",
            "",
            "| what was sent, and how it was answered | requests |",
            "| :--- | ---: |",
            *answers,
            "",
        ]
    )


def _soak(options: argparse.Namespace, process: subprocess.Popen[bytes] | None) -> dict[str, Any]:
    kinds = _kinds()
    counts: Counter[str] = Counter()
    failures: list[str] = []
    memory: list[float] = []
    end = time.monotonic() + 60 * options.minutes
    address = urlsplit(options.url).netloc

    def client(seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < end:
            name = rng.choice(list(kinds))
            path, kind, body, right = kinds[name](rng)
            try:
                status = _ask(address, path, kind, body, cut=name == "cut off")
            except OSError as error:
                status = 0
                if 0 not in right:
                    failures.append(f"{name}: {error!r}")
            if status not in right:
                failures.append(f"{name}: {status}")
            counts[f"{name}: {status}"] += 1

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(options.clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(5.0, max(0.1, end - time.monotonic())))
        if process is not None:
            memory.append(_memory(process.pid))
    with urlopen(f"{options.url}/metrics", timeout=30) as answer:
        failures += re.findall(r'tenfold_requests_total{.*status="500"}.*', answer.read().decode())
    third = len(memory) // 3
    found: dict[str, Any] = {
        "minutes": options.minutes,
        "requests": sum(counts.values()),
        "answers": dict(sorted(counts.items())),
        "failures": failures[:50],
    }
    if third:
        middle, last = (statistics.median(part) for part in (memory[third : 2 * third], memory[2 * third :]))
        found["memory MB"] = {
            "first": memory[0],
            "middle third": middle,
            "last third": last,
            "most": max(memory),
        }
        found["memory by sample, MB"] = memory
        found["memory flat"] = last < GROWTH * middle
    return found


def _kinds() -> dict[str, Callable[[random.Random], Made]]:
    images = load("mnist").test.images
    line = np.full((120, 400), 240, np.uint8)
    for place, image in enumerate(images[:5]):
        line[40:96, 40 + 64 * place : 96 + 64 * place] -= (np.kron(image, np.ones((2, 2))) * 0.8).astype(
            np.uint8
        )
    png, jpeg, pdf = (_encoded(line, form) for form in ("PNG", "JPEG", "PDF"))
    huge = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0))
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 6000, 8, 0, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(bytes(6001 * 6000), 9))
        + _chunk(b"IEND", b"")
    )

    def some(rng: random.Random) -> Any:
        return images[rng.randrange(len(images))]

    def damaged(content: bytes, rng: random.Random) -> bytes:
        broken = bytearray(content)
        for _ in range(20):
            broken[rng.randrange(8, len(broken))] = rng.randrange(256)
        return bytes(broken)

    read, classify = "/v1/read", "/v1/classify"
    return {
        "array": lambda rng: (classify, JSON, json.dumps({"images": [some(rng).tolist()]}).encode(), {200}),
        "bytes": lambda rng: (classify, BYTES, some(rng).tobytes() * rng.randrange(1, 50), {200}),
        "PNG": lambda rng: (read, "image/png", png, {200, 503}),
        "JPEG": lambda rng: (read, "image/jpeg", jpeg, {200, 503}),
        "PDF": lambda rng: (read, "application/pdf", pdf, {200, 503}),
        "one digit": lambda rng: (classify, "image/png", _encoded(some(rng), "PNG"), {200, 503}),
        "text": lambda rng: (read, "image/png", b"no picture", {422, 503}),
        "cut JPEG": lambda rng: (read, "image/jpeg", jpeg[: rng.randrange(2, len(jpeg) - 100)], {422, 503}),
        "damaged PNG": lambda rng: (read, "image/png", damaged(png, rng), {200, 422, 503}),
        "damaged PDF": lambda rng: (read, "application/pdf", damaged(pdf, rng), {200, 422, 503}),
        "noise": lambda rng: (read, BYTES, rng.randbytes(5000), {422, 503}),
        "too many pixels": lambda rng: (read, "image/png", huge, {422, 503}),
        "blank and large": lambda rng: (read, "image/png", bomb, {200, 422, 503}),
        "wrong JSON": lambda rng: (classify, JSON, b'{"images": [[', {400}),
        "wrong shape": lambda rng: (classify, JSON, b'{"images": [[1, 2]]}', {422}),
        "wrong bytes": lambda rng: (classify, BYTES, bytes(785), {422}),
        "wrong type": lambda rng: (classify, "text/xml", b"<a/>", {415}),
        "too large": lambda rng: (read, BYTES, bytes(21 * 2**20), {413, 0}),
        "nowhere": lambda rng: ("/../etc/passwd", BYTES, b"x", {404, 405}),
        "cut off": lambda rng: (read, BYTES, png, {0}),
    }


def _ask(address: str, path: str, kind: str, body: bytes, *, cut: bool) -> int:
    """Send a request and return the status of its answer; 0: there is none."""
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        if cut:
            connection.connect()
            head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sock.sendall(head.encode() + body[: len(body) // 2])
            return 0
        connection.request("POST", path, body, {"content-type": kind})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _encoded(image: Any, form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, form)
    return file.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _start() -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [sys.executable, "-c", CLI, "serve", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return process, f"http://127.0.0.1:{port}"
    raise RuntimeError("the service did not start")


def _memory(process: int) -> float:
    """Return the resident memory of a process and its children, in MB."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if process in (int(entry.name), parent):
                total += int((entry / "statm").read_text().split()[1])
        except OSError:
            continue
    return round(total * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


if __name__ == "__main__":
    main()
