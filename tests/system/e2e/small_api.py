"""A script for a server that keeps records: reads in pages, single reads, updates. Not strict: the sandbox is."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.system.e2e.scripted_server import Answer, Asked, confirmed

Attributes = dict[str, Any]


@dataclass
class SmallApi:
    """Records of one type. `shown` adds to every record that is read, `refuses` says which updates fail, and how."""

    type: str
    records: dict[str, Attributes] = field(default_factory=dict)
    shown: Attributes = field(default_factory=dict)
    refuses: dict[str, Answer] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        path, _, query = asked.path.partition("?")
        if asked.method == "POST":
            return self._document({"access_token": "granted", "token_type": "Bearer", "expires_in": 7200})
        if asked.method == "PATCH":
            return self._updated(asked)
        if query:
            wanted = query.split("&")[0].partition("=")[2].split(",")
            return self._document({"data": [self._one(each) for each in map(unquote, wanted) if each in self.records]})
        return self._document({"data": self._one(unquote(path.rsplit("/", 1)[1]))})

    def _updated(self, asked: Asked) -> Answer:
        resource_id = asked.data["id"]
        if resource_id in self.refuses:
            return self.refuses[resource_id]
        self.records.setdefault(resource_id, {}).update(asked.data.get("attributes", {}))
        return confirmed(asked, **self.shown)

    def _one(self, resource_id: str) -> Attributes:
        attributes = {**self.records.get(resource_id, {}), **self.shown}
        return {"id": resource_id, "type": self.type, "attributes": attributes}

    @staticmethod
    def _document(members: Attributes) -> Answer:
        return Answer(body=json.dumps(members).encode())
