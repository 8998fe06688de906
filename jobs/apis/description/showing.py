"""A description as TOML that shows every default. Loaded again, it is the same description."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from jobs.apis.description.model import Description, FieldDescription
from jobs.printable import printable
from jobs.toml.problems import Path
from jobs.toml.showing import lines
from jobs.toml.writing import inline, key_of


def shown(description: Description) -> str:
    """Return a description as TOML: its notes first, as comments; then every key, set or not."""
    notes = [f"# {printable(note)}" for note in description.notes]
    return "\n".join([*notes, *([""] if notes else []), *lines(description, _fields)]) + "\n"


def _fields(path: Path, fields: Mapping[str, BaseModel]) -> Iterator[str] | None:
    """Return a line for each field with what is said of it, below one comment with the defaults of all."""
    return _lines_of(fields) if path[-1] == "fields" else None


def _lines_of(fields: Mapping[str, BaseModel]) -> Iterator[str]:
    defaults = {key: value for key, value in FieldDescription().model_dump().items() if value is not None}
    yield f"# Unless a field says otherwise: {', '.join(f'{key} = {inline(value)}' for key, value in defaults.items())}"
    for name, field in fields.items():
        yield f"{key_of(name)} = {inline(field.model_dump(exclude_defaults=True))}"
