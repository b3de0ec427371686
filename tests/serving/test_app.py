import asyncio
import json
import logging
import re

import numpy as np
import pytest

from tenfold.serving.classifier import Classifier


def test_what_is_not_there_is_a_problem(client):
    for method, path, status in [
        ("GET", "/nowhere", 404),
        ("GET", "/a/b/c", 404),
        ("DELETE", "/v1/read", 405),
        ("GET", "/v1/classify", 405),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%2e%2e%2fapp.py", 404),
        ("GET", "/studies/..%2f..%2fetc/", 404),
        ("GET", "/studies/lin/figures/..%2fresults.json", 404),
    ]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
            path
        )
        assert set(answer.json()) == {"type", "title", "status", "detail", "error"}


def test_sentences_of_problems_end_once(client):
    answer = client.post("/v1/read", content=b"x", headers={"content-type": "multipart/form-data"})

    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "POST /v1/read: Missing boundary in multipart.",
    )
    assert client.get("/v1/read").json()["detail"].endswith("Method Not Allowed.")


def test_a_fault_of_ours_is_noted_and_tells_nothing(serve, picture, caplog):
    def fails(images):
        raise RuntimeError("the inner life of the service")

    client = serve(Classifier("fails", ("0",), fails, {}))
    with caplog.at_level(logging.ERROR, "tenfold.serving"):
        answer = client.post("/v1/classify", json={"images": [picture(1).tolist()]})

    assert answer.status_code == 500
    assert "inner life" not in answer.text
    assert "inner life" in caplog.text
    assert caplog.records[0].fields["request"] in answer.json()["detail"]
    assert client.get("/v2/health/live").status_code == 200


def test_a_client_that_goes_is_no_fault_of_ours(caplog):
    from starlette.requests import ClientDisconnect

    from tenfold.serving.watch import Metrics, Watch

    async def leaves(scope, receive, send):
        raise ClientDisconnect

    metrics = Metrics()
    scope = {"type": "http", "method": "POST", "path": "/v1/read", "client": ("10.0.0.1", 1)}
    with caplog.at_level(logging.INFO, "tenfold.serving"):
        asyncio.run(Watch(leaves, metrics)(scope, None, None))

    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert b'status="499"} 1.0' in metrics.text()


def test_logs_are_json_and_hold_nothing_that_was_sent(client, picture, caplog):
    from tenfold.serving.watch import JsonLines

    with caplog.at_level(logging.INFO, "tenfold.serving"):
        client.post("/v1/read?error_rate=0.5", files={"file": ("my-salary.png", b"fine secret")})

    line = JsonLines().format(caplog.records[-1])
    found = json.loads(line)
    assert (found["event"], found["method"], found["path"], found["status"]) == (
        "answered",
        "POST",
        "/v1/read",
        200,
    )
    assert found["ms"] >= 0
    assert not re.search("salary|secret|0\\.5", line)


def test_metrics_count_what_happened(serve, picture):
    client = serve()
    client.post("/v1/classify", json={"images": [picture(1).tolist()] * 5})
    client.post("/v1/classify", content=b"{")
    client.post("/v1/read", content=b"bad")
    client.get("/made-up-1")
    client.get("/made-up-2")
    client.request("MADE-UP-3", "/v1/classify")

    text = client.get("/metrics").text

    assert 'tenfold_requests_total{method="POST",route="/v1/classify",status="200"} 1.0' in text
    assert 'tenfold_requests_total{method="POST",route="/v1/classify",status="400"} 1.0' in text
    assert "tenfold_batch_size_sum 5.0" in text
    assert 'tenfold_waiting{what="pictures"} 0.0' in text
    assert "made-up" not in text.lower()


def test_the_description_names_every_route_with_examples(client):
    described = client.get("/openapi.json").json()

    assert {"/v1/read", "/v1/classify", "/v2/models/{model}/infer", "/v2/health/live"} <= set(
        described["paths"]
    )
    classify = described["paths"]["/v1/classify"]["post"]
    example = classify["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/v1/classify", json=example).status_code == 200
    infer = described["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"][
        "application/json"
    ]
    assert client.post("/v2/models/brightest/infer", json=infer["example"]).status_code == 200
    form = described["paths"]["/v1/read"]["post"]["requestBody"]["content"]["multipart/form-data"]["example"]
    fields = {name: str(value) for name, value in form.items() if name != "file"}
    assert client.post("/v1/read", data=fields, files={"file": b"a picture"}).status_code == 200
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            (content,) = operation["responses"]["200"]["content"].values()
            assert content.get("example"), (method, path)


def test_the_examples_of_answers_are_of_the_form_of_the_answers(serve):
    """They are those of the model that ships."""
    from tenfold.serving.model import open_classifier

    client = serve(open_classifier(None))
    assert client.get("/v2").json()["models"] == ["reader-digits"]
    described = client.get("/openapi.json").json()["paths"]

    def form(value):
        if isinstance(value, dict):
            return {name: form(each) for name, each in value.items() if name != "parameters"}
        return [form(each) for each in value] if isinstance(value, list) else type(value)

    for path, methods in described.items():
        for method, operation in methods.items():
            asked = {}
            if method == "post":
                asked = {
                    "json": operation["requestBody"]["content"].get("application/json", {}).get("example")
                }
            content = operation["responses"]["200"]["content"]
            if path == "/v1/read" or "application/json" not in content:
                continue
            answer = client.request(method, path.replace("{model}", "reader-digits"), **asked)
            assert form(answer.json()) == form(content["application/json"]["example"]), path


