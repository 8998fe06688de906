"""Which variables a description has, and where the value of each comes from."""

from jobs.apis.described.description import Description, ResourceDescription
from jobs.apis.described.placeholders import variables


def key_variables(api: Description, resource: ResourceDescription) -> tuple[str, ...]:
    """Return the variables that make the key of a record, as its path names them.

    Those of the API's address are none: no column ever says where requests go.
    """
    fixed = address_variables(api)
    return tuple(each for each in variables(resource.path) if each not in fixed)


def address_variables(api: Description) -> frozenset[str]:
    """Return the variables that decide where requests and credentials go; none of them ever comes from a column."""
    found = variables((api.base_url, api.auth.token_url, api.auth.params))
    return frozenset(found) | frozenset(api.auth.variables)


def declared(api: Description) -> frozenset[str]:
    """Return the variables that every request may use: all but the keys of records."""
    return address_variables(api) | frozenset(api.variables)


def settable(api: Description) -> tuple[str, ...]:
    """Return the variables of the address that have no value of their own: --set or the environment must give it."""
    given = {name for name, value in api.variables.items() if value} | set(api.auth.variables)
    return tuple(each for each in variables((api.base_url, api.auth.token_url)) if each not in given)


def used(api: Description) -> frozenset[str]:
    """Return the variables that any text of a description names."""
    return frozenset(variables(api.model_dump(exclude={"notes"})))
