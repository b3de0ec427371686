import re
from xml.etree import ElementTree

import pytest

from tenfold.report.svg import inline

WRAP = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'width="72pt" height="36pt">{}</svg>'
)


def test_ids_are_made_unique_with_all_that_refers_to_them():
    body = (
        "<style>#a { fill: red }</style>"
        '<defs><path id="a" d="M0 0"/><clipPath id="b"/><g id="unused"/></defs>'
        '<use xlink:href="#a" clip-path="url(#b)" fill="#abc"/>'
    )
    drawn = inline(WRAP.format(body), prefix="f1", label="x")
    assert re.findall(r'id="(.*?)"', drawn) == ["f1-a", "f1-b"]
    assert 'href="#f1-a"' in drawn
    assert "url(#f1-b)" in drawn
    assert "#f1-a { fill: red }" in drawn
    assert 'fill="#abc"' in drawn
    assert "xlink" not in drawn


def test_the_size_follows_the_page_and_the_label_is_told():
    root = ElementTree.fromstring(inline(WRAP.format(""), prefix="f", label='a "quoted" <label>'))
    assert root.get("viewBox") == "0 0 72 36"
    assert root.get("width") is None
    assert root.get("style") == "--natural-width: 96px"
    assert (root.get("role"), root.get("aria-label")) == ("img", 'a "quoted" <label>')


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '<g onclick="alert(1)"/>',
        '<image href="https://example.org/a.png"/>',
        '<a xlink:href="javascript:alert(1)"/>',
        "<style>@import 'x.css'</style>",
        '<g style="fill: url(https://example.org/a.svg#b)"/>',
        "<foreignObject/>",
    ],
)
def test_what_runs_or_fetches_is_refused(body):
    with pytest.raises(ValueError, match="may not"):
        inline(WRAP.format(body), prefix="f", label="x")


@pytest.mark.parametrize("text", ["<svg", "<html/>", "<svg/>"])
def test_what_is_no_svg_is_refused(text):
    with pytest.raises(ValueError, match="Expected an"):
        inline(text, prefix="f", label="x")
