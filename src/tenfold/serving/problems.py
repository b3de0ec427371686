"""What went wrong, as problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

KINDS = {
    "bad-request": (400, "The request cannot be understood."),
    "not-found": (404, "There is nothing at this address."),
    "method-not-allowed": (405, "This address does not take this method."),
    "too-slow": (408, "The body took too long to arrive."),
    "too-large": (413, "The body is larger than the service takes."),
    "unsupported-type": (415, "The body is of a type that is not taken here."),
    "unreadable": (422, "What was sent cannot be read."),
    "too-many-requests": (429, "This client asks too often."),
    "fault": (500, "The service made a mistake."),
    "busy": (503, "The service has as much to do as it takes."),
}
"""Each kind of problem: its status and its title."""


class Problem(HTTPException):
    """Something that a client is told instead of an answer.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    detail : str
        What was expected, what came, what to do next.
    headers : mapping, optional
    """

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(KINDS[kind][0], detail, dict(headers or {}))
        self.kind = kind

    def response(self) -> Response:
        """Return the problem document."""
        status, title = KINDS[self.kind]
        return _response(self.kind, status, title, self.detail, self.headers)


def install(app: FastAPI) -> None:
    """Make every error that the application meets a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _http(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    assert isinstance(error, HTTPException)
    for kind, (status, title) in KINDS.items():
        if status == error.status_code:
            detail = f"{request.method} {request.url.path}: {str(error.detail).removesuffix('.')}."
            return _response(kind, status, title, detail, _allowing_head(error.headers))
    title = HTTPStatus(error.status_code).phrase
    return _response("about:blank", error.status_code, title, str(error.detail), error.headers)


def _allowing_head(headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return headers with HEAD beside GET in ``Allow``: the routes do not know that `Head` answers it."""
    if headers is None or "Allow" not in headers:
        return headers
    methods = set(headers["Allow"].split(", "))
    return {**headers, "Allow": ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))}


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return Problem("bad-request", said).response()


def _response(kind: str, status: int, title: str, detail: str, headers: Mapping[str, str] | None) -> Response:
    content: dict[str, Any] = {
        "type": kind if ":" in kind else f"/docs#problem-{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        # What the clients of the Open Inference Protocol look for.
        "error": detail,
    }
    return Response(json.dumps(content, ensure_ascii=False), status, headers, MEDIA_TYPE)
