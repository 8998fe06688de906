"""Checks of the texts that a description is made of: pointers, templates, paths, headers, addresses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from jobs.apis.described.placeholders import Placeholder, is_variable, parts
from jobs.apis.described.problems import Path, Problem
from jobs.apis.schema import closest

RESERVED: Final = frozenset({"by", "field", "fields", "ids", "value"})
"""Names in braces that are no variables: they are filled by the request that they stand in."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")  # RFC 6901
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
_HEADER_VALUE: Final = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?")  # RFC 9110, 5.5
_PATH: Final = re.compile(r"/[^\s#\\]*")
_CONNECTION: Final = frozenset(
    {"connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the braces of a text may name.

    Attributes:
        variables: that have a value there.
        filled: reserved names that the request fills.
        of_record: headers and pointers of the record that was read may be named, too.
    """

    variables: frozenset[str]
    filled: frozenset[str] = frozenset()
    of_record: bool = False

    def filling(self, *names: str) -> "Scope":
        """Return this scope with reserved names that are filled."""
        return Scope(self.variables, frozenset(names), self.of_record)

    def with_record(self) -> "Scope":
        """Return this scope with the record that was read."""
        return Scope(self.variables, self.filled, of_record=True)


def pointer(path: Path, text: str, *, or_header: bool = False) -> Iterator[Problem]:
    """Check a JSON Pointer; or the name of a header behind an `@`, where `or_header` allows it."""
    if or_header and text.startswith("@"):
        yield from header_name(path, text[1:])
    elif not _POINTER.fullmatch(text):
        header = ", or a header like @X-Request-Id" if or_header else ""
        yield Problem(path, f"write a JSON Pointer like /a/b, with ~1 for / and ~0 for ~ in a name{header}")


def member(path: Path, text: str) -> Iterator[Problem]:
    """Check a pointer that must lead to a member, and not to the whole."""
    yield from pointer(path, text)
    if not text:
        yield Problem(path, "write a JSON Pointer to a member, like /a/b")


def template(path: Path, text: str, scope: Scope) -> Iterator[Problem]:
    """Check the braces of a text."""
    try:
        found = parts(text)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    for each in found:
        if isinstance(each, Placeholder):
            yield from _placeholder(path, each, scope)


def _placeholder(path: Path, found: Placeholder, scope: Scope) -> Iterator[Problem]:
    name = found.name
    if not found.is_variable:
        if not scope.of_record:
            yield Problem(path, f"`{{{name}}}` stands for what was read; it is filled in `precondition` only")
        yield from pointer(path, name, or_header=True)
    elif name in RESERVED - scope.filled:
        yield Problem(path, f"`{{{name}}}` is not filled here")
    elif name not in scope.variables | scope.filled:
        near = closest(name, sorted(scope.variables | scope.filled))
        hint = f"did you mean `{{{near}}}`?" if near else 'declare it: variables = { name = "" }'
        yield Problem(path, f"there is no variable `{name}` here; {hint}")


def url_path(path: Path, text: str, scope: Scope) -> Iterator[Problem]:
    """Check the path of a request."""
    if not _PATH.fullmatch(text) or not text.isascii():
        yield Problem(path, "write a path that begins with /, without blanks and without #")
    yield from template(path, text, scope)


def header_name(path: Path, name: str) -> Iterator[Problem]:
    """Check the name of a header."""
    if not _HEADER_NAME.fullmatch(name):
        yield Problem(path, "this is no name of a header: letters, digits and hyphens, without the colon")


def headers(path: Path, table: Mapping[str, str], scope: Scope) -> Iterator[Problem]:
    """Check a table of headers."""
    yield from same_names(path, table)
    for name, value in table.items():
        yield from header_name((*path, name), name)
        yield from template((*path, name), value, scope)
        if name.lower() in _CONNECTION:
            yield Problem((*path, name), "this header is set for every request by itself: remove it")
        if not _HEADER_VALUE.fullmatch(value):
            yield Problem((*path, name), "the value of a header is one line of ASCII without blanks at its ends")


def same_names(path: Path, names: Iterable[str]) -> Iterator[Problem]:
    """Find headers whose names differ in case only."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            yield Problem((*path, name), "this header stands there twice: capitals make no difference")
        seen.add(name.lower())


def texts(path: Path, table: Mapping[str, str], scope: Scope) -> Iterator[Problem]:
    """Check the values of a table of templates."""
    for name, value in table.items():
        yield from template((*path, name), value, scope)


def values(path: Path, value: object, scope: Scope) -> Iterator[Problem]:
    """Check every text in a value of JSON as a template."""
    if isinstance(value, str):
        yield from template(path, value, scope)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from values((*path, key), each, scope)
    elif isinstance(value, tuple | list):
        for position, each in enumerate(value):
            yield from values((*path, position), each, scope)


def variable_names(path: Path, names: Iterable[str]) -> Iterator[Problem]:
    """Check the names of variables that are declared."""
    for name in names:
        if not is_variable(name):
            yield Problem((*path, name), "the name of a variable has letters, digits and _ only")
        elif name in RESERVED:
            yield Problem((*path, name), f"`{name}` is taken: it stands for what a request fills in")


def address(path: Path, text: str, defaults: Mapping[str, str]) -> Iterator[Problem]:
    """Check the address of an API or of a token endpoint. A variable without a default may be anything."""
    try:
        found = parts(text)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    filled = "".join(defaults.get(each.name, "") or "x" if isinstance(each, Placeholder) else each for each in found)
    if isinstance(found[0], Placeholder) and not defaults.get(found[0].name):
        filled = f"https://{filled}"  # it comes whole, with the scheme
    yield from _address(path, filled)


def _address(path: Path, url: str) -> Iterator[Problem]:
    try:
        address = urlsplit(url)
        host, _ = address.hostname, address.port
    except ValueError:
        host = None
    if host is None or address.scheme not in {"http", "https"} or not url.isprintable() or " " in url:
        yield Problem(path, "write an address like https://api.example.com/v1")
    elif address.query or address.fragment or address.username is not None:
        yield Problem(path, "an address has no query, no # and no credential in it")
    elif address.scheme == "http" and host not in _LOOPBACK:
        yield Problem(path, "the credential would travel in the clear: write https")
