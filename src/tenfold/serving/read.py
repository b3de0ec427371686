"""``POST /v1/read``: the digits of a picture or PDF."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from tenfold.serving.problems import Problem
from tenfold.serving.service import Service, problem_answers

router = APIRouter(tags=["read"])
TEMPLATE_BYTES = 256 * 2**10
"""The largest form template."""

_EXAMPLE = {
    "source": "cheque.png",
    "pages": [
        {
            "page": 1,
            "width": 640,
            "height": 120,
            "rotation": 0,
            "lines": [
                {
                    "text": "7",
                    "confidence": 0.9982,
                    "decision": "accept",
                    "reason": None,
                    "box": [40, 22, 48, 70],
                    "digits": [
                        {
                            "value": 7,
                            "confidence": 0.9982,
                            "box": [40, 22, 48, 70],
                            "alternatives": [{"value": 1, "probability": 0.0011}],
                        }
                    ],
                }
            ],
        }
    ],
}
_FIELDS: dict[str, dict[str, Any]] = {
    "error_rate": {
        "type": "number",
        "description": "Of the lines that are accepted, the share that may be wrong, above 0 and below 1. "
        "Measured from 0.001 to 0.1; a rate beyond is taken for the nearer of these, but on forms.",
    },
    "images": {
        "type": "boolean",
        "description": "Whether each digit comes with the 28x28 that was classified.",
    },
    "previews": {
        "type": "boolean",
        "description": "Whether each page comes with a small picture, where a browser cannot show the file.",
    },
    "form": {
        "type": "string",
        "description": "A form template in TOML: its fields are read, and nothing else.",
    },
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/v1/read",
    summary="Read a picture or PDF",
    openapi_extra={
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": field["description"],
                "schema": {"type": field["type"]},
            }
            for name, field in _FIELDS.items()
            if name != "form"
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}, **_FIELDS},
                    },
                    "example": {"file": "(the bytes of cheque.png)", "error_rate": 0.001, "images": True},
                },
                "image/*": _BINARY,
                "application/pdf": _BINARY,
                "application/octet-stream": _BINARY,
            },
        },
    },
    responses={
        200: {"content": {"application/json": {"example": _EXAMPLE}}},
        **problem_answers("bad-request", "too-large", "unreadable", "busy"),
    },
)
async def read(request: Request) -> Response:
    """Find and read the digits of a document.

    The answer is that of ``tenfold read --format json``. A document is PNG, JPEG, TIFF, BMP, WebP, GIF or
    PDF; which, its content tells. It is opened in a process of its own, with limits on memory and time.
    """
    service: Service = request.app.state.service
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=2, max_fields=8, max_part_size=TEMPLATE_BYTES) as form:
            content, name, given = await _parts(form)
    else:
        content, name, given = await request.body(), "upload", dict(request.query_params)
    if not content:
        raise Problem("unreadable", "The body is empty. Send a picture or a PDF.")
    found = await service.documents.ask(content, {"task": "read", "name": name, **_options(given)})
    return Response(json.dumps(found, ensure_ascii=False), media_type="application/json")


async def _parts(form: FormData) -> tuple[bytes, str, dict[str, str]]:
    """Return the document, its name, and the other fields."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem("bad-request", "Expected the picture or PDF as a file named 'file' in the form.")
    given = {}
    for field, value in form.items():
        if field == "file":
            continue
        if isinstance(value, UploadFile):
            content = await value.read(TEMPLATE_BYTES + 1)
            if len(content) > TEMPLATE_BYTES:
                raise Problem("too-large", f"A form template may have {TEMPLATE_BYTES:,} bytes.")
            value = content.decode(errors="replace")
        given[field] = value
    # Only the name: what stands before it is the client's own business.
    name = (file.filename or "upload").replace("\\", "/").rpartition("/")[2][:200]
    return await file.read(), name or "upload", given


def _options(given: dict[str, str]) -> dict[str, Any]:
    """Return the options as values.

    Raises
    ------
    Problem
        One is unknown, or its value is none that it can have.
    """
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise Problem(
            "bad-request", f"Unknown option {unknown[0][:50]!r}. There are: file, {', '.join(_FIELDS)}."
        )
    options: dict[str, Any] = {
        name: given.get(name, "").lower() in ("1", "true", "yes") for name in ("images", "previews")
    }
    if "error_rate" in given:
        try:
            rate = float(given["error_rate"])
        except ValueError:
            rate = float("nan")
        if not 0 < rate < 1:
            raise Problem(
                "bad-request",
                f"error_rate must lie between 0 and 1. Got {given['error_rate'][:50]!r} instead.",
            )
        options["error_rate"] = rate
    if given.get("form"):
        options["form"] = given["form"]
    return options
