"""The pages for people: the one to draw on, the reports, the documentation; and the counts for Prometheus."""

from __future__ import annotations

from html import escape
from pathlib import Path

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

from tenfold.serving.assets import TYPES, assets, settings_module
from tenfold.serving.documentation import render as render_documentation
from tenfold.serving.problems import Problem
from tenfold.serving.reports import PAGE, render_index, render_report, reports
from tenfold.serving.service import Service, answer_example

router = APIRouter(include_in_schema=False)
counts = APIRouter(tags=["metrics"])
_COUNTS = """\
# HELP tenfold_requests_total Requests answered.
# TYPE tenfold_requests_total counter
tenfold_requests_total{method="POST",route="/v1/read",status="200"} 12.0
"""


@counts.get(
    "/metrics",
    summary="Counts for Prometheus",
    response_class=PlainTextResponse,
    responses=answer_example(_COUNTS, "text/plain"),
)
async def metrics(request: Request) -> Response:
    """Return what was asked, how long it took and what waits, in the text format of Prometheus."""
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/")
async def index() -> Response:
    """Return the page to draw on."""
    return asset("index.html")


@router.get("/settings.mjs")
async def settings() -> Response:
    """Return what the page is told about its service."""
    return _answer("settings.mjs", settings_module("v1/read"))


@router.get("/model.mjs")
async def model(request: Request) -> Response:
    """Return the network as the page runs it."""
    service: Service = request.app.state.service
    if service.classifier.module is None:
        raise Problem("not-found", "This service's model has no JavaScript form beside it.")
    return _answer("model.mjs", service.classifier.module)


@router.get("/docs")
async def documentation(request: Request) -> Response:
    """Return the documentation of the service."""
    return HTMLResponse(render_documentation(request.app.openapi()))


@router.get("/studies")
async def studies(request: Request) -> Response:
    """Return the list of reports."""
    return HTMLResponse(render_index(_results(request)))


@router.get("/studies/{name}/")
async def study(request: Request, name: str) -> Response:
    """Return a report."""
    return HTMLResponse(render_report(_report(request, name)))


@router.get("/studies/{name}/figures/{figure}")
async def figure(request: Request, name: str, figure: str) -> Response:
    """Return a figure of a report."""
    report = _report(request, name)
    folder = report.parent / "figures"
    found = {each.name: each for each in folder.iterdir()} if report.name == PAGE and folder.is_dir() else {}
    if figure not in found or found[figure].suffix not in (".png", ".svg"):
        raise Problem("not-found", "There is no such figure.")
    return FileResponse(found[figure], media_type=TYPES[found[figure].suffix])


@router.get("/{name}")
async def file(name: str) -> Response:
    """Return a file of the page."""
    return asset(name)


def asset(name: str) -> Response:
    """Return a file of the page as an answer.

    Raises
    ------
    Problem
        There is none of that name.
    """
    if name not in assets():
        raise Problem("not-found", f"There is no page {escape(name[:100])!r}. Begin at /.")
    return _answer(name, assets()[name])


def _answer(name: str, content: bytes) -> Response:
    headers = {"cache-control": "no-cache"}
    return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)


def _results(request: Request) -> Path | None:
    service: Service = request.app.state.service
    return None if service.settings.results is None else Path(service.settings.results)


def _report(request: Request, name: str) -> Path:
    """Return the file of a report: one of those that are there, never a path that a client made up."""
    results = _results(request)
    found = {} if results is None else reports(results)
    if name not in found:
        raise Problem("not-found", "There is no such report. See /studies.")
    return found[name]
