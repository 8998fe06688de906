"""A description as TOML that shows every default. Loaded again, it is the same description."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from jobs.apis.description.model import Description, FieldDescription
from jobs.apis.description.problems import Path
from jobs.apis.description.writing import inline, key_of
from jobs.printable import printable


def shown(description: Description) -> str:
    """Return a description as TOML: its notes first, as comments; then every key, set or not."""
    notes = [f"# {printable(note)}" for note in description.notes]
    return "\n".join([*notes, *([""] if notes else []), *_table((), description)]) + "\n"


def _table(path: Path, table: BaseModel) -> Iterator[str]:
    """Yield the lines of a table: first the keys that are no tables, since TOML gives a key to the header above it."""
    below: list[tuple[Path, BaseModel | Mapping[str, BaseModel]]] = []
    for name, declared in type(table).model_fields.items():
        value = getattr(table, name)
        if _has_header(value):
            below.append(((*path, name), value))
        elif value is None:
            yield f"# {name} is not set: {declared.description}"
        else:
            yield from _pair(name, value)
    for inner, value in below:
        yield from _below(inner, value)


def _has_header(value: object) -> bool:
    return isinstance(value, BaseModel) or (
        isinstance(value, Mapping) and any(isinstance(each, BaseModel) for each in value.values())
    )


def _below(path: Path, value: BaseModel | Mapping[str, BaseModel]) -> Iterator[str]:
    """Yield the lines of a table with its header; of several tables, each; of fields, one line each."""
    if isinstance(value, BaseModel):
        yield from ("", _header(path), *_table(path, value))
    elif path[-1] == "fields":
        yield from ("", _header(path), *_fields(value))
    else:
        for key, each in value.items():
            yield from _below((*path, key), each)


def _fields(fields: Mapping[str, BaseModel]) -> Iterator[str]:
    """Yield a line for each field with what is said of it, below one comment with the defaults of all."""
    defaults = {key: value for key, value in FieldDescription().model_dump().items() if value is not None}
    yield f"# Unless a field says otherwise: {', '.join(f'{key} = {inline(value)}' for key, value in defaults.items())}"
    for name, field in fields.items():
        yield f"{key_of(name)} = {inline(field.model_dump(exclude_defaults=True))}"


def _pair(name: str, value: object) -> Iterator[str]:
    """Yield `key = value`; a list of texts or tables with a line for each."""
    if isinstance(value, tuple) and value:
        rows = (each.model_dump(exclude_none=True) if isinstance(each, BaseModel) else each for each in value)
        yield from (f"{name} = [", *(f"  {inline(row)}," for row in rows), "]")
    else:
        yield f"{name} = {inline(value)}"


def _header(path: Path) -> str:
    return f"[{'.'.join(key_of(str(each)) for each in path)}]"
