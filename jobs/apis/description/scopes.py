"""Which variables the texts of a description may name, and which of them make the key of a record."""

from collections.abc import Iterator, Mapping

from jobs.apis.description import keys
from jobs.apis.description.model import Description, ResourceDescription
from jobs.apis.description.templates import Hole, template
from jobs.apis.description.variables import fixed_variables, names_in


def key_variables(api: Description, resource: ResourceDescription) -> tuple[str, ...]:
    """Return the variables of a resource's path that columns fill: no column ever says where requests go."""
    fixed = fixed_variables(api)
    return tuple(name for name in keys.variables_of(resource) if name not in fixed)


def declared(api: Description) -> frozenset[str]:
    """Return the variables that every request may use: all but the keys of records."""
    return fixed_variables(api) | frozenset(api.variables)


def settable(api: Description) -> tuple[str, ...]:
    """Return the variables of the address that have no value of their own: --set or the environment must give it."""
    given = {name for name, value in api.variables.items() if value} | set(api.auth.variables)
    needed = (name for text in (api.base_url, api.auth.token_url) for name in names_in(text))
    return tuple(dict.fromkeys(name for name in needed if name not in given))


def holes_in(value: object) -> Iterator[Hole]:
    """Yield the places to fill in every text of a value of JSON, keys of tables included."""
    if isinstance(value, str):
        yield from template(value).holes
    elif isinstance(value, Mapping):
        yield from holes_in((*value, *value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from holes_in(each)


def named_in(value: object) -> frozenset[str]:
    """Return the names of all places to fill in a value."""
    return frozenset(hole.name for hole in holes_in(value))
