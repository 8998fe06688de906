"""Values that fit a published schema, and the rows of a sheet that set them: each alone, and all together."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

SCALARS: Final[Mapping[str, list[Any]]] = {
    "string": ["some text", "007", "null", 'Zürich ß 漢字 🧾 "hi" \\ back\nsecond line', ""],
    "integer": [1, 2**31],
    "number": [1.5],
    "boolean": [True, False],
}
CLEAR: Final = "<clear>"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet.

    Attributes:
        cells: values by column, the key not among them.
        body: what an update may hold by the schema; None where the schema has no such value, and nobody says what fits.
    """

    cells: Mapping[str, Any]
    body: Mapping[str, Any] | None

    @property
    def in_csv(self) -> dict[str, str]:
        """The cells as text. An empty text is an empty cell there, which sets nothing."""
        return {name: _cell(value) for name, value in self.cells.items()}


def values(schema: Schema) -> list[Any]:
    """Return some values that fit a schema without references; null is not among them."""
    if "enum" in schema:
        return [each for each in schema["enum"] if each is not None]
    if "oneOf" in schema:
        return [value for each in schema["oneOf"] for value in values(each)]
    if schema.get("type") == "array":
        items = [each for each in values(schema["items"]) if each != ""]
        return [[], *([each] for each in items), items[:2]]
    if schema.get("type") == "object":
        return [{name: values(each)[0] for name, each in schema.get("properties", {}).items()}]
    return SCALARS[schema.get("type", "string")]


def is_nullable(schema: Schema) -> bool:
    """Return whether null fits, as the vendor means it: `nullable` beside alternatives, too."""
    return bool(schema.get("nullable"))


def rows(properties: Mapping[str, Schema], sets: Mapping[str, list[str]]) -> list[Row]:
    """Return rows that set one property each; one of several with the same schema is tried with all values.

    Args:
        properties: by name.
        sets: of fields whose elements can be added and removed: the elements that every record shows.
    """
    found = []
    tried: list[Schema] = []
    for name, schema in properties.items():
        some = values(schema)[: 1 if schema in tried else None]
        tried.append(schema)
        found += [Row({name: value}, {name: value}) for value in some]
        found.append(Row({name: None}, {name: None} if is_nullable(schema) else None))
    for name, shown in sets.items():
        found += [
            Row({f"{name}.add": ["new", "newer"]}, {name: [*shown, "new", "newer"]}),
            Row({f"{name}.remove": shown}, {name: []}),
            Row({f"{name}.add": ["new"], f"{name}.remove": shown}, {name: ["new"]}),
        ]
    return found


def together(properties: Mapping[str, Schema], refused: Collection[tuple[str, str]]) -> list[Row]:
    """Return rows that set all properties at once, and that clear all of them.

    Args:
        properties: by name.
        refused: names of columns, and JSON of values, that a sheet may not hold by the description.
    """
    fitting = {
        name: [each for each in values(schema) if (name, json.dumps(each)) not in refused]
        for name, schema in properties.items()
    }
    cleared = {
        name: None
        for name, schema in properties.items()
        if is_nullable(schema) and (name, json.dumps(None)) not in refused
    }
    whole = [{name: some[place] for name, some in fitting.items() if some} for place in (0, -1)]
    return [Row(each, each) for each in [*whole, cleared] if each]


def foreign(body: Any, properties: Mapping[str, Schema]) -> Iterator[str]:
    """Yield the members of a body that the schema does not name; most published schemas let any pass."""
    yield from body.keys() - properties.keys() if isinstance(body, dict) else ("the whole",)


def _cell(value: Any) -> str:
    if value is None:
        return CLEAR
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) and "," not in each for each in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False)
