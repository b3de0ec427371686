"""A short way to what is asked thousands of times a second."""

from __future__ import annotations

from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from tenfold.serving import classify


class Route(NamedTuple):
    """What a request is counted under, as the framework's routes are."""

    path: str


_CLASSIFY = Route(classify.PATH)


class Direct:
    """The ASGI layer that answers arrays for ``/v1/classify`` itself; all else goes on to the framework.

    Matching routes and solving dependencies would take longer there than the network does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "http" and classify.takes(scope):
            scope["route"] = _CLASSIFY
            await classify.respond(scope, receive, send)
        else:
            await self._app(scope, receive, send)
