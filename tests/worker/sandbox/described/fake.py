"""A described API without a socket: requests go in, replies come out."""

import json
from dataclasses import dataclass, replace
from typing import Any

from multidict import CIMultiDict

from jobs.apis.description.loading import load
from worker.sandbox import Entry, SandboxSettings
from worker.sandbox.api import Call
from worker.sandbox.described.access import TOKEN
from worker.sandbox.described.api import DescribedApi
from worker.sandbox.described.places import values_of

ORIGIN = "http://127.0.0.1:1"


@dataclass
class Got:
    """A reply. `headers` have small names."""

    status: int
    headers: dict[str, str]
    text: bytes
    entry: Entry

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Fake:
    """An API that a description in TOML tells of, with three records of each type."""

    def __init__(self, toml: str, *, share: float | None = None, given: dict[str, str] | None = None, **settings: Any):
        self.description = load(f'name = "fake"\n{toml}', "fake.toml")
        self.values = values_of(self.description, {**self.description.variables, **(given or {})}, ORIGIN)
        seed = tuple(f"{name}=3" for name in self.description.resources)
        made = replace(SandboxSettings(seed=seed, epoch=1_800_000_000.0), **settings)
        self.api = DescribedApi(self.description, made, self.values, ORIGIN, 1_800_000_000.0, share)

    def send(self, method: str, target: str, body: Any = None, at: float = 1.0, **headers: Any) -> Got:
        """Send a request with the token of the sandbox; a body is JSON unless it is bytes already."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = CIMultiDict({"Authorization": f"Bearer {TOKEN}"})
        if content:
            given["Content-Type"] = "application/json"
        for name, value in headers.items():
            given[name.replace("_", "-")] = value
        answer, entry = self.api.answer(Call(method, target, given, content, at))
        headers_there = {name.lower(): value for name, value in answer.reply.headers.items()}
        return Got(answer.reply.status, headers_there, answer.reply.body, entry)

    def record(self, type_name: str, number: int = 0) -> Any:
        """The document of a record, as it is now."""
        kind = self.api.records.kinds[type_name]
        return self.api.records.of(kind)[number].document
