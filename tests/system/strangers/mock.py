"""Prism as a mock of a published document: the document as Prism needs it, and its log as a list of requests."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from tests.system.strangers import cellar
from tests.system.strangers.processes import Street, free_port

JSON: Final = "application/json"

_RECEIVED: Final = re.compile(r"\[HTTP SERVER\] (\w+) (\S+) .*Request received")
_ENDED: Final = re.compile(r"\[HTTP SERVER\] .*Request terminated with error: (.*)")
_HEADER: Final = re.compile(r"debug +< \t([^:]+): (.*)")
_BODY: Final = re.compile(r"debug +([<>]) Body: (.*)")
_VIOLATION: Final = re.compile(r"Violation: (request.*)")


@dataclass(slots=True)
class Arrival:
    """A request as Prism saw it.

    Attributes:
        steps: segments of the path, decoded.
        refused: why, by the document; empty for one that it allows.
        reply: JSON of what was answered.
    """

    method: str
    steps: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    refused: list[str] = field(default_factory=list)
    reply: Any = None


def opened(street: Street, document: dict[str, Any]) -> tuple[Path, int]:
    """Start the mock, and return the path of its log and its port.

    It answers a request that the document does not allow with an error of its own. With `--errors` it would do so, too,
    where the vendor's own example does not fit the vendor's own schema.
    """
    path = street.folder / "document.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    program = cellar.node("prism", cellar.PRISM) / "node_modules" / ".bin" / "prism"
    port = free_port()
    how = ("--verboseLevel", "debug", "--host", "127.0.0.1", "--port", str(port))
    return street.open("prism", [program, "mock", path, *how], port), port


def takes(url: str, method: str, body: Any, headers: Mapping[str, str]) -> bool:
    """Send a request, and return whether it was taken. The mock takes all of them where it cannot compile a schema."""
    request = urllib.request.Request(url, json.dumps(body).encode(), dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return False


def arrivals(log: str) -> list[Arrival]:
    """Return the requests in the order in which they came. The client must have sent one after the other."""
    found: list[Arrival] = []
    for line in log.split("\n"):
        if match := _RECEIVED.search(line):
            steps = tuple(map(unquote, match[2].partition("?")[0].split("/")[1:]))
            found.append(Arrival(match[1].upper(), steps))
        elif found:
            _add(found[-1], line)
    return found


def _add(arrival: Arrival, line: str) -> None:
    if match := _HEADER.search(line):
        arrival.headers[match[1].lower()] = match[2]
    elif match := _BODY.search(line):
        if match[1] == "<":
            arrival.body = _json(match[2])
        else:
            arrival.reply = _json(match[2])
    elif match := _VIOLATION.search(line) or _ENDED.search(line):
        arrival.refused.append(match[1])


def _json(text: str) -> Any:
    """Return the value of a body; one that is no JSON stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def prepared(document: dict[str, Any], media_type: str = JSON) -> dict[str, Any]:
    """Return a document that Prism can judge by. What it asks of requests stays as the vendor wrote it.

    Prism checks nothing, without a word, where its validator cannot compile a schema: `nullable` without a `type` is
    such a case, and becomes one more alternative, null. Two changes are about replies alone: they are offered in the
    media type that clients are told to ask for, too, and an example is taken from where its `$ref` says.
    """
    for node, name in _nodes(document, ""):
        if node.get("nullable") and "type" not in node and "oneOf" in node:
            del node["nullable"]
            node["oneOf"].append({"enum": [None]})
        if name == "examples":
            node |= {key: each["value"] for key, each in node.items() if _is_misplaced(each)}
    for operation in operations(document):
        for reply in operation["responses"].values():
            _offer(reply, media_type)
    for reply in document.get("components", {}).get("responses", {}).values():
        _offer(reply, media_type)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation."""
    for path in document["paths"].values():
        yield from (each for each in path.values() if isinstance(each, dict) and "responses" in each)


def _offer(reply: dict[str, Any], media_type: str) -> None:
    content = reply.get("content", {})
    if JSON in content:
        content.setdefault(media_type, content[JSON])


def _is_misplaced(example: Any) -> bool:
    value = example.get("value") if isinstance(example, dict) else None
    return isinstance(value, dict) and value.keys() == {"$ref"}


def _nodes(value: Any, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every object with the name under which it stands."""
    if isinstance(value, dict):
        yield value, name
        for key, each in list(value.items()):
            yield from _nodes(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _nodes(each, "")
