"""SVG drawings made fit to stand inside a page, many at a time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"#([A-Za-z_][\w.:-]*)")


def inline(svg: str, *, prefix: str, label: str) -> str:
    """Return `svg` ready for the body of an HTML page.

    Its ids become unique in the page, its size follows the page, and what could run or fetch is refused.

    Parameters
    ----------
    svg : str
        A whole SVG document or element.
    prefix : str
        Unique in the page; put before each id that something in the drawing refers to. Other ids are dropped.
    label : str
        What the drawing shows.

    Raises
    ------
    ValueError
        It is not well-formed SVG, or it holds a script, an event handler or something from elsewhere.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"Expected an SVG drawing, got XML that is not well formed ({error}).") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise ValueError(f"Expected an <svg> element in the SVG namespace, got {root.tag!r}.")
    for parent in root.iter():
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}title", f"{{{_SVG}}}desc"} and parent is root:
                parent.remove(child)
    used = set()
    for element in root.iter():
        _check(element)
        for text in (*element.attrib.values(), _style(element)):
            used.update(_REFERENCE.findall(text))
    ids = {element.get("id", "") for element in root.iter()} & used

    def renamed(text: str) -> str:
        return _REFERENCE.sub(lambda m: f"#{prefix}-{m[1]}" if m[1] in ids else m[0], text)

    for element in root.iter():
        name = element.attrib.pop("id", "")
        attributes = {key: renamed(value) for key, value in element.attrib.items()}
        if f"{{{_XLINK}}}href" in attributes:
            attributes["href"] = attributes.pop(f"{{{_XLINK}}}href")
        element.attrib.clear()
        element.attrib.update(attributes)
        if name in ids:
            element.set("id", f"{prefix}-{name}")
        if style := _style(element):
            element.text = renamed(style)
    width = _width(root)
    for name in ("width", "height", "version", "aria-labelledby", "aria-describedby"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    if width:
        root.set("style", f"--natural-width: {width:g}px")
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _style(element: ElementTree.Element) -> str:
    return (element.text or "") if element.tag == f"{{{_SVG}}}style" else ""


def _width(root: ElementTree.Element) -> float:
    """Return the width in CSS pixels; a drawing without a view box gets one, so that it can be scaled."""
    size = [re.fullmatch(r"([\d.]+)(px|pt|)", root.get(name, "").strip()) for name in ("width", "height")]
    box = root.get("viewBox", "").replace(",", " ").split()
    if size[0] and size[1] and not box:
        root.set("viewBox", f"0 0 {size[0][1]} {size[1][1]}")
    if size[0]:
        return float(size[0][1]) * (4 / 3 if size[0][2] == "pt" else 1)
    return float(box[2]) if len(box) == 4 else 0.0


def _check(element: ElementTree.Element) -> None:
    name = str(element.tag).rpartition("}")[2].lower()
    if name in {"script", "foreignobject", "iframe"}:
        raise ValueError(f"A drawing may not hold <{name}>.")
    for key, value in element.attrib.items():
        attribute = key.rpartition("}")[2].lower()
        if attribute.startswith("on"):
            raise ValueError(f"A drawing may not hold the event handler {attribute!r}.")
        if attribute in {"href", "src"} and not value.startswith(("#", "data:image/")):
            raise ValueError(f"A drawing may not fetch anything; it refers to {value!r}.")
    for text in (*element.attrib.values(), _style(element)):
        if re.search(r"@import|url\(\s*['\"]?(?!\s*['\"]?(#|data:image/))", text):
            raise ValueError(f"A drawing may not fetch anything; its style says {text[:60]!r}.")
