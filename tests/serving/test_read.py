import pytest


def test_a_body_or_a_form(client):
    body = client.post("/v1/read?error_rate=0.05&images=true", content=b"fine")
    form = client.post(
        "/v1/read",
        files={"file": ("C:\\scans\\../../etc/a.png", b"fine")},
        data={"error_rate": "0.05", "images": "true"},
    )

    assert (body.status_code, form.status_code) == (200, 200)
    wanted = {"task": "read", "images": True, "previews": False, "error_rate": 0.05}
    assert body.json()["options"] == {**wanted, "name": "upload"}
    assert form.json()["options"] == {**wanted, "name": "a.png"}


def test_a_form_template_as_text_or_file(client):
    file = ("a.png", b"fine", "image/png")
    text = client.post("/v1/read", files={"file": file}, data={"form": "[fields]"})
    uploaded = client.post("/v1/read", files={"file": file, "form": ("exam.toml", b"[fields]")})

    assert text.json()["options"]["form"] == uploaded.json()["options"]["form"] == "[fields]"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?error_rate=2", "between 0 and 1"),
        ("?error_rate=x", "between 0 and 1"),
        ("?eror_rate=1", "eror_rate"),
    ],
)
def test_wrong_options(client, query, says):
    answer = client.post(f"/v1/read{query}", content=b"fine")

    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_form_without_a_file(client):
    answer = client.post("/v1/read", files={"picture": ("a.png", b"fine")})

    assert answer.status_code == 400
    assert "'file'" in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"bad", b"crash"])
def test_a_file_that_cannot_be_read_is_the_clients_error_and_the_next_is_read(client, content):
    answer = client.post("/v1/read", content=content)

    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#problem-unreadable")
    assert client.post("/v1/read", content=b"fine").status_code == 200


def test_no_address_is_fetched_and_no_path_is_opened(client):
    for asked in ("?url=http://127.0.0.1/", "?path=/etc/passwd", "?file=/etc/passwd"):
        assert client.post(f"/v1/read{asked}", content=b"fine").status_code == 400
