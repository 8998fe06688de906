"""Commerce Layer's own published types, read from its JavaScript SDK, as an OpenAPI document.

The declarations name every type that can be updated, its attributes with examples, and the types that a
relationship may link. That an update has `type`, `id` and `attributes` is what the vendor's published schema requires
of all of them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KIND: Final = "application/vnd.api+json"

_UPDATE: Final = re.compile(r"^interface (\w+)Update extends ResourceUpdate \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_NAMES: Final = re.compile(r"^type (\w+)Type = '(\w+)';", re.MULTILINE)
_LINKS: Final = re.compile(r"^type (\w+Rel(?:\$\w+)?) = ResourceRel & \{\n    type: (\w+)Type;", re.MULTILINE)
_FIELD: Final = re.compile(
    r"(?:    /\*\*\n(?P<doc>(?:     \*.*\n)*?)     \*/\n)?    (?P<name>\w+)\??: (?P<type>[^;]+);", re.MULTILINE
)
_EXAMPLE: Final = re.compile(r"@example ```(.*?)```", re.DOTALL)

EVERY: Final = {"reference": "string", "reference_origin": "string", "metadata": "Record<string, any>"}
"""What `ResourceUpdate` itself allows, in every type."""


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute, or a relationship: then `links` names the types that fit."""

    name: str
    declared: str
    example: Any
    links: tuple[str, ...]
    many: bool

    @property
    def is_object(self) -> bool:
        """Tell whether the value is an object."""
        return self.declared.startswith("Record<")

    def value(self) -> Any:
        """Return a value that fits: the vendor's example, where it is of the declared type."""
        if self.is_object:
            return self.example if isinstance(self.example, dict) else {"a": 1.5}
        if self.declared.endswith("[]") or self.declared.startswith("Array<"):
            return self.example if isinstance(self.example, list) else []
        if self.declared == "boolean":
            return True
        if self.declared == "number":
            return self.example if isinstance(self.example, int) else 3
        if self.declared == "string":
            return self.example if isinstance(self.example, str) else "text"
        return _choices(self.declared)[0]

    def schema(self) -> dict[str, Any]:
        """Return the OpenAPI schema of the value, or of the relationship object."""
        if self.links:
            one = {
                "type": "object",
                "required": ["type", "id"],
                "additionalProperties": False,
                "properties": {"type": {"enum": list(self.links)}, "id": {"type": "string", "nullable": True}},
            }
            data = {"type": "array", "items": one} if self.many else {**one, "nullable": True}
            return {"type": "object", "required": ["data"], "properties": {"data": data}}
        kind = {"string": "string", "number": "number", "boolean": "boolean"}.get(self.declared)
        if kind:
            return {"type": kind, "nullable": True}
        if self.is_object:
            return {"type": "object", "nullable": True}
        if self.declared.endswith("[]") or self.declared.startswith("Array<"):
            return {"type": "array", "items": {}, "nullable": True}
        # Prism adds null to the enum by itself; with null in it twice the schema would not compile, and check nothing.
        return {"type": "string", "enum": _choices(self.declared), "nullable": True}


def types(package: Path) -> dict[str, list[Field]]:
    """Return the fields of every type that can be updated, from the declarations in the package."""
    text = next(package.glob("lib/api-*.d.ts")).read_text(encoding="utf-8")
    names = dict(_NAMES.findall(text))
    links = {alias: names[owner] for alias, owner in _LINKS.findall(text)}
    found = {}
    for owner, body in _UPDATE.findall(text):
        fields = [*_fields(body, links), *(Field(name, kind, None, (), False) for name, kind in EVERY.items())]
        found[names[owner]] = fields
    return found


def openapi(known: Mapping[str, list[Field]], reply: str) -> dict[str, Any]:
    """Return the document: what may be sent to update each type; one reply to all, and readings without conditions."""
    paths: dict[str, Any] = {}
    for name, fields in known.items():
        identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        body = {"required": True, "content": {KIND: {"schema": _body(name, fields)}}}
        said = {reply: {"description": "whatever it says"}}
        read = {"get": {"responses": {"default": {"description": "as it is"}}}}
        paths[f"/api/{name}"] = read
        paths[f"/api/{name}/{{id}}"] = read | {
            "parameters": [identity],
            "patch": {"requestBody": body, "responses": said},
        }
    bearer = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "What the vendor's SDK says of updates", "version": "1"},
        "paths": paths,
        "security": [{"token": []}],
        "components": {"securitySchemes": bearer},
    }


def _fields(body: str, links: Mapping[str, str]) -> Iterator[Field]:
    for match in _FIELD.finditer(body):
        declared = match["type"].removesuffix(" | null").strip()
        linked = tuple(
            dict.fromkeys(links[each] for each in re.split(r"\s*\|\s*|\[\]", declared) if each and each in links)
        )
        shown = _EXAMPLE.search(match["doc"] or "")
        yield Field(match["name"], declared, _json(shown[1]) if shown else None, linked, declared.endswith("[]"))


def _body(name: str, fields: list[Field]) -> dict[str, Any]:
    def members(of: list[Field]) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {field.name: field.schema() for field in of},
        }

    data = {
        "type": "object",
        "required": ["type", "id", "attributes"],
        "additionalProperties": False,
        "properties": {
            "type": {"enum": [name]},
            "id": {"type": "string"},
            "attributes": members([field for field in fields if not field.links]),
            "relationships": members([field for field in fields if field.links]),
        },
    }
    return {"type": "object", "required": ["data"], "additionalProperties": False, "properties": {"data": data}}


def _choices(declared: str) -> list[str]:
    return re.findall(r"'(\w+)'", declared)


def _json(text: str) -> Any:
    try:
        return json.loads(text.replace("\n     *", ""))
    except ValueError:
        return None
