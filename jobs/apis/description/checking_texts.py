"""Checks of the texts that a description is made of: pointers, templates, paths, headers, addresses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from jobs.apis.description.templates import TRANSFORMS, Hole, Template
from jobs.apis.description.templates import template as parsed
from jobs.apis.description.types import TYPE
from jobs.apis.header_values import unsendable
from jobs.apis.schema import closest
from jobs.toml.problems import Path, Problem
from jobs.values import valueclass

RESERVED: Final = frozenset({"by", "field", "fields", "ids", "value", TYPE})
"""Names in braces that are no variables: they are filled by the request that they stand in."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")  # RFC 6901
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
_PATH: Final = re.compile(r"/[^\s#\\]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@valueclass(frozen=True, slots=True)
class Scope:
    """What the braces of a text may name.

    Attributes:
        keys: variables that columns fill.
        declared: variables with one value for a run that the description itself names.
        filled: reserved names that the request fills.
        of_record: headers and pointers of the record that was read may be named, too.
        unset: variables without a value unless the user gives one. What names one is left out, but no path can be.
    """

    keys: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    of_record: bool = False
    unset: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every name that has a value there."""
        return self.keys | self.declared | self.filled

    def filling(self, *names: str) -> "Scope":
        """Return this scope with further reserved names that are filled."""
        return replace(self, filled=self.filled.union(names))

    def with_record(self) -> "Scope":
        """Return this scope with the record that was read."""
        return replace(self, of_record=True)


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
    """Check the braces of a text: each pair holds one name, and those that stay are pairs around others."""
    found = parsed(text)
    if not _is_balanced(found):
        yield Problem(path, "a brace has no partner")
    for hole in found.holes:
        yield from _hole(path, hole, scope)


def _is_balanced(found: Template) -> bool:
    """Return whether the braces that stay in a text are pairs: `{{by}}` is the name of a field, in braces."""
    depth = 0
    for brace in "".join(part for part in found.parts if isinstance(part, str)):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


def _hole(path: Path, hole: Hole, scope: Scope) -> Iterator[Problem]:
    name = hole.name
    if name.startswith(("@", "/")):
        if not scope.of_record:
            yield Problem(path, f"`{{{name}}}` stands for what was read; it is filled in `precondition` only")
        yield from pointer(path, name, or_header=True)
    elif not _VARIABLE.fullmatch(name):
        yield Problem(path, "braces hold the name of a variable (letters, digits, _), a @Header or a /pointer")
    elif name in RESERVED - scope.filled:
        yield Problem(path, f"`{{{name}}}` is not filled here")
    elif name not in scope.names:
        yield _unknown(path, name, scope)
    if unknown := [each for each in hole.transforms if each not in TRANSFORMS]:
        yield Problem(path, f"there is no transform `{unknown[0]}`; there are {', '.join(TRANSFORMS)}")


def _unknown(path: Path, name: str, scope: Scope) -> Problem:
    """Return what to say of a variable that only --set or the environment can give, if it is not mistyped."""
    near = closest(name, sorted(scope.names))
    meant = f"did you mean `{{{near}}}`?" if near else ""
    if scope.keys:
        said = meant or "name it in the `path` of the resource, or give it a value in `variables`"
        return Problem(path, f"nothing gives `{name}` a value here; {said}")
    also = f"; {meant}" if meant else ""
    return Problem(path, f"only --set {name}=… can give `{name}` a value{also}", is_warning=True)


def url_path(path: Path, text: str, scope: Scope) -> Iterator[Problem]:
    """Check the path of a request."""
    if not _PATH.fullmatch(text) or not text.isascii():
        yield Problem(path, "write a path that begins with /, without blanks and without #")
    yield from template(path, text, replace(scope, declared=scope.declared - scope.unset))


def header_name(path: Path, name: str) -> Iterator[Problem]:
    """Check the name of a header."""
    if not _HEADER_NAME.fullmatch(name):
        yield Problem(path, "this is no name of a header: letters, digits and hyphens, without the colon")


def headers(path: Path, table: Mapping[str, str], scope: Scope) -> Iterator[Problem]:
    """Check a table of headers."""
    yield from same_names(path, table)
    for name, value in table.items():
        if why := unsendable({name: value}):
            yield Problem((*path, name), why)
        yield from template((*path, name), value, scope)


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
        if not _VARIABLE.fullmatch(name):
            yield Problem((*path, name), "the name of a variable has letters, digits and _ only")
        elif name in RESERVED:
            yield Problem((*path, name), f"`{name}` is taken: it stands for what a request fills in")


def address(path: Path, text: str, scope: Scope, defaults: Mapping[str, str]) -> Iterator[Problem]:
    """Check the address of an API or of a token endpoint. A variable without a default may be anything."""
    faults = list(template(path, text, scope))
    yield from faults
    if faults:
        return
    found = parsed(text)
    filled = found.fill({name: defaults.get(name) or "x" for name in found.names})
    first = found.parts[1] if len(found.parts) > 1 and not found.parts[0] else None
    if isinstance(first, Hole) and not defaults.get(first.name):
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
