from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.report.prose import escape_markdown, to_html, to_markdown, to_text


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("plain", "<p>plain</p>"),
        ("a **bold** and *leaning* word", "<p>a <strong>bold</strong> and <em>leaning</em> word</p>"),
        ("**bold with *leaning* inside**", "<p><strong>bold with <em>leaning</em> inside</strong></p>"),
        ("`a < b`", "<p><code>a &lt; b</code></p>"),
        ("``a ` b``", "<p><code>a ` b</code></p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        (r"\*not leaning\*", "<p>*not leaning*</p>"),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("- a\n- b\n  goes on", "<ul><li>a</li><li>b goes on</li></ul>"),
        ("It holds:\n1. a\n2. b", "<p>It holds:</p>\n<ol><li>a</li><li>b</li></ol>"),
        ("[here](#known)", '<p><a href="#known">here</a></p>'),
        ("[paper](https://arxiv.org/abs/1)", '<p><a href="https://arxiv.org/abs/1">paper</a></p>'),
        ("[file](results/lin.md)", '<p><a href="results/lin.md">file</a></p>'),
    ],
)
def test_html(written, drawn):
    assert to_html(written, {"known"}) == drawn


@pytest.mark.parametrize(
    "written", ["[x](#unknown)", "[x](javascript:alert)", "[x](data:text/html,y)", "[x](//host/y:z)"]
)
def test_a_link_that_leads_nowhere_safe_is_its_text(written):
    assert to_html(written, {"known"}) == "<p>x</p>"
    assert to_markdown(written, {"known"}) == "x"


def test_markdown_says_the_same_again():
    written = "a **bold** `code` and *leaning* [link](#known)\n\n- one\n- two"
    assert to_markdown(written, {"known"}) == written


def test_what_markdown_would_read_as_a_mark_is_escaped():
    assert escape_markdown("a_b <i> c|d $x$ &amp; e & f") == r"a\_b &lt;i&gt; c\|d \$x\$ &amp;amp; e & f"
    assert to_markdown("# no heading", set()) == r"\# no heading"
    assert to_markdown("3) no list", set()) == r"3\) no list"


def test_plain_text_has_no_marks():
    assert to_text("a **bold** `code`\n\n- [one](#x)\n- two") == "a bold code one two"


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.said = set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.said += data


@given(st.text(alphabet="ab*`[]()#<>&\"'\\/:- \n1.", max_size=60) | st.text())
def test_whatever_is_written_no_other_element_comes_out(written):
    page = Text()
    page.feed(to_html(written, {"a"}))
    page.close()
    assert page.tags <= {"p", "ul", "ol", "li", "strong", "em", "code", "a"}


@given(st.text(alphabet=st.characters(exclude_characters="\\`*[]\n\r", categories=("L", "N", "S", "Zs"))))
def test_unmarked_text_comes_out_as_it_went_in(written):
    page = Text()
    page.feed(to_html("x " + written, set()))
    page.close()
    assert page.said.split() == ["x", *written.split()]
