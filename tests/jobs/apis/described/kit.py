"""Small described resources, and replies about them."""

import json
from collections.abc import Mapping
from typing import Any

from jobs.apis.described.resource import DescribedResource
from jobs.apis.description.model import Description
from jobs.apis.schema import Schema
from jobs.model import Reply, RowRef, UpdateJob

SCHEMA = Schema({"things": {"attributes": {}, "relationships": {}}})
REF = RowRef(1, 2, b"")


def description(api: Mapping[str, Any] | None = None, **described: Any) -> Description:
    """Return the description of an API with one resource, `things`."""
    things = {"path": "/things/{id}", **described}
    return Description.model_validate({"name": "x", "resources": {"things": things}, **(api or {})}, strict=False)


def resource(
    api: Mapping[str, Any] | None = None, constants: Mapping[str, str] | None = None, **described: Any
) -> DescribedResource:
    """Return one resource by what its description says besides the path."""
    made = description(api, **described)
    return DescribedResource("things", made, made.resources["things"], constants or {}, "", SCHEMA)


def reply(document: object, status: int = 200, **headers: str) -> Reply:
    """Return a reply with a JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **named}, json.dumps(document).encode())


def job(
    attributes: dict[str, Any] | None = None, members: dict[str, dict[str, Any]] | None = None, key: str = "7"
) -> UpdateJob:
    """Return a row about `things`."""
    return UpdateJob(REF, "things", key, attributes or {}, members or {})
