"""``POST /v1/classify``: what is on pictures of one digit each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tenfold.serving.problems import Problem
from tenfold.serving.service import Service, problem_answers

router = APIRouter(tags=["classify"])
PATH = "/v1/classify"
JSON, BYTES = "application/json", "application/octet-stream"
SIDE = 28
PIXELS = SIDE * SIDE

_EXAMPLE = {"images": [[[0] * SIDE] * SIDE]}
_ANSWER = {
    "model": "reader-digits",
    "classes": [*"0123456789", "not a digit"],
    "predictions": [
        {"label": "not a digit", "confidence": 0.999, "probabilities": [0.0001] * 10 + [0.999]},
    ],
}


@router.post(
    PATH,
    summary="Classify pictures of one digit each",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["images"],
                        "properties": {
                            "images": {
                                "description": "(n, 28, 28) or (n, 784): whole numbers from 0 to 255, or "
                                "fractions from 0 to 1; ink is high. They are taken as they are.",
                                "type": "array",
                                "items": {"type": "array"},
                            }
                        },
                    },
                    "example": _EXAMPLE,
                },
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary", "description": "n times 784 bytes"}
                },
                "image/*": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                        },
                    }
                },
            },
        }
    },
    responses={
        200: {"content": {"application/json": {"example": _ANSWER}}},
        **problem_answers("bad-request", "too-large", "unsupported-type", "unreadable", "busy"),
    },
)
async def classify(request: Request) -> Response:
    """Say which digit each picture shows, with the probability of each class.

    Arrays are taken as they are: 28x28, ink 255 on paper 0, one digit each, as in MNIST. Picture files of any
    size are brought to that form first (cropped, fitted into 20x20, centered). Requests that come at the same
    time are computed together.
    """
    service: Service = request.app.state.service
    images = await _images(request, service)
    return Response(_answer(service, await service.batcher.predict(images)), media_type=JSON)


def takes(scope: Scope) -> bool:
    """Return whether `respond` answers a request: it asks for the classes of arrays."""
    return bool(scope["path"] == PATH and scope["method"] == "POST" and _kind(scope) in (JSON, BYTES, ""))


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that holds arrays, as `classify` would."""
    service: Service = scope["app"].state.service
    content, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        content += message.get("body", b"")
        more = message.get("more_body", False)
    probabilities = await service.batcher.predict(decoded(_kind(scope), content))
    answer = _answer(service, probabilities)
    headers = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _kind(scope: Scope) -> str:
    """Return the content type of a request, without parameters."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind: str = value.decode("latin-1").partition(";")[0].strip().lower()
            return kind
    return ""


def decoded(kind: str, content: bytes) -> NDArray[np.uint8]:
    """Return the arrays that a body of JSON or of bytes holds, (n, 28, 28) uint8.

    Raises
    ------
    Problem
        It holds something else.
    """
    if kind != BYTES:
        return from_json(content)
    if not content or len(content) % PIXELS:
        raise Problem("unreadable", f"Expected n times {PIXELS} bytes. Got {len(content):,}.")
    return np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)


async def _images(request: Request, service: Service) -> NDArray[np.uint8]:
    """Return the pictures of a request, (n, 28, 28)."""
    kind = _kind(request.scope)
    if kind in (JSON, BYTES, ""):
        return decoded(kind, await request.body())
    if kind.startswith("image/"):
        return await _normalized(service, [await request.body()])
    if kind == "multipart/form-data":
        async with request.form(max_files=256, max_fields=256) as form:
            files = [item for _, item in form.multi_items() if isinstance(item, UploadFile)]
            if not files:
                raise Problem("bad-request", "Expected picture files in the form. Got none.")
            return await _normalized(service, [await file.read() for file in files])
    raise Problem(
        "unsupported-type",
        f"Expected {JSON}, {BYTES}, image/* or multipart/form-data. Got {kind}.",
    )


async def _normalized(service: Service, contents: Iterable[bytes]) -> NDArray[np.uint8]:
    found = [await service.documents.ask(content, {"task": "normalize"}) for content in contents]
    return np.array(found, np.uint8).reshape(-1, SIDE, SIDE)


def from_json(content: bytes) -> NDArray[np.uint8]:
    """Return the pictures that a JSON body holds, (n, 28, 28) uint8.

    Raises
    ------
    Problem
        It is no JSON, or holds something else.
    """
    try:
        given = orjson.loads(content)
    except ValueError:
        # Python's own reader takes NaN and the like, of which more can be said than that it is no JSON.
        try:
            given = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Problem("bad-request", f"The body is not JSON: {error}.") from None
    images = given.get("images") if isinstance(given, dict) else None
    if images is None:
        raise Problem("bad-request", 'Expected {"images": [...]}, pictures of 28x28.')
    found = None if b"true" in content or b"false" in content else _whole(images)
    return as_images(images, '"images"') if found is None else found


def _whole(images: Any) -> NDArray[np.uint8] | None:
    """Return lists of 28 lists of 28 integers from 0 to 255 as (n, 28, 28); None: they are something else.

    Ten times as fast as NumPy, for what is sent most often.
    """
    try:
        rows = [row for image in images for row in image]
        if not rows or any(type(row) is not list or len(row) != SIDE for row in rows):
            return None
        if len(rows) % SIDE or any(len(image) != SIDE for image in images):
            return None
        return np.frombuffer(b"".join(map(bytes, rows)), np.uint8).reshape(-1, SIDE, SIDE)
    except (TypeError, ValueError):
        return None


def as_images(values: Any, name: str) -> NDArray[np.uint8]:
    """Return nested lists of numbers as (n, 28, 28) uint8.

    Raises
    ------
    Problem
        They are no pictures.
    """
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        array = np.empty(0, object)
    if array.dtype.kind not in "iuf" or array.size == 0 or array.size % PIXELS:
        raise Problem(
            "unreadable", f"{name} must hold numbers, {SIDE}x{SIDE} for each picture, one at least."
        )
    if array.shape[-2:] != (SIDE, SIDE) and array.shape[-1] != PIXELS and array.ndim != 1:
        raise Problem("unreadable", f"{name} must be of shape (n, {SIDE}, {SIDE}). Got {array.shape}.")
    top = 1 if array.dtype.kind == "f" else 255
    # Written so that NaN, which compares with nothing, is refused too.
    if not (array.min() >= 0 and array.max() <= top):
        raise Problem(
            "unreadable",
            f"{name} must lie in 0 to 255 as whole numbers, or in 0 to 1 as fractions. "
            f"Got {array.min()} to {array.max()}.",
        )
    if array.dtype.kind == "f":
        array = np.rint(array * 255)
    return array.astype(np.uint8).reshape(-1, SIDE, SIDE)


def _answer(service: Service, probabilities: NDArray[np.float32]) -> bytes:
    classes = service.classifier.classes
    predictions = [
        {"label": classes[place], "confidence": row[place], "probabilities": row}
        for row, place in zip(probabilities.round(6), probabilities.argmax(axis=1).tolist(), strict=True)
    ]
    answer = {"model": service.classifier.name, "classes": classes, "predictions": predictions}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
