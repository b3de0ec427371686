"""The limits that every request keeps: its client's rate, its body's size and its pace."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenfold.serving.problems import Problem
from tenfold.serving.settings import Settings

CLIENTS = 10_000
"""How many clients' rates are remembered."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Rates:
    """How often each client may ask: a bucket each, which fills at `rate` tokens a second.

    Parameters
    ----------
    rate : float
        Requests a second for long; a bucket holds twice as many, and at least one.
    clock : function
        The seconds that have passed.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._size, self._clock = rate, max(1.0, 2 * rate), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token; return 0 where there was one, else how many seconds until there is."""
        now = self._clock()
        tokens, since = self._buckets.pop(client, (self._size, now))
        tokens = min(self._size, tokens + (now - since) * self._rate)
        granted = tokens >= 1
        self._buckets[client] = (tokens - 1 if granted else tokens, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - tokens) / self._rate


class Gate:
    """The ASGI layer that keeps the limits that hold for every request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._rates = Rates(settings.rate) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            self._check_rate(scope)
            self._check_length(scope)
            await self._app(scope, self._counted(receive), sending)
        except Problem as problem:
            await problem.response()(scope, receive, sending)

    def _check_rate(self, scope: Scope) -> None:
        # Whether the service is alive is asked by its keeper, as often as it likes.
        if self._rates is None or scope["path"].startswith("/v2/health/") or scope["path"] == "/metrics":
            return
        client = scope["client"][0] if scope.get("client") else ""
        wait = self._rates.take(client)
        if wait:
            raise Problem(
                "too-many-requests",
                f"One client may make {self._settings.rate:g} requests a second. Try again in {wait:.1f} s.",
                {"Retry-After": f"{max(1, round(wait + 0.5))}"},
            )

    def _check_length(self, scope: Scope) -> None:
        """Refuse at once what is said to be too large; what is said to be small is counted all the same."""
        for name, stated in scope["headers"]:
            if name == b"content-length" and stated.isdigit() and int(stated) > self._settings.body_bytes:
                raise self._too_large()

    def _counted(self, receive: Receive) -> Receive:
        """Return `receive` with what arrives counted."""
        size, whole, deadline = 0, False, 0.0

        async def receiving() -> Message:
            nonlocal size, whole, deadline
            if whole:
                return await receive()
            now = asyncio.get_running_loop().time()
            deadline = deadline or now + self._settings.body_seconds
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                detail = f"The body must arrive within {self._settings.body_seconds:g} s. Send it again."
                raise Problem("too-slow", detail, {"Connection": "close"}) from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > self._settings.body_bytes:
                raise self._too_large()
            return message

        return receiving

    def _too_large(self) -> Problem:
        detail = f"A body may have {self._settings.body_bytes:,} bytes. Send less, or a smaller picture."
        return Problem("too-large", detail, {"Connection": "close"})
