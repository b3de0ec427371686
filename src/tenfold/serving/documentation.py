"""``/docs``: the service's OpenAPI description as one page that needs no script and no other host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from tenfold.serving.markup import frame, markdown
from tenfold.serving.problems import KINDS

_LONGEST = 600
"""Examples are cut after so many characters: 784 zeros tell no more than 50."""

_SHELL = {
    "/v1/read": "curl --form file=@cheque.jpg {url}",
    "/v1/classify": "curl --header 'Content-Type: image/png' --data-binary @seven.png {url}",
    "/metrics": "curl {url}",
}


def render(description: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    description : mapping
        As FastAPI's ``openapi()`` gives it.
    """
    info = description["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}: the service</h1>",
        markdown(info["description"]),
        '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>',
    ]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation)
    parts += ["<h2>Problems</h2>", "<p>Errors are problem documents (RFC 9457). Their types:</p>", "<dl>"]
    for kind, (status, title) in KINDS.items():
        parts.append(f'<dt id="problem-{kind}"><code>{kind}</code> {status}</dt><dd>{escape(title)}</dd>')
    parts.append("</dl>")
    return frame("API", "\n".join(parts))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
    yield f"<p><strong>{escape(operation.get('summary', ''))}</strong></p>"
    yield markdown(operation.get("description", ""))
    if path in _SHELL:
        command = _SHELL[path].format(url=f"http://127.0.0.1:8000{path}")
        yield f'<pre tabindex="0"><code>{escape(command)}</code></pre>'
    rows = [
        (one["name"], one["in"], one.get("description", ""))
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]
    body = operation.get("requestBody", {}).get("content", {})
    for kind, one in body.items():
        schema = one.get("schema", {})
        for name, field in schema.get("properties", {}).items():
            rows.append((name, kind, field.get("description", field.get("type", ""))))
    if rows:
        cells = "".join(
            f"<tr><th scope='row'><code>{escape(name)}</code></th>"
            f"<td>{escape(place)}</td><td>{escape(text)}</td></tr>"
            for name, place, text in rows
        )
        head = "<tr><th scope='col'>Name</th><th scope='col'>In</th><th scope='col'>Meaning</th></tr>"
        label = escape(f"Parameters of {path}")
        yield (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
            f"<table><thead>{head}</thead><tbody>{cells}</tbody></table></div>"
        )
    if body:
        yield f"<p>Bodies: {', '.join(f'<code>{escape(kind)}</code>' for kind in body)}.</p>"
    yield from _examples("Request", body)
    for status, answer in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            yield from _examples(f"Answer {status}", answer.get("content", {}))
    failures = [status for status in operation.get("responses", {}) if not str(status).startswith("2")]
    if failures:
        yield f"<p>Problems: {', '.join(sorted(map(str, failures)))}.</p>"


def _examples(title: str, content: Mapping[str, Any]) -> Iterator[str]:
    for kind, one in content.items():
        if "example" in one:
            given = one["example"]
            text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            if len(text) <= _LONGEST and not isinstance(given, str):
                text = json.dumps(given, ensure_ascii=False, indent=2)
            elif len(text) > _LONGEST:
                text = text[:_LONGEST] + " …"
            yield f"<p>{escape(title)}, <code>{escape(kind)}</code>:</p>"
            yield f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
