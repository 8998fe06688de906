"""A model as TOML that shows every default. Loaded again, it is the same model."""

from collections.abc import Callable, Iterator, Mapping

from pydantic import BaseModel

from jobs.toml.problems import Path
from jobs.toml.writing import inline, key_of


def lines(model: BaseModel, special: Callable[[Path, Mapping[str, BaseModel]], Iterator[str] | None]) -> Iterator[str]:
    """Yield the lines of a file with every key, set or not.

    Args:
        model: of the file.
        special: the lines of tables that are shown in a way of their own, without their header; None for others.
    """
    yield from _table((), model, special)


def _table(
    path: Path, table: BaseModel, special: Callable[[Path, Mapping[str, BaseModel]], Iterator[str] | None]
) -> Iterator[str]:
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
        yield from _below(inner, value, special)


def _has_header(value: object) -> bool:
    return isinstance(value, BaseModel) or (
        isinstance(value, Mapping) and any(isinstance(each, BaseModel) for each in value.values())
    )


def _below(
    path: Path,
    value: BaseModel | Mapping[str, BaseModel],
    special: Callable[[Path, Mapping[str, BaseModel]], Iterator[str] | None],
) -> Iterator[str]:
    """Yield the lines of a table with its header; of several tables, each; of special ones, their own."""
    if isinstance(value, BaseModel):
        yield from ("", _header(path), *_table(path, value, special))
    elif (own := special(path, value)) is not None:
        yield from ("", _header(path), *own)
    else:
        for key, each in value.items():
            yield from _below((*path, key), each, special)


def _pair(name: str, value: object) -> Iterator[str]:
    """Yield `key = value`; a list of texts or tables with a line for each."""
    if isinstance(value, tuple) and value:
        rows = (each.model_dump(exclude_none=True) if isinstance(each, BaseModel) else each for each in value)
        yield from (f"{name} = [", *(f"  {inline(row)}," for row in rows), "]")
    else:
        yield f"{name} = {inline(value)}"


def _header(path: Path) -> str:
    return f"[{'.'.join(key_of(str(each)) for each in path)}]"
