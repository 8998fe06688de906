"""What the values of a description say, checked without a network: errors, and warnings beside them.

`description` has checked keys and types before.
"""

from collections.abc import Iterator, Mapping

from jobs.apis.description.checking_code import completed
from jobs.apis.description.checking_limits import limit_headers, limits
from jobs.apis.description.checking_resources import resource
from jobs.apis.description.checking_rules import error_places, error_rules
from jobs.apis.description.checking_texts import (
    Scope,
    address,
    header_name,
    headers,
    pointer,
    template,
    texts,
    variable_names,
)
from jobs.apis.description.model import AuthDescription, Description
from jobs.apis.description.scopes import declared, key_variables, named_in
from jobs.apis.description.secrecy import secrets
from jobs.apis.schema import closest
from jobs.toml.problems import Problem


def problems(description: Description) -> list[Problem]:
    """Return what is wrong with a description, and what may be; none has a line."""
    return list(dict.fromkeys(_problems(description)))


def _problems(api: Description) -> Iterator[Problem]:
    everywhere = Scope(declared=declared(api))
    keys = frozenset().union(*(key_variables(api, each) for each in api.resources.values()))
    if api.base_url:
        yield from address(("base_url",), api.base_url, everywhere, api.variables)
    yield from variable_names(("variables",), api.variables)
    yield from _unused(api)
    yield from headers(("headers",), api.headers, everywhere)
    yield from limits(("limits",), api.limits, everywhere.declared | keys, of_api=True)
    yield from limit_headers(api.limit_headers)
    yield from error_places(("errors",), api.errors)
    yield from _idempotency_key(api)
    yield from _auth(api.auth, api.variables, everywhere)
    yield from error_rules(("error_rules",), api.error_rules, everywhere.declared | keys)
    for name, each in api.resources.items():
        yield from resource(name, each, api)
    if api.code == "commercelayer":
        yield from completed(api)
    yield from secrets(api)


def _unused(api: Description) -> Iterator[Problem]:
    names = named_in(api.model_dump(exclude={"notes"}))
    for name in api.variables:
        if name not in names:
            near = closest(name, sorted(names - api.variables.keys()))
            hint = f"; did you mean `{near}`?" if near else ""
            yield Problem(("variables", name), f"no text of this description has `{{{name}}}`{hint}", is_warning=True)


def _idempotency_key(api: Description) -> Iterator[Problem]:
    path = ("idempotency_key",)
    if api.idempotency_key:
        yield from header_name(path, api.idempotency_key)
    if api.idempotency_key.lower() in {each.lower() for each in api.headers}:
        yield Problem(path, "this header has a fixed value in `headers`: remove it there")


def _auth(auth: AuthDescription, defaults: Mapping[str, str], scope: Scope) -> Iterator[Problem]:
    yield from header_name(("auth", "header"), auth.header)
    if auth.type == "basic" and auth.prefix is not None:
        yield Problem(("auth", "prefix"), "remove it: with `basic`, it is always `Basic `")
    if auth.type == "oauth2_client_credentials":
        yield from _tokens(auth, defaults, scope)
    else:
        for key in ("token_url", "scopes", "params", "variables", "shared_token"):
            if getattr(auth, key):
                yield Problem(("auth", key), 'only type = "oauth2_client_credentials" asks for tokens: remove it')


def _tokens(auth: AuthDescription, defaults: Mapping[str, str], scope: Scope) -> Iterator[Problem]:
    if auth.token_url:
        yield from address(("auth", "token_url"), auth.token_url, scope, defaults)
    else:
        yield Problem(("auth", "token_url"), "it is missing: the address where tokens are issued")
    for position, each in enumerate(auth.scopes):
        if not each or not each.isprintable() or set(each) & set(' "\\'):
            yield Problem(("auth", "scopes", position), "one scope an element, without blanks and quotes")
        yield from template(("auth", "scopes", position), each, scope)
    yield from texts(("auth", "params"), auth.params, scope)
    yield from variable_names(("auth", "variables"), auth.variables)
    for name, each in auth.variables.items():
        yield from pointer(("auth", "variables", name), each)
