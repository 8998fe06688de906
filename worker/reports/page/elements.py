"""HTML and SVG, element by element: text is always escaped, and there is no way to pass markup as text.

Only this module makes `Markup`, from names that the program wrote itself and from text that it escapes. A cell, a
message of a server, a file's name: all of them are `str`, and so nothing but text on the page.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

from jobs.printable import printable
from jobs.texts import shortened
from jobs.values import valueclass

MOST: Final = 300
"""Characters of one text that the page shows, unless its place has less room."""

_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_VOID: Final = frozenset({"meta", "input", "br"})
_RAW: Final = frozenset({"style", "script"})


@valueclass(frozen=True, slots=True)
class Markup:
    """Text that a browser reads as markup. Only the functions of this module make it."""

    html: str


Content: TypeAlias = Markup | str
Attribute: TypeAlias = str | int | float | bool


def text(value: str, most: int = MOST) -> Markup:
    """Escape text that may be anybody's, made one printable line of at most `most` characters.

    Shortened first, so that a cell of megabytes costs nothing; and again, since an escape takes up to ten characters.
    """
    return Markup(escape(shortened(printable(shortened(value, most)), most)))


def element(name: str, /, *content: Content, **attributes: Attribute) -> Markup:
    """Return an element.

    Args:
        name: of the element.
        content: of it; strings become text.
        attributes: by name. A trailing underscore is dropped and others become hyphens (`class_`, `aria_label`); True
            stands for an attribute without a value, False for none.

    Raises:
        ValueError: a name is none, or the element takes no content.
    """
    if name in _RAW or (content and name in _VOID):
        raise ValueError(f"<{name}> takes no such content")
    opened = f"<{_checked(name)}{''.join(map(_attribute, attributes, attributes.values()))}>"
    return Markup(opened if name in _VOID else f"{opened}{joined(content).html}</{name}>")


def embedded(name: str, code: str) -> Markup:
    """Return a `style` or `script` element with code of the program's own.

    Raises:
        ValueError: the code could end the element.
    """
    if name not in _RAW or "</" in code or "<!--" in code:
        raise ValueError(f"such code cannot be embedded in <{name}>")
    return Markup(f"<{name}>{code}</{name}>")


def joined(parts: Iterable[Content]) -> Markup:
    """Return one part after the other."""
    return Markup("".join([part.html if isinstance(part, Markup) else text(part).html for part in parts]))


def page(language: str, head: Markup, body: Markup) -> str:
    """Return the text of a whole document."""
    root = element("html", element("head", head), body, lang=language)
    return f"<!doctype html>\n{root.html}\n"


def _attribute(name: str, value: Attribute) -> str:
    if value is False:
        return ""
    shown = _checked(name.rstrip("_").replace("_", "-"))
    return f" {shown}" if value is True else f' {shown}="{text(_said(value)).html}"'


def _said(value: Attribute) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an element or an attribute")
    return name
