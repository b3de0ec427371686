"""The Open Inference Protocol, version 2, for clients that speak it (KServe, Triton, Seldon, OpenVINO)."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from starlette.responses import JSONResponse, Response

from tenfold.serving.classify import SIDE, as_images
from tenfold.serving.problems import Problem
from tenfold.serving.service import Service, answer_example, problem_answers

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
INPUT, OUTPUT, VERSION = "image", "probabilities", "1"
BINARY = "inference-header-content-length"
"""The header of requests and answers that hold tensors as bytes after their JSON (the binary extension)."""

_SERVER = {
    "name": "tenfold",
    "version": version("tenfold"),
    "extensions": ["binary_tensor_data"],
    "models": ["reader-digits"],
}
_METADATA = {
    "name": "reader-digits",
    "versions": [VERSION],
    "platform": "tenfold",
    "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, SIDE, SIDE]}],
    "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, 11]}],
    "parameters": {},
}
_REQUEST = {
    "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [1, SIDE, SIDE], "data": [0] * SIDE * SIDE}]
}
_ANSWER = {
    "model_name": "reader-digits",
    "model_version": VERSION,
    "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [1, 11], "data": [0.0001] * 10 + [0.999]}],
}


@router.get("", summary="Server metadata", responses=answer_example(_SERVER))
async def server(request: Request) -> JSONResponse:
    """Say what serves, and the names of its models."""
    service: Service = request.app.state.service
    return JSONResponse({**_SERVER, "models": [service.classifier.name]})


@router.get("/health/live", summary="Is it alive?", responses=answer_example({"live": True}))
async def live() -> JSONResponse:
    """Answer as long as the service runs."""
    return JSONResponse({"live": True})


@router.get(
    "/health/ready",
    summary="Is it ready?",
    responses=answer_example({"ready": True}) | problem_answers("busy"),
)
async def ready(request: Request) -> JSONResponse:
    """Answer with 200 when requests can be answered, else with 503."""
    service: Service = request.app.state.service
    if not service.ready:
        raise Problem("busy", "A process that reads documents is being started.", {"Retry-After": "1"})
    return JSONResponse({"ready": True})


@router.get(
    "/models/{model}",
    summary="Model metadata",
    responses=answer_example(_METADATA) | problem_answers("not-found"),
)
@router.get("/models/{model}/versions/{version}", include_in_schema=False)
async def metadata(request: Request, model: str) -> JSONResponse:
    """Say what a model takes and gives."""
    service = _service(request, model)
    return JSONResponse(
        {
            **_METADATA,
            "name": service.classifier.name,
            "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, len(service.classifier.classes)]}],
            "parameters": service.classifier.stated,
        }
    )


@router.get(
    "/models/{model}/ready",
    summary="Is a model ready?",
    responses=answer_example({"name": "reader-digits", "ready": True}) | problem_answers("not-found"),
)
@router.get("/models/{model}/versions/{version}/ready", include_in_schema=False)
async def model_ready(request: Request, model: str) -> JSONResponse:
    """Answer with 200 when a model can be asked."""
    return JSONResponse({"name": _service(request, model).classifier.name, "ready": True})


@router.post(
    "/models/{model}/infer",
    summary="Inference",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": ["inputs"]},
                    "example": _REQUEST,
                }
            },
        }
    },
    responses={
        **answer_example(_ANSWER),
        **problem_answers("bad-request", "not-found", "too-large", "unreadable", "busy"),
    },
)
@router.post("/models/{model}/versions/{version}/infer", include_in_schema=False)
async def infer(request: Request, model: str) -> Response:
    """Give the probabilities of each class, for pictures of 28x28.

    The datatype says what the numbers mean: `UINT8` and `INT64` are whole numbers from 0 (paper) to 255
    (ink), `FP32` are fractions from 0 to 1.
    """
    service = _service(request, model)
    asked, images = _parse(await request.body(), request.headers.get(BINARY))
    probabilities = await service.batcher.predict(images)
    tensor: dict[str, Any] = {"name": OUTPUT, "datatype": "FP32", "shape": list(probabilities.shape)}
    answer = {"model_name": service.classifier.name, "model_version": VERSION, "outputs": [tensor]}
    if "id" in asked:
        answer["id"] = str(asked["id"])
    if not _wants_bytes(asked):
        tensor["data"] = probabilities.ravel().tolist()
        return JSONResponse(answer)
    content = probabilities.astype("<f4").tobytes()
    tensor["parameters"] = {"binary_data_size": len(content)}
    head = json.dumps(answer).encode()
    return Response(head + content, headers={BINARY: str(len(head))}, media_type="application/octet-stream")


def _service(request: Request, model: str) -> Service:
    service: Service = request.app.state.service
    version = request.path_params.get("version", VERSION)
    if model != service.classifier.name:
        raise Problem("not-found", f"There is no model {model[:100]!r}. Known: {service.classifier.name}.")
    if version != VERSION:
        raise Problem("not-found", f"There is no version {version[:100]!r} of {model}. Known: {VERSION}.")
    return service


def _parse(content: bytes, head: str | None) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Return what was asked, and the pictures."""
    if head is not None and not (head.isascii() and head.isdigit() and int(head) <= len(content)):
        raise Problem(
            "bad-request", f"{BINARY} must be the length of the JSON before the bytes. Got {head!r}."
        )
    end = len(content) if head is None else int(head)
    try:
        asked = json.loads(content[:end])
        (tensor,) = asked["inputs"]
        shape = tuple(tensor["shape"])
        parameters = tensor.get("parameters") or {}
        size = parameters.get("binary_data_size")
        kind = str(tensor["datatype"])
        if not all(type(side) is int and side >= 0 for side in shape):
            raise TypeError("a shape is made of whole numbers")
        values = tensor["data"] if size is None else content[end : end + int(size)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Problem(
            "bad-request",
            'Expected {"inputs": [{"name", "shape", "datatype", "data"}]} with one input. '
            f"Got {type(error).__name__}: {error}.",
        ) from None
    if kind not in _TYPES:
        raise Problem("unreadable", f"The datatype must be {' or '.join(_TYPES)}. Got {str(kind)[:20]!r}.")
    if isinstance(values, bytes):
        if len(values) % _TYPES[kind].itemsize:
            raise Problem("unreadable", f"{len(values)} bytes are no whole number of {kind}.")
        values = np.frombuffer(values, _TYPES[kind])
    _check_names(asked)
    values = _typed(values, kind)
    images = as_images(values, f'The data of "{INPUT}"')
    if int(np.prod(shape)) != images.size or shape[:1] != (len(images),):
        raise Problem(
            "unreadable", f"The shape must be [n, {SIDE}, {SIDE}] and the data fill it. Got {list(shape)}."
        )
    return asked, images


def _typed(values: Any, kind: str) -> Any:
    """Return numbers as the datatype means them: 1 is all ink in FP32, and next to none in UINT8."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        return values
    if kind == "FP32":
        return array.astype(np.float64) if array.dtype.kind in "iu" else array
    if array.dtype.kind == "f" and array.size:
        raise Problem(
            "unreadable",
            f"{kind} data are whole numbers from 0 to 255. Got fractions: send those as FP32, from 0 to 1.",
        )
    return array


def _check_names(asked: dict[str, Any]) -> None:
    """Refuse tensors of other names: whoever sends or wants them means another model."""
    for kind, name in (("inputs", INPUT), ("outputs", OUTPUT)):
        tensors = asked.get(kind) or []
        for tensor in tensors if isinstance(tensors, list) else [tensors]:
            given = tensor.get("name") if isinstance(tensor, dict) else None
            if given != name:
                raise Problem("bad-request", f'{kind} must be named "{name}". Got {str(given)[:50]!r}.')


def _wants_bytes(asked: dict[str, Any]) -> bool:
    """Return whether the probabilities are asked for as bytes."""
    wanted = asked.get("parameters") or {}
    outputs = asked.get("outputs") or []
    each = [one.get("parameters") or {} for one in outputs if isinstance(one, dict)]
    return bool(
        isinstance(wanted, dict)
        and (wanted.get("binary_data_output") or any(one.get("binary_data") for one in each))
    )


_TYPES: dict[str, np.dtype[Any]] = {
    "UINT8": np.dtype(np.uint8),
    "FP32": np.dtype("<f4"),
    "INT64": np.dtype("<i8"),
}
