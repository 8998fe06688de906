"""XML as a stream, in bounded memory, without anything that a document could make grow or fetch.

A document type declaration is refused, and with it every entity of one's own (XXE, "billion laughs"). One tag, one
comment and the depth of elements are bounded; so is a text, by whoever collects it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple
from xml.parsers import expat

from jobs.formats.errors import InputRefused
from jobs.formats.xlsx.package import DAMAGED, Part

Attributes = Mapping[str, str]

MAIN: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
"""The namespace of sheets, and the one of "Strict Open XML"."""

_RELATIONSHIPS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"

MAX_DEPTH: Final = 64
"""Elements within each other; a sheet has less than ten."""

CHUNK: Final = 1 << 16
"""Bytes that are parsed at once: between two steps nothing has grown by more than a small multiple of it."""

_LONGEST_TAG: Final = 1 << 20
"""Bytes of one tag or comment: the parser keeps it whole."""


_MAX_NAMES: Final = 10_000
"""Different names (of elements, attributes, namespaces): the parser keeps each to the end; a workbook has hundreds."""


class Element(NamedTuple):
    """The start of an element; the name is bare for those of a workbook's own namespaces."""

    parent: str
    name: str
    attributes: Attributes


def steps(
    part: Part,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], object],
    text: Callable[[str], object] | None = None,
) -> Iterator[None]:
    """Parse a part, and give way after each piece of it, so that the caller can hand on what the callbacks found.

    Args:
        part: is read to its end.
        start: is called with the name of each element (`NAMESPACE NAME`) and its attributes.
        end: is called with its name.
        text: is called with pieces of text.

    Raises:
        InputRefused: it is not XML, or XML that no workbook has.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartNamespaceDeclHandler = lambda *_: None  # for `intern` to have its names, too
    parser.StartDoctypeDeclHandler = lambda *_: _refuse(part, "a document type declaration")
    fed = 0
    try:
        while data := part.read(CHUNK):
            parser.Parse(data, False)
            fed += len(data)
            if fed - parser.CurrentByteIndex > _LONGEST_TAG:
                _refuse(part, "a tag or a comment of more than 1 MiB")
            if len(parser.intern) > _MAX_NAMES:
                _refuse(part, f"more than {_MAX_NAMES:,} different names")
            yield
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: an encoding that it cannot read
        raise InputRefused(f"{DAMAGED}: part `{part.name}` is not XML ({error}).") from None
    yield


def elements(part: Part) -> Iterator[Element]:
    """Yield the elements of a small part, in the order in which they begin.

    Raises:
        InputRefused: see `steps`.
    """
    path = [""]
    found: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        bare = bare_name(name)
        found.append(Element(path[-1], bare, attributes))
        path.append(bare)
        if len(path) > MAX_DEPTH:
            _refuse(part, f"elements more than {MAX_DEPTH} deep")

    for _ in steps(part, start, lambda _: path.pop()):
        yield from found
        found.clear()


def bare_name(name: str) -> str:
    """Drop the namespace of `NAMESPACE NAME` if it is one of those that sheets are made of."""
    namespace, _, local = name.rpartition(" ")
    return local if namespace in MAIN or namespace == _RELATIONSHIPS else name


def flag(attributes: Attributes, name: str) -> bool:
    """Read a boolean attribute of XML Schema; a missing one is false."""
    return attributes.get(name) in {"1", "true"}


def _refuse(part: Part, what: str) -> None:
    raise InputRefused(f"part `{part.name}` of the workbook has {what}: no spreadsheet program writes that.")
