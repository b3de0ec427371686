"""Templates as TOML, in and out."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tenfold.data.formats.files import atomic
from tenfold.errors import FormError, TenfoldError
from tenfold.reading.forms.sums import Sum
from tenfold.reading.forms.template import Field, Template

T = TypeVar("T")


def load_template(path: str | Path) -> Template:
    """Return the template that a TOML file describes.

    Raises
    ------
    FormError
        The file is missing or no TOML, or a key or value is wrong; the message names file, field and key.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise FormError(
            f"There is no file {path}. Draft one from a blank form: tenfold form new IMAGE."
        ) from None
    except OSError as error:
        raise FormError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise FormError(f"{path} is no template: it is no UTF-8 text.") from None
    try:
        return from_dict(tomllib.loads(text), path.parent)
    except (tomllib.TOMLDecodeError, TenfoldError) as error:
        raise FormError(f"{path}: {error}") from None


def from_dict(values: Mapping[str, Any], folder: Path = Path()) -> Template:
    """Return the template that the tables of a TOML file describe.

    Parameters
    ----------
    values : mapping
        As `tomllib` gives it.
    folder : Path
        Where files that the template names lie.

    Raises
    ------
    FormError
        A key or value is wrong; the message names the field and the key.
    """
    top = _Table("", values, ("name", "page", "field", "sum", "rule", "mark"))
    page = _Table("page", top.take("page", _table), ("size", "unit"))
    return Template(
        size=page.take("size", _numbers(2)),
        unit=page.take("unit", _text, "mm"),
        fields=tuple(_field(index, item, folder) for index, item in enumerate(top.tables("field"), 1)),
        sums=tuple(_sum(item) for item in top.tables("sum")),
        rules=tuple(_Table("rule", item, ("line",)).take("line", _numbers(4)) for item in top.tables("rule")),
        marks=tuple(_Table("mark", item, ("box",)).take("box", _numbers(4)) for item in top.tables("mark")),
        name=top.take("name", _text, ""),
    )


def to_toml(template: Template) -> str:
    """Return a template as TOML, which `load_template` reads back as the same."""
    lines = [f"name = {_written(template.name)}", "", "[page]"]
    lines += [f"size = {_written(template.size)}  # millimeters", f"unit = {_written(template.unit)}"]
    for item in template.fields:
        lines += ["", "[[field]]"]
        for key in _FIELD:
            value = getattr(item, key)
            if value is not None and (key in ("name", "box") or value != getattr(Field, key, None)):
                lines.append(f"{key} = {_written(value)}")
    for total in template.sums:
        lines += ["", "[[sum]]", f"parts = {_written(total.parts)}", f"total = {_written(total.total)}"]
    for rule in template.rules:
        lines += ["", "[[rule]]", f"line = {_written(rule)}"]
    for mark in template.marks:
        lines += ["", "[[mark]]", f"box = {_written(mark)}"]
    return "\n".join(lines) + "\n"


def save_template(template: Template, path: Path) -> None:
    """Write a template to a file, whole or not at all.

    Raises
    ------
    FormError
        The file cannot be written.
    """
    try:
        with atomic(path) as file:
            file.write(to_toml(template).encode())
    except OSError as error:
        raise FormError(
            f"{path} cannot be written: {error.strerror or error}. Choose another place."
        ) from None


_FIELD = (
    "name",
    "box",
    "cells",
    "gap",
    "printed",
    "blank",
    "length",
    "range",
    "pattern",
    "checksum",
    "values",
)


def _field(number: int, values: Mapping[str, Any], folder: Path) -> Field:
    name = values.get("name")
    table = _Table(f"field {name!r}" if isinstance(name, str) else f"field {number}", values, _FIELD)
    try:
        return Field(
            name=table.take("name", _text),
            box=table.take("box", _numbers(4)),
            cells=table.take("cells", _integer, None),
            gap=table.take("gap", _number, 0.0),
            printed=table.take("printed", _text, "cells"),
            blank=table.take("blank", _boolean, False),
            length=table.take("length", _bounds, None),
            range=table.take("range", _bounds, None),
            pattern=table.take("pattern", _text, None),
            checksum=table.take("checksum", _text, None),
            values=table.take("values", _values, None),
            folder=folder,
        )
    except TenfoldError as error:
        text = str(error)
        raise FormError(text if text.startswith(table.where) else f"{table.where}: {text}") from None


def _sum(values: Mapping[str, Any]) -> Sum:
    table = _Table("sum", values, ("parts", "total"))
    return Sum(table.take("parts", _names), table.take("total", _text))


class _Table:
    """A table of a TOML file, whose keys are checked and taken one by one."""

    def __init__(self, where: str, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
        self.where = where
        self.values = values
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                offer = f" Did you mean {near[0]!r}?" if near else ""
                raise FormError(
                    f"{self._named(key)} is no key of a template.{offer} Known: {', '.join(known)}."
                )

    def take(self, key: str, kind: Callable[[Any], T], default: Any = ...) -> T:
        """Return a value as `kind` makes it; the default where it is missing."""
        if key not in self.values:
            if default is ...:
                raise FormError(f"{self._named(key)} is missing: {kind.__doc__}.")
            given: T = default
            return given
        try:
            return kind(self.values[key])
        except (TypeError, ValueError):
            raise FormError(
                f"{self._named(key)} must be {kind.__doc__}. Got {self.values[key]!r} instead."
            ) from None

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """Return what stands under ``[[key]]``."""
        found = self.values.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
            raise FormError(f"{self._named(key)} must be written as [[{key}]], with double brackets.")
        return found

    def _named(self, key: str) -> str:
        return f"{self.where}: {key}" if self.where else key


def _text(value: Any) -> str:
    """a text in quotes, not empty"""
    if not isinstance(value, str):
        raise TypeError
    return value


def _boolean(value: Any) -> bool:
    """true or false"""
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    """a whole number"""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    """a number"""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e6:
        raise TypeError
    return float(value)


def _numbers(count: int) -> Callable[[Any], Any]:
    def numbers(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise TypeError
        return tuple(_number(item) for item in value)

    numbers.__doc__ = {
        2: "[width, height], two numbers",
        4: "four numbers in brackets",
    }[count]
    return numbers


def _bounds(value: Any) -> tuple[int, int]:
    """a whole number, or [least, most]"""
    if isinstance(value, list):
        low, high = value
        return _integer(low), _integer(high)
    return _integer(value), _integer(value)


def _names(value: Any) -> tuple[str, ...]:
    """a list of fields' names"""
    if not isinstance(value, list) or not value:
        raise TypeError
    return tuple(_text(item) for item in value)


def _values(value: Any) -> tuple[str, ...] | str:
    """a list of texts of digits, or the name of a file that lists them"""
    return value if isinstance(value, str) else _names(value)


def _table(value: Any) -> Mapping[str, Any]:
    """a table, as [page] with size = [210, 297]"""
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    return (
        f"{value:g}" if isinstance(value, float) and round(value, 4) == float(f"{value:g}") else repr(value)
    )


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in plain) + '"'
    )
