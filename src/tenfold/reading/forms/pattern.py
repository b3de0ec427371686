"""Regular expressions over digits, as automata: one digit in, another state out.

Python's `re` says whether a whole text matches; a search over what cells might hold must know after every
digit whether any match is left. So a pattern is kept as a tree, and a state is the tree of what may still
follow (its derivative by the digits so far; J. Brzozowski, 1964). On what both understand, `re.fullmatch` and
this agree; the tests look.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tenfold.errors import FormError

DIGITS = frozenset(range(10))


@dataclass(frozen=True)
class OneOf:
    """One digit of a set; of the empty set: nothing matches."""

    digits: frozenset[int]


@dataclass(frozen=True)
class Then:
    """One pattern, then another."""

    first: Node
    rest: Node


@dataclass(frozen=True)
class Either:
    """Any one of several patterns."""

    options: frozenset[Node]


@dataclass(frozen=True)
class Repeat:
    """A pattern at least `low` times and at most `high` times (None: without end)."""

    node: Node
    low: int
    high: int | None


Node = OneOf | Then | Either | Repeat
NOTHING = OneOf(frozenset())
END = Repeat(NOTHING, 0, 0)
"""What matches the empty text alone."""


def parse(text: str) -> Node:
    r"""Return the tree of a pattern.

    Parameters
    ----------
    text : str
        Digits, ``.``, ``\d``, ``[0-4]``, ``[^7]``, ``( )``, ``(?: )``, ``|``, ``*``, ``+``, ``?``, ``{2}``,
        ``{2,}``, ``{,3}`` and ``{2,3}`` mean what they mean in Python's `re`; ``^`` may open, ``$`` close it.

    Raises
    ------
    FormError
        The text holds anything else; the message names the place.
    """
    return _Parser(text).parse()


@lru_cache(maxsize=100_000)
def after(node: Node, digit: int) -> Node:
    """Return what may follow `digit`: `NOTHING` where no match is left."""
    match node:
        case OneOf(digits):
            return END if digit in digits else NOTHING
        case Then(first, rest):
            follows = _then(after(first, digit), rest)
            return _either(follows, after(rest, digit)) if can_end(first) else follows
        case Either(options):
            return _either(*(after(option, digit) for option in options))
        case Repeat(inner, low, high):
            if high == 0:
                return NOTHING
            left = Repeat(inner, max(low - 1, 0), None if high is None else high - 1)
            return _then(after(inner, digit), left)


@lru_cache(maxsize=100_000)
def can_end(node: Node) -> bool:
    """Return whether the empty text matches."""
    match node:
        case OneOf():
            return False
        case Then(first, rest):
            return can_end(first) and can_end(rest)
        case Either(options):
            return any(can_end(option) for option in options)
        case Repeat(inner, low, _):
            return low == 0 or can_end(inner)


def _then(first: Node, rest: Node) -> Node:
    if NOTHING in (first, rest):
        return NOTHING
    if _only_end(first):
        return rest
    if _only_end(rest):
        return first
    # Nested to the right, so that equal states are equal values.
    return Then(first.first, _then(first.rest, rest)) if isinstance(first, Then) else Then(first, rest)


def _either(*nodes: Node) -> Node:
    options: set[Node] = set()
    for node in nodes:
        options |= node.options if isinstance(node, Either) else {node}
    options.discard(NOTHING)
    if not options:
        return NOTHING
    return options.pop() if len(options) == 1 else Either(frozenset(options))


def _only_end(node: Node) -> bool:
    return isinstance(node, Repeat) and node.high == 0


class _Parser:
    """Recursive descent over the text of a pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def parse(self) -> Node:
        if self._next() == "^":
            self.place += 1
        node = self._options()
        if self._next() == "$" and self.place == len(self.text) - 1:
            self.place += 1
        if self.place < len(self.text):
            raise self._error("what cannot stand there")
        return node

    def _options(self) -> Node:
        options = [self._sequence()]
        while self._next() == "|":
            self.place += 1
            options.append(self._sequence())
        return _either(*options)

    def _sequence(self) -> Node:
        node: Node = END
        while self._next() not in ("", "|", ")", "$"):
            node = _then(node, self._repeated())
        return node

    def _repeated(self) -> Node:
        node = self._atom()
        symbol = self._next()
        if symbol in ("*", "+", "?"):
            self.place += 1
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[symbol]
        elif symbol == "{":
            low, high = self._bounds()
        else:
            return node
        if self._next() in ("*", "+", "?", "{"):
            raise self._error("a repetition of a repetition")
        return Repeat(node, low, high)

    def _bounds(self) -> tuple[int, int | None]:
        close = self.text.find("}", self.place)
        parts = self.text[self.place + 1 : close].split(",") if close >= 0 else []
        written = [part.isascii() and part.isdigit() for part in parts]
        if written not in ([True], [True, True]) and (len(parts) != 2 or not any(written) or "" not in parts):
            raise self._error("bounds that are not {2}, {2,}, {,3} or {2,3}")
        low = int(parts[0] or 0)
        high = int(parts[-1]) if parts[-1] else None
        if high is not None and high < low:
            raise self._error("bounds the wrong way round")
        self.place = close + 1
        return low, high

    def _atom(self) -> Node:
        symbol = self._next()
        if symbol == "(":
            start = self.place
            self.place += 3 if self.text.startswith("(?:", start) else 1
            node = self._options()
            if self._next() != ")":
                self.place = start
                raise self._error("a parenthesis that is not closed")
            self.place += 1
            return node
        if symbol == "[":
            return OneOf(self._set())
        if symbol == ".":
            self.place += 1
            return OneOf(DIGITS)
        if self.text.startswith("\\d", self.place):
            self.place += 2
            return OneOf(DIGITS)
        if symbol in "0123456789":
            self.place += 1
            return OneOf(frozenset({int(symbol)}))
        raise self._error("what is no digit, \\d, ., [...] or group")

    def _set(self) -> frozenset[int]:
        start = self.place
        self.place += 1
        turned = self._next() == "^"
        self.place += turned
        found: set[int] = set()
        while self._next() != "]":
            if self.text.startswith("\\d", self.place):
                found |= DIGITS
                self.place += 2
                continue
            low = self._next()
            if low == "":
                self.place = start
                raise self._error("a set that is not closed")
            if low not in "0123456789":
                raise self._error("what is no digit")
            high = low
            self.place += 1
            if self._next() == "-":
                high = self.text[self.place + 1 : self.place + 2]
                if high == "" or high not in "0123456789" or high < low:
                    raise self._error("a range that is not like 2-5")
                self.place += 2
            found |= set(range(int(low), int(high) + 1))
        if self.place == start + 1 + turned:
            raise self._error("an empty set")
        self.place += 1
        return frozenset(DIGITS - found if turned else found)

    def _next(self) -> str:
        return self.text[self.place : self.place + 1]

    def _error(self, what: str) -> FormError:
        rest = self.text[self.place : self.place + 8] or "the end"
        return FormError(
            "must be a pattern of digits (\\d, ., [0-4], groups, |, *, +, ?, {2,3}). "
            f"Got {self.text!r} instead, with {what} at character {self.place + 1} ({rest})."
        )
