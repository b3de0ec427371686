import asyncio
import json

import pytest

from tenfold.serving.gate import CLIENTS, Gate, Rates
from tenfold.serving.settings import Settings

IMAGE = {"content-type": "image/png"}


def ask(gate, parts, headers=(), path="/", client="10.0.0.1"):
    """Return status, headers and problem of a request whose body arrives in parts; None: it never comes."""

    async def main():
        coming, sent = list(parts), []

        async def receive():
            part = coming.pop(0)
            if part is None:
                await asyncio.sleep(60)
            return {"type": "http.request", "body": part, "more_body": bool(coming)}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": list(headers),
            "client": (client, 1),
        }
        await gate(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1].get("body", b"")

    return asyncio.run(main())


async def whole(scope, receive, send):
    """Read the whole body and say how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


def test_a_body_is_counted_as_it_arrives_whatever_its_header_says():
    gate = Gate(whole, Settings(body_bytes=100))

    assert ask(gate, [b"x" * 60, b"x" * 40])[::2] == (200, b"100")
    status, headers, body = ask(gate, [b"x" * 60, b"x" * 41, b"x" * 10**6], [(b"content-length", b"7")])
    assert (status, headers[b"connection"]) == (413, b"Connection: close".split()[-1])
    assert "100 bytes" in json.loads(body)["detail"]


def test_a_body_that_is_said_to_be_too_large_is_not_waited_for():
    gate = Gate(whole, Settings(body_bytes=100))

    assert ask(gate, [None], [(b"content-length", b"101")])[0] == 413


def test_a_body_that_trickles_in_is_given_up():
    gate = Gate(whole, Settings(body_seconds=0.05))

    status, _, body = ask(gate, [b"x", None])
    assert status == 408
    assert "within 0.05 s" in json.loads(body)["detail"]


def test_rates_fill_and_are_each_clients_own():
    now = 0.0
    rates = Rates(2.0, clock=lambda: now)

    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0]
    assert rates.take("a") == pytest.approx(0.5)
    assert rates.take("b") == 0
    now = 0.5
    assert rates.take("a") == 0
    assert rates.take("a") > 0
    now = 1000.0
    assert [rates.take("a") for _ in range(5)].count(0) == 4


def test_clients_without_number_take_no_memory_without_end():
    rates = Rates(1.0)
    for number in range(CLIENTS + 500):
        rates.take(str(number))
    assert len(rates._buckets) == CLIENTS


def test_who_asks_too_often_is_told_when_to_come_again():
    gate = Gate(whole, Settings(rate=0.1))

    assert ask(gate, [b""])[0] == 200
    status, headers, _ = ask(gate, [b""])
    assert (status, int(headers[b"retry-after"]) >= 9) == (429, True)
    assert ask(gate, [b""], client="10.0.0.2")[0] == 200
    # The keeper of the service is not refused.
    assert [ask(gate, [b""], path="/v2/health/live")[0] for _ in range(3)] == [200] * 3


def test_answers_forbid_what_the_page_does_not_need(client):
    for path in ("/", "/v2/health/live", "/nowhere"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


def test_the_limits_hold_in_the_whole_service(serve):
    client = serve(body_bytes=1000, rate=0)

    assert client.post("/v1/read", content=b"fine" * 250, headers=IMAGE).status_code == 200
    assert client.post("/v1/read", content=b"fine" * 251, headers=IMAGE).status_code == 413

    def parts():
        for _ in range(20):
            yield b"x" * 100

    answer = client.post("/v1/read", content=parts(), headers=IMAGE)
    assert (answer.status_code, answer.json()["type"]) == (413, "/docs#problem-too-large")
    assert client.post("/v1/read", files={"file": ("a.png", b"fine" * 300)}).status_code == 413
