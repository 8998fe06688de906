"""A description in a few lines, so that whoever wrote it sees whether it says what was meant."""

from collections.abc import Iterator, Mapping
from typing import Final

from jobs.apis.description.model import (
    AuthDescription,
    Description,
    LimitDescription,
    PreconditionDescription,
    ResourceDescription,
)
from jobs.apis.description.scopes import key_variables, named_in, settable
from jobs.apis.description.types import resource_of

CREDENTIALS: Final[Mapping[str, str]] = {
    "bearer": "ROWPATCH_TOKEN",
    "basic": "ROWPATCH_USERNAME and ROWPATCH_PASSWORD",
    "api_key": "ROWPATCH_API_KEY",
    "oauth2_client_credentials": "ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET",
    "none": "",
}
"""The environment variables that hold the credential, by type of authorisation."""

_FORMATS: Final = {
    "json": "JSON",
    "merge_patch": "a JSON Merge Patch (RFC 7396)",
    "json_patch": "a JSON Patch (RFC 6902)",
    "json_api": "JSON:API",
    "form": "a form",
}


def understood(api: Description) -> list[str]:
    """Return what a description says, line by line."""
    lines = [
        f"{api.name}, verified: {api.verified or 'nothing yet'}",
        f"  address   {api.base_url or 'none: give --url'}",
    ]
    if names := settable(api):
        lines.append(f"  set       {' '.join(f'--set {name}=…' for name in names)}")
    lines.append(f"  auth      {_auth(api.auth)}")
    lines += [f"  limit     {_limit(each)}" for each in api.limits]
    for name, resource in api.resources.items():
        lines += [name, *(f"  {line}" for line in _resource(resource, api))]
    return lines


def scheme(auth: AuthDescription) -> str:
    """Return how requests are authorised, in words that fit behind "with"."""
    return {
        "bearer": "a bearer token",
        "basic": "a user name and a password",
        "api_key": f"an API key in {auth.header}",
        "oauth2_client_credentials": "a token that is asked for",
        "none": "no credential",
    }[auth.type]


def limits(api: Description, type_name: str) -> list[str]:
    """Return the limits that are declared of updates and reads of a type, each in a few words; without one, of all."""
    own = resource_of(api, type_name)
    found = [*api.limits, *(limit for each in ([own] if own else api.resources.values()) for limit in each.limits)]
    return list(dict.fromkeys(map(_in_short, found)))


def _in_short(limit: LimitDescription) -> str:
    which = "" if limit.on == "all" else f" of {limit.on}s"
    whose = "" if limit.per == "credential" else f" per {limit.per}"
    return f"{limit.rate or f'{limit.concurrency} in flight'}{which}{whose}{_until(limit)}"


def _auth(auth: AuthDescription) -> str:
    names = CREDENTIALS[auth.type]
    return f"{auth.type}: {names} in the environment" if names else "none"


def _limit(limit: LimitDescription) -> str:
    most = limit.rate or f"{limit.concurrency} in flight"
    which = "" if limit.on == "all" else f", counting {limit.on}s only"
    return f"{most} per {limit.per}{which}{_until(limit)}"


def _until(limit: LimitDescription) -> str:
    return " until told" if limit.until_told else ""


def _resource(found: ResourceDescription, api: Description) -> Iterator[str]:
    update = found.update
    yield f"key       {', '.join(key_variables(api, found))}"
    what = "only what changes" if update.send == "changes" else "the whole record with the changes"
    yield f"updates   {update.method} {update.path or found.path} with {_FORMATS[update.format]}, {what}"
    yield f"reads     {reads(found)}"
    if found.find is not None:
        yield f"finds     by {' or '.join(found.find.by)}: GET {found.find.path}"
    if found.precondition is not None:
        yield f"guard     an update counts only if the record is as it was read: {_guard(found.precondition)}"
    yield from (f"limit     {_limit(each)}" for each in found.limits)
    if found.fields:
        yield f"fields    {', '.join(found.fields)}"


def reads(found: ResourceDescription) -> str:
    """Return how records are read, in words: `100 at once: GET /items`."""
    one_by_one = f"one by one: GET {(found.read.path if found.read else '') or found.path}"
    if found.read_many is None:
        return one_by_one if found.read else "none: nothing is compared or merged, and nothing can be undone"
    if found.precondition is not None and (headers := _headers_in(found.precondition)):
        return f"{one_by_one}, since no page of records shows {', '.join(headers)} of each"
    return f"{found.read_many.max_ids} at once: {found.read_many.method} {found.read_many.path}"


def _headers_in(guard: PreconditionDescription) -> list[str]:
    """Return the headers of a read that updates are conditional on."""
    texts = (guard.headers, guard.body, guard.query)
    return sorted(name[1:] for name in named_in(texts) if name.startswith("@"))


def _guard(found: PreconditionDescription) -> str:
    return ", ".join([*found.headers, *found.body, *found.query])
