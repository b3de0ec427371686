"""The board under a finger and a pen, in a real browser: events as the browser itself makes them."""

import pytest

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]
SEVEN = [(0.9, 0.2), (1.05, 0.2), (1.2, 0.2), (1.1, 0.5), (1.0, 0.8)]
"""Strokes in units of the board's height."""


@pytest.fixture
def kinds():
    """Return the script that notes the kinds of the pointers that the board meets."""
    return """() => {
      window.kinds = [];
      for (const type of ["pointerdown", "pointerup", "pointercancel"]) {
        document.querySelector("#board").addEventListener(type, (event) => {
          window.kinds.push(`${event.pointerType} ${type.slice(7)}`);
        });
      }
    }"""


def points(page, stroke):
    page.locator("#board").scroll_into_view_if_needed()
    box = page.locator("#board").bounding_box()
    return [(box["x"] + box["height"] * x, box["y"] + box["height"] * y) for x, y in stroke]


def touch(page, stroke, *, end="touchEnd"):
    """Draw a stroke with a finger."""
    browser = page.context.new_cdp_session(page)
    kind = "touchStart"
    for x, y in points(page, stroke):
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        kind = "touchMove"
    browser.send("Input.dispatchTouchEvent", {"type": end, "touchPoints": []})


def write(page, stroke):
    """Draw a stroke with a pen."""
    browser = page.context.new_cdp_session(page)
    places = points(page, stroke)
    kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1), "mouseReleased"]
    for kind, (x, y) in zip(kinds, [*places, places[-1]], strict=True):
        button = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        given = {"type": kind, "x": x, "y": y, "pointerType": "pen", "force": 0.5, **button}
        browser.send("Input.dispatchMouseEvent", given)


@pytest.mark.parametrize(("draw", "kind"), [(touch, "touch"), (write, "pen")])
def test_digits_are_drawn_and_the_page_stays(open_page, kinds, draw, kind):
    page = open_page(viewport={"width": 800, "height": 400}, has_touch=True)
    page.evaluate(kinds)
    draw(page, ONE)
    scrolled = page.evaluate("scrollY")
    playwright.expect(page.locator("#reading")).to_have_text("1")
    draw(page, SEVEN)

    playwright.expect(page.locator("#reading")).to_have_text("17")
    assert page.evaluate("kinds") == [f"{kind} down", f"{kind} up"] * 2
    assert page.evaluate("scrollY") == scrolled


def test_a_finger_that_the_system_takes_away_leaves_nothing(open_page, kinds):
    page = open_page(has_touch=True)
    page.evaluate(kinds)
    touch(page, ONE)
    playwright.expect(page.locator("#reading")).to_have_text("1")

    touch(page, SEVEN, end="touchCancel")

    # The page's policy forbids what would let the browser wait for it.
    for _ in range(50):
        page.wait_for_timeout(100)
        if page.evaluate("kinds.at(-1)") == "touch cancel":
            break
    assert page.evaluate("kinds.at(-1)") == "touch cancel"
    page.wait_for_timeout(500)
    assert page.locator("#reading").inner_text() == "1"
    # The board waits for no finger that has gone.
    touch(page, SEVEN)
    playwright.expect(page.locator("#reading")).to_have_text("17")


def test_a_second_finger_draws_nothing(open_page):
    page = open_page(has_touch=True)
    browser = page.context.new_cdp_session(page)
    first = [{"x": x, "y": y, "id": 0} for x, y in points(page, ONE)]
    second = [{"x": x, "y": y, "id": 1} for x, y in points(page, SEVEN[::2])]
    browser.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": first[:1]})
    browser.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [first[0], second[0]]})
    for place in (1, 2):
        both = [first[place], second[place]]
        browser.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": both})
    browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    playwright.expect(page.locator("#reading")).to_have_text("1")
    page.click("#undo")
    assert page.is_disabled("#undo")


def test_the_pen_is_as_wide_as_its_control_says(open_page):
    page = open_page()
    widths = []
    for key, steps in (("Home", 0), ("End", 0), ("ArrowLeft", 4)):
        page.focus("#pen")
        for _ in range(steps or 1):
            page.keyboard.press(key)
        write(page, ONE)
        widths.append(
            page.evaluate(
                """() => {
                  const board = document.querySelector("#board"), { width, height } = board;
                  const middle = board.getContext("2d").getImageData(0, height >> 1, width, 1).data;
                  return middle.filter((value, place) => place % 4 === 3 && value > 127).length / height;
                }"""
            )
        )
        page.click("#clear")

    # From 2 to 14 hundredths of the board's height, as the control says.
    assert widths == pytest.approx([0.02, 0.14, 0.10], abs=0.01)
