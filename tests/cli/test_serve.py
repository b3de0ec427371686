import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

START = "import sys; from tenfold.cli import main; main(sys.argv[1:])"
TYPE = "application/octet-stream"


@pytest.fixture
def service(tmp_path):
    """Return a function that starts ``tenfold serve`` in a process of its own, with what ships."""
    started = []

    def start(*options):
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
        log, temporary = tmp_path / "log", tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        command = [sys.executable, "-c", START, "serve", "--port", str(port), *options]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                stderr=stream,
                stdout=subprocess.DEVNULL,
                cwd=tmp_path,
                env={**os.environ, "TMPDIR": str(temporary)},
            )
        started.append(process)
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return process, f"http://127.0.0.1:{port}", log
        raise AssertionError(log.read_text())

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def post(url, content):
    with urlopen(Request(url, content, {"content-type": TYPE}), timeout=60) as answer:
        return json.load(answer)


def children(parent):
    """Return the processes that a process started, and those that they started."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as file:
                if entry.isdigit() and int(file.read().rpartition(")")[2].split()[1]) == parent:
                    found += [int(entry), *children(int(entry))]
        except OSError:
            pass
    return found


def gone(processes):
    """Wait until none of the processes runs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(os.path.exists(f"/proc/{process}/cmdline") for process in processes):
            return True
        time.sleep(0.05)
    return False


def test_it_serves_what_ships_logs_json_and_ends_when_told(service, tmp_path):
    process, url, log = service("--readers", "1")

    answer = post(f"{url}/v1/classify", bytes(784 * 2))
    assert len(answer["predictions"]) == 2
    with pytest.raises(HTTPError) as refused:
        post(f"{url}/v1/read", b"no picture")
    assert refused.value.code == 422
    assert b"function classify" in urlopen(f"{url}/model.mjs").read()
    helpers = children(process.pid)
    assert helpers

    process.send_signal(signal.SIGTERM)

    assert process.wait(40) == 0
    assert gone(helpers)
    assert not list((tmp_path / "temporary").iterdir())
    first, *lines = log.read_text().splitlines()
    assert url in first
    events = [json.loads(line) for line in lines]
    assert [(one["path"], one["status"]) for one in events if one.get("path", "").startswith("/v1/")] == [
        ("/v1/classify", 200),
        ("/v1/read", 422),
    ]


@pytest.mark.slow
def test_what_was_begun_is_finished_and_no_more_is_taken(service):
    process, url, _ = service()
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        head = f"POST /v1/classify HTTP/1.1\r\nhost: a\r\ncontent-type: {TYPE}\r\ncontent-length: 784\r\n\r\n"
        client.sendall(head.encode() + bytes(300))
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("it still takes requests")
        client.sendall(bytes(484))
        assert client.recv(20).startswith(b"HTTP/1.1 200")
    assert process.wait(40) == 0


@pytest.mark.slow
def test_several_workers_count_together_and_leave_nothing(service):
    process, url, _ = service("--workers", "2", "--log-level", "warning")

    threads = [
        threading.Thread(target=lambda: [post(f"{url}/v1/classify", bytes(784)) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    text = urlopen(f"{url}/metrics").read().decode()
    assert 'tenfold_requests_total{method="POST",route="/v1/classify",status="200"} 40.0' in text
    helpers = children(process.pid)
    assert len(helpers) >= 4
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    assert gone(helpers)


@pytest.mark.slow
def test_nothing_is_left_where_the_service_is_killed(service):
    process, _, _ = service()
    helpers = children(process.pid)

    process.kill()
    process.wait(10)

    assert gone(helpers)


def test_a_port_that_is_taken(cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = cli("serve", "--port", taken.getsockname()[1])

    assert answer.code == 1
    assert "Choose another --port" in answer.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--model", "nowhere"], 1),
        (["--port", "70000"], 2),
        (["--error-rate", "3"], 1),
        (["--batch", "0"], 2),
    ],
)
def test_wrong_settings(cli, options, code):
    answer = cli("serve", *options)

    assert answer.code == code
    assert "Traceback" not in answer.err


def test_the_rates_that_were_measured_are_told_in_the_help_and_in_the_documentation(cli):
    from tenfold.reading.networks import load
    from tenfold.serving.app import create_app
    from tenfold.serving.documentation import render

    ((low, high),) = {(rates[0][0], rates[-1][0]) for rates in load().judgment.thresholds.values()}
    said = f"Measured from {low:g} to {high:g}; a rate beyond is taken for the nearer of these, but on forms."

    for command in ("serve", "read"):
        assert said in re.sub(r"[\s│]+", " ", cli(command, "--help").out)
    # As a parameter, and as a field of the form.
    assert render(create_app().openapi()).count(said) == 2
