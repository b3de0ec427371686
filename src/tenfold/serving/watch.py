"""What the service tells about itself: metrics for Prometheus, and a line of JSON for each request.

Neither holds anything of what was sent.
"""

from __future__ import annotations

import json
import logging
import os
import random
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenfold.serving.problems import Problem

LOGGER = logging.getLogger("tenfold.serving")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

GONE = 499
"""What is noted as the status where the client went before it was answered."""


class Metrics:
    """What is counted. With several worker processes their counts are added up in files that they share."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        shared: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter(
            "tenfold_requests", "Requests answered.", ["method", "route", "status"], **shared
        )
        self.seconds = Histogram(
            "tenfold_request_seconds", "From request to answer.", ["route"], buckets=_SECONDS, **shared
        )
        self.batches = Histogram(
            "tenfold_batch_size",
            "Pictures that were classified at once.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            **shared,
        )
        self.documents = Counter(
            "tenfold_documents", "Documents by what became of them.", ["outcome"], **shared
        )
        self.waiting = Gauge(
            "tenfold_waiting",
            "What waits: pictures, documents.",
            ["what"],
            multiprocess_mode="livesum",
            **shared,
        )

        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        key = (method if method in _METHODS else _OTHER, route, status)
        if key not in self._known:
            self._known[key] = self.requests.labels(*key), self.seconds.labels(route)
        requests, duration = self._known[key]
        requests.inc()
        duration.observe(seconds)

    def text(self) -> bytes:
        """Return all counts in the text format of Prometheus."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # theirs is untyped
        return generate_latest(together)


class Watch:
    """The ASGI layer that counts and logs requests, and answers for what nobody foresaw."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 0
        name = f"{random.getrandbits(48):012x}"

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            # It sent half a request and went: nobody is left to be answered.
            status = GONE
        except Exception:
            LOGGER.exception("fault", extra={"fields": {"request": name}})
            if status:
                raise
            detail = f"It was noted as {name}. Please report it with what the service logged."
            await Problem("fault", detail).response()(scope, receive, sending)
        seconds = perf_counter() - start
        route = _route(scope)
        self._metrics.answered(scope["method"], route, status, seconds)
        if LOGGER.isEnabledFor(logging.INFO):
            client = scope["client"][0] if scope.get("client") else None
            fields = {
                "request": name,
                "client": client,
                "method": scope["method"],
                "path": scope["path"][:200],
                "status": status,
                "ms": round(1000 * seconds, 2),
            }
            LOGGER.info("answered", extra={"fields": fields})


def _route(scope: Scope) -> str:
    """Return the route that answered: a name out of few, whatever clients ask for."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else _OTHER


class JsonLines(logging.Formatter):
    """Formats each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def logging_settings(level: str) -> dict[str, Any]:
    """Return the settings for `logging.config` (and uvicorn) that write JSON lines to stderr."""
    quiet = {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonLines"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
        },
        "loggers": {name: dict(quiet) for name in ("tenfold.serving", "uvicorn", "uvicorn.error")},
    }
