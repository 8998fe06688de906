"""A script for a plain REST server whose habits a test chooses, so that a description of it can be wrong."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from tests.system.e2e.scripted_server import Answer, Asked

JSON = {"Content-Type": "application/json"}
Record = dict[str, Any]


@dataclass
class PlainApi:
    """Things at /things/ID.

    Attributes:
        keeps: what an update leaves of what it does not send: other fields, or members of objects, too.
        echoes: whether an update is answered with the record.
        removes: whether null takes a member away that the server does not know.
        finds: how /find answers: with a list, the record, or 404 for none.
    """

    records: dict[str, Record]
    keeps: Literal["nothing", "fields", "members"] = "fields"
    echoes: bool = True
    removes: bool = False
    known: frozenset[str] = field(default=frozenset())
    finds: Literal["list", "record", "wrapped"] = "list"

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        url = urlsplit(asked.path)
        if url.path == "/find":
            return self._found(parse_qs(url.query))
        if url.path == "/many":
            keys = [key for text in parse_qs(url.query)["keys"] for key in text.split("|")]
            return answer({"items": [self.records[key] for key in keys if key in self.records]})
        key = unquote(url.path.rsplit("/", 1)[1])
        if key not in self.records:
            return answer({"message": "no such thing"}, 404)
        if asked.method != "GET":
            self._update(key, json.loads(asked.body))
            if not self.echoes:
                return Answer(204, b"", {})
        return answer(self.records[key])

    def _update(self, key: str, sent: Record) -> None:
        old = self.records[key]
        if self.keeps == "nothing":
            self.records[key] = {"id": key, **sent}
            return
        new = copy.deepcopy(old)
        for name, value in sent.items():
            if self.removes and value is None and name not in self.known:
                new.pop(name, None)
            elif self.keeps == "members" and isinstance(value, dict):
                new[name] = {**(old.get(name) or {}), **value}
            else:
                new[name] = value
        self.records[key] = new

    def _found(self, query: dict[str, list[str]]) -> Answer:
        ((name, (value,)),) = query.items()
        matches = [record for record in self.records.values() if record.get(name) == value]
        if self.finds == "list":
            return answer(matches)
        if not matches:
            return answer({"message": f"nothing has this {name}"}, 404)
        return answer({"thing": matches[0]} if self.finds == "wrapped" else matches[0])


def answer(document: Any, status: int = 200) -> Answer:
    """Return a reply with a JSON body."""
    return Answer(status, json.dumps(document).encode(), dict(JSON))
