"""YAML as far as it is JSON in another dress, which is all that OpenAPI allows. No tag is executed.

PyYAML finds the parts of the text; what they mean is decided here, by the core schema of YAML 1.2: `on`, `no` and
`2022-11-28` are texts, as the authors of documents mean them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.apis.openapi.refused import DocumentRefused

_DEEPEST: Final = 200
"""Collections in each other at most."""

_MOST_MERGED: Final = 1_000_000
"""Members that `<<` copies at most, in the whole document."""

_NEEDS: Final = (
    "reading YAML needs the package PyYAML: pipx inject rowpatch pyyaml (in a virtual environment: pip install pyyaml)."
    " Or convert the file to JSON first: yq -o=json FILE"
)
_TAG: Final = "tag:yaml.org,2002:"
_HARMLESS: Final = frozenset({f"{_TAG}map", f"{_TAG}seq", f"{_TAG}str", "!"})
_WORDS: Final[Mapping[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_START: Final = frozenset("-+.0123456789")


def parse_yaml(text: str) -> object:
    """Return the value of a text in YAML.

    Raises:
        DocumentRefused: it is no YAML, holds what JSON cannot, or there is no parser; the text says what to do.
    """
    try:
        import yaml  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise DocumentRefused(_NEEDS) from None
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(type(event).__name__, event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentRefused(f"line {mark.line + 1 if mark else 1} is no YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise DocumentRefused(f"it is no YAML: {str(error).splitlines()[0]}") from None
    return builder.result


@dataclass
class _Open:
    """A collection whose end has not come yet; a mapping waits for a key, or for the value of `key`."""

    value: Any
    anchor: str | None
    key: str | None = None
    merged: dict[str, Any] = field(default_factory=dict)


class _Builder:
    """Makes a value of the events of a parser."""

    def __init__(self) -> None:
        self.result: object = None
        self._documents = 0
        self._open: list[_Open] = []
        self._anchored: dict[str, object] = {}
        self._copied = 0

    def take(self, kind: str, event: Any) -> None:
        """Take the next event."""
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
            self._begin({} if kind == "MappingStartEvent" else [], event)
        elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
            self._end(event)
        elif kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise _refused(event, "a second document begins here: write one file for each")

    def _begin(self, value: object, event: Any) -> None:
        _check_tag(event)
        if len(self._open) == _DEEPEST:
            raise _refused(event, f"lists and mappings are nested more than {_DEEPEST} deep")
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        value = {**done.merged, **done.value} if done.merged else done.value
        self._put(value, done.anchor, event)

    def _scalar(self, event: Any) -> None:
        _check_tag(event)
        is_key = bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None
        is_text = is_key or not event.implicit[0] or event.tag is not None
        self._put(event.value if is_text else _meaning(event.value), event.anchor, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchored:
            raise _refused(event, f"*{event.anchor} stands for something that holds it, or that does not exist")
        self._put(self._anchored[event.anchor], None, event)

    def _put(self, value: object, anchor: str | None, event: Any) -> None:
        """Put a complete value where it belongs."""
        if anchor is not None:
            self._anchored[anchor] = value
        if not self._open:
            self.result = value
            return
        into = self._open[-1]
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.key is None:
            into.key = _key(value, into, event)
        elif into.key == "<<":
            self._merge(value, into, event)
            into.key = None
        else:
            into.value[into.key] = value
            into.key = None

    def _merge(self, value: object, into: _Open, event: Any) -> None:
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise _refused(event, "<< takes in a mapping, and this is none")
            self._copied += len(each)
            if self._copied > _MOST_MERGED:
                raise _refused(event, "<< takes in too much")
            into.merged = {**each, **into.merged}


def _key(value: object, into: _Open, event: Any) -> str:
    if not isinstance(value, str):
        raise _refused(event, "the key of a mapping must be a text")
    if value in into.value:
        raise _refused(event, "the same key stands twice in one mapping")
    return value


def _check_tag(event: Any) -> None:
    if event.tag is not None and event.tag not in _HARMLESS:
        raise _refused(event, "a tag stands here, and none is executed: remove it")


def _meaning(text: str) -> object:
    """Return what a text without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _refused(event: Any, what: str) -> DocumentRefused:
    return DocumentRefused(f"line {event.start_mark.line + 1}: {what}")
