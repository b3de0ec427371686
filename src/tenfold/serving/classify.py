"""``POST /v1/classify``: what is on pictures of one digit each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.responses import Response

from tenfold.serving.problems import Problem
from tenfold.serving.service import Service, problem_answers

router = APIRouter(tags=["classify"])
SIDE = 28
PIXELS = SIDE * SIDE

_EXAMPLE = {"images": [[[0] * SIDE] * SIDE]}
_ANSWER = {
    "model": "digits",
    "classes": [*"0123456789"],
    "predictions": [{"label": "7", "confidence": 0.9981, "probabilities": [0.0] * 7 + [1.0, 0.0, 0.0]}],
}


@router.post(
    "/v1/classify",
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
    probabilities = await service.batcher.predict(images)
    return Response(_answer(service, probabilities), media_type="application/json")


async def _images(request: Request, service: Service) -> NDArray[np.uint8]:
    """Return the pictures of a request, (n, 28, 28)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/json", ""):
        return from_json(await request.body())
    if kind == "application/octet-stream":
        content = await request.body()
        if not content or len(content) % PIXELS:
            raise Problem("unreadable", f"Expected n times {PIXELS} bytes. Got {len(content):,}.")
        return np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
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
        f"Expected application/json, application/octet-stream, image/* or multipart/form-data. Got {kind}.",
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
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", f"The body is not JSON: {error}.") from None
    images = given.get("images") if isinstance(given, dict) else None
    if images is None:
        raise Problem("bad-request", 'Expected {"images": [...]}, pictures of 28x28.')
    return as_images(images, '"images"')


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
    rows = probabilities.round(6).tolist()
    predictions = [
        {"label": classes[place], "confidence": row[place], "probabilities": row}
        for row, place in zip(rows, probabilities.argmax(axis=1).tolist(), strict=True)
    ]
    answer = {"model": service.classifier.name, "classes": classes, "predictions": predictions}
    return json.dumps(answer).encode()
