"""Where each key of a TOML text stands. `tomllib` reads the values; it keeps no lines, so this looks for them again.

A text that TOML accepts is located whole; of one that it refuses, what can be told: a key that stands there twice is
found in this way.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from jobs.toml.problems import Path
from jobs.values import valueclass

_TOKEN: Final = re.compile(
    r'''
      (?P<space> [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<word> """ (?: \\. | [^\\] )*? """ (?!") | \'\'\' .*? \'\'\' (?!\')
              | " (?: \\. | [^"\\\n] )* " | \' [^\'\n]* \'
              | [^\s\[\]{},=."\'\#]+ )
    | (?P<mark> . )
    ''',
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int


_END: Final = _Token("", 0)


@valueclass(frozen=True, slots=True)
class Repeated:
    """A key that stands in a text for a second time, and the lines of both."""

    path: Path
    line: int
    first: int


@valueclass(frozen=True, slots=True)
class Layout:
    """Where keys stand.

    Attributes:
        lines: line of each key, table and element, from 1.
        sections: path of the table whose header a key stands below; `()` above the first one.
        headers: paths of the tables that have a header, in their order.
        repeated: the first key that stands there twice.
    """

    lines: Mapping[Path, int]
    sections: Mapping[Path, Path]
    headers: tuple[Path, ...]
    repeated: Repeated | None

    def line(self, path: Path) -> int:
        """Return the line of a value, or else of the nearest table or list that it is in."""
        nearest = (path[:length] for length in range(len(path), -1, -1))
        return next((self.lines[each] for each in nearest if each in self.lines), 1)


def layout_of(text: str) -> Layout:
    """Return where the keys of a TOML text stand."""
    return _Scan(text).layout()


class _Scan:
    """One pass over the words of a text."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._sections: dict[Path, Path] = {}
        self._headers: list[Path] = []
        self._section: Path = ()
        self._elements: Counter[Path] = Counter()
        self._written: set[Path] = set()
        self._repeated: Repeated | None = None

    def layout(self) -> Layout:
        while self._next is not _END:
            if self._next.text == "[":
                self._header()
            elif self._next.text != "\n":
                self._pair(self._section)
            self._skip_line()
        return Layout(self._lines, self._sections, tuple(self._headers), self._repeated)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _skip_line(self) -> None:
        while self._take().text not in {"\n", ""}:
            pass

    def _skip_blank_lines(self) -> None:
        while self._next.text == "\n":
            self._at += 1

    def _header(self) -> None:
        line = self._take().line
        many = self._next.text == "["
        if many:
            self._take()
        path = self._resolved(self._key(), line)
        if many:
            self._elements[path] += 1
            path = (*path, self._elements[path] - 1)
        self._headers.append(path)
        self._section = path
        self._note(path, line, path)

    def _resolved(self, key: tuple[str, ...], line: int) -> Path:
        """Return the path of a header, and locate what it leads through. A list of tables means its last one so far."""
        path: Path = ()
        for position, part in enumerate(key, start=1):
            path = (*path, part)
            self._lines.setdefault(path, line)
            if path in self._elements and position < len(key):
                path = (*path, self._elements[path] - 1)
        return path

    def _key(self) -> tuple[str, ...]:
        parts = [_unquoted(self._take().text)]
        while self._next.text == ".":
            self._take()
            parts.append(_unquoted(self._take().text))
        return tuple(parts)

    def _pair(self, table: Path) -> None:
        """Locate `key = value`."""
        line = self._next.line
        key = self._key()
        path = (*table, *key)
        for length in range(len(table) + 1, len(path)):
            self._lines.setdefault(path[:length], line)
            self._sections.setdefault(path[:length], self._section)
        self._note(path, line, self._section)
        if self._next.text == "=":
            self._take()
            self._value(path)

    def _note(self, path: Path, line: int, section: Path) -> None:
        if path in self._written and self._repeated is None:
            self._repeated = Repeated(path, line, self._lines[path])
        self._written.add(path)
        self._lines.setdefault(path, line)
        self._sections.setdefault(path, section)

    def _value(self, path: Path) -> None:
        match self._next.text:
            case "[":
                self._list(path)
            case "{":
                self._table(path)
            case _:
                while self._next.text not in {"\n", ",", "]", "}", ""}:
                    self._take()

    def _list(self, path: Path) -> None:
        self._take()
        self._skip_blank_lines()
        position = 0
        while self._next.text not in {"]", ""}:
            self._note((*path, position), self._next.line, self._section)
            self._value((*path, position))
            self._skip_blank_lines()
            if self._next.text != ",":
                break
            self._take()
            self._skip_blank_lines()
            position += 1
        self._close("]")

    def _table(self, path: Path) -> None:
        self._take()
        while self._next.text not in {"}", "\n", ""}:
            self._pair(path)
            if self._next.text != ",":
                break
            self._take()
        self._close("}")

    def _close(self, mark: str) -> None:
        if self._next.text == mark:
            self._take()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            found.append(_Token(match[0], line))
        line += match[0].count("\n")
    return found


def _unquoted(word: str) -> str:
    if word[:1] not in {'"', "'"}:
        return word
    try:
        return next(iter(tomllib.loads(f"{word} = 0")))
    except tomllib.TOMLDecodeError:
        return word