def test_the_documentation_needs_no_script_and_no_host(client):
    page = client.get("/docs").text

    assert "POST /v1/read" in page
    assert "GET /metrics" in page
    assert "tenfold_requests_total{method=&quot;POST&quot;" in page
    assert 'id="problem-too-large"' in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_reports_are_shown_and_their_figures(client):
    index = client.get("/studies").text
    assert 'href="studies/lin/"' in index
    page = client.get("/studies/lin/")
    assert page.status_code == 200
    assert "<h2>" in page.text
    assert "<table>" in page.text
    assert "<script" not in page.text
    assert 'style="' not in page.text
    for figure in re.findall(r'src="(figures/[^"]+)"', page.text):
        assert client.get(f"/studies/lin/{figure}").status_code == 200


def test_pages_beside_the_studies_are_reports_too(serve, tmp_path):
    for name in ("exports", "recipes", "service", "soak", "benchmarks"):
        (tmp_path / f"{name}.md").write_text(f"# What {name} says\n\nText.\n")
    (tmp_path / "lin").mkdir()
    (tmp_path / "lin" / "README.md").write_text("# Lin\n")
    (tmp_path / "page").mkdir()
    (tmp_path / "README.md").write_text("# Not a report\n")
    (tmp_path / "recipes.json").write_text("{}")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "odd.png").write_bytes(b"no figure of a report")
    client = serve(results=str(tmp_path))

    index = client.get("/studies").text

    found = re.findall(r'href="studies/([^"]+)/">([^<]+)<', index)
    assert found == [
        ("lin", "Lin"),
        *((name, f"What {name} says") for name in ("benchmarks", "exports", "recipes", "service", "soak")),
    ]
    for name, title in found:
        assert f"<h1>{title}</h1>" in client.get(f"/studies/{name}/").text
    for path in ("README", "page", "exports.md", "recipes.json", "recipes/figures/odd.png"):
        assert client.get(f"/studies/{path}/").status_code == 404
    assert client.get("/studies/recipes/figures/odd.png").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/v2/health/live", "/v2/health/ready", "/studies", "/docs", "/nowhere"]
)
def test_head_is_get_without_a_body(client, path):
    got, headed = client.get(path), client.head(path)

    assert (headed.status_code, headed.content) == (got.status_code, b"")
    for answer in (got, headed):
        assert answer.headers.pop("x-request-id")
    assert dict(headed.headers) == dict(got.headers)
    assert int(headed.headers["content-length"]) == len(got.content) > 0


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/docs", "GET, HEAD"), ("PUT", "/v2/health/live", "GET, HEAD"), ("GET", "/v1/read", "POST")],
)
def test_who_asks_with_a_wrong_method_is_told_the_right_ones(client, method, path, allowed):
    answer = client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    for each in allowed.split(", "):
        assert client.request(each, path).status_code != 405


def test_head_is_counted_under_its_route(serve):
    client = serve()
    client.head("/v2/health/live")

    headed = client.head("/metrics")

    assert (headed.status_code, headed.content) == (200, b"")
    assert 'tenfold_requests_total{method="HEAD",route="/v2/health/live",status="200"} 1.0' in (
        client.get("/metrics").text
    )
    assert client.head("/v1/read").status_code == 405


def test_without_reports_the_page_says_how_to_show_some(serve):
    assert "--results" in serve().get("/studies").text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:b)"]
)
def test_markdown_lets_no_html_through(text):
    from tenfold.serving.markup import markdown

    found = markdown(f"Before\n\n{text}\n\nin {text} line\n")
    assert "<script" not in found
    assert "<img" not in found
    assert "href" not in found


def test_tables_of_markdown_have_names_of_their_own_and_no_empty_headings():
    from tenfold.serving.markup import markdown

    found = markdown("|  | Error |\n|---|---|\n| a | 1 |\n\n| Name |\n|---|\n| b |\n")

    assert 'aria-label="Table 1"' in found
    assert 'aria-label="Table 2"' in found
    assert re.findall("<th>(.*?)</th>", found) == ["Error", "Name"]
    assert found.count("<td></td>") == 1


def test_an_onnx_export_serves_and_its_module_beside_it_draws(tmp_path, of_fast):
    from tenfold.export import export
    from tenfold.serving.model import open_classifier

    export(of_fast, "onnx", tmp_path / "net.onnx")
    export(of_fast, "js", tmp_path / "net.mjs")
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)

    exported = open_classifier(str(tmp_path / "net.onnx"))
    of_fast.save(tmp_path / "net")
    folder = open_classifier(str(tmp_path / "net"))

    np.testing.assert_allclose(exported.predict(images), folder.predict(images), atol=1e-4)
    assert exported.classes == folder.classes == tuple("0123456789")
    assert exported.module == folder.module
    assert b"export function classify" in exported.module


@pytest.fixture
def of_fast():
    from tenfold import Model
    from tenfold.networks import NETWORKS
    from tenfold.training import INITIALIZERS, initial_weights

    return Model(NETWORKS["fast"], initial_weights(NETWORKS["fast"], INITIALIZERS["torch"], 0))


def test_a_file_that_is_no_model(tmp_path):
    from tenfold.errors import ServingError
    from tenfold.serving.model import open_classifier

    (tmp_path / "x.onnx").write_bytes(b"no")
    with pytest.raises(ServingError, match="no ONNX file"):
        open_classifier(str(tmp_path / "x.onnx"))
