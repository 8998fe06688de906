"""Where the sandbox stands for an API: values for the variables that nobody gave, and the base URL."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

from jobs.apis.description.model import Description
from jobs.apis.description.templates import template
from worker.sandbox.described.records import Kind


def values_of(api: Description, given: Mapping[str, str], origin: str) -> dict[str, str]:
    """Return a value for each variable of the addresses of an API.

    Args:
        api: that is played.
        given: values from the user, or defaults.
        origin: of the sandbox; a variable that a URL begins with stands for it.
    """
    values = {name: value for name, value in given.items() if value}
    texts = (api.base_url, api.auth.token_url, *api.auth.scopes, *api.auth.params.values())
    for name in (*(name for text in texts for name in template(text).names), *_outer(api)):
        values.setdefault(name, f"demo-{name}".replace("_", "-"))
    for text in (api.base_url, api.auth.token_url):
        parts = template(text).parts
        if len(parts) > 1 and parts[0] == "":
            values[template(text).names[0]] = origin
    return values


def base_path(api: Description, values: Mapping[str, str]) -> str:
    """Return the path of the base URL, without a slash at its end."""
    filled = template(api.base_url).fill(values, lambda value: quote(value, safe=":/"))
    return urlsplit(filled).path.rstrip("/")


def told_variables(api: Description, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a user has to set, of tokens, keys and requests: those without such a default."""
    texts = api.model_dump_json(include={"resources", "auth", "headers"})
    mentioned = (name for name in template(api.base_url).names if f"{{{name}" in texts)
    auth = (name for text in (api.auth.token_url, *api.auth.params.values()) for name in template(text).names)
    needed = dict.fromkeys([*mentioned, *auth, *_outer(api)])
    told = {name: values[name] for name in needed if name not in api.auth.variables}
    return {name: value for name, value in told.items() if api.variables.get(name) != value}


def _outer(api: Description) -> Iterator[str]:
    """Yield the variables of records' addresses that many records have in common."""
    for name, resource in api.resources.items():
        yield from Kind(name, resource).variables[:-1]
