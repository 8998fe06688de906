"""Small documents, as vendors write large ones."""

import json
from typing import Any

from jobs.apis.openapi.candidates import Candidate, candidates
from jobs.apis.openapi.document import Document, parse
from jobs.apis.openapi.draft import draft
from jobs.apis.openapi.schemas import Shapes

TEXT: dict[str, Any] = {"type": "string"}
ID: dict[str, Any] = {"type": "string", "readOnly": True}


def obj(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def content(schema: Any, media: str = "application/json") -> dict[str, Any]:
    return {"content": {media: {"schema": schema}}}


def operation(body: Any = None, reply: Any = None, media: str = "application/json", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"responses": {"200": content(reply) if reply is not None else {"description": "done"}}}
    return {**found, **({"requestBody": content(body, media)} if body is not None else {}), **more}


def data(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    start = {"openapi": "3.0.3", "info": {"title": "Desk API", "version": "2"}}
    return {**start, "servers": [{"url": "https://api.example.com"}], "paths": paths, **more}


def document(paths: dict[str, Any], **more: Any) -> Document:
    return parse(json.dumps(data(paths, **more)).encode())


def shapes(**schemas: Any) -> Shapes:
    return Shapes(document({"/x": {}}, components={"schemas": schemas}))


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def found(paths: dict[str, Any], *methods: str, **more: Any) -> tuple[Candidate, ...]:
    return candidates(Shapes(document(paths, **more)), methods)


def drafted(paths: dict[str, Any], *methods: str, **more: Any) -> str:
    """The draft of everything in a document."""
    known = Shapes(document(paths, **more))
    return draft(known, candidates(known, methods))
