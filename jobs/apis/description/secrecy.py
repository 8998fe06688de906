"""Nothing secret stands in a description: it is shown, shared and kept in files. The refusal does not quote it."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from jobs.apis.description.model import Description
from jobs.toml.problems import Path, Problem

_REMEDY: Final = (
    "nothing secret stands in a description: the credential comes from the environment"
    " (`apis check` names the variables), its header from [auth]"
)
_TAKEN: Final = "this is the header of the credential ([auth]): every request has it already; name another one"
_NAMES: Final = re.compile(
    r"authorization|(?:.*[-_.])?(?:cookie|token|secret|password|passwd|api[-_]?key|apikey|access[-_]?key)|assertion",
    re.IGNORECASE,
)
_ALWAYS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
_PLAIN: Final = re.compile(r"[a-z]+(?:-[a-z]+)*|")
"""`X-Atlassian-Token: no-check` is a word and no secret."""

_KNOWN: Final = re.compile(
    r"(?i:\b(?:bearer|basic|token)\s+(?=\S*\d)[\w+/.=~-]{8,})"
    r"|\b[spr]k_(?:live|test)_\w{8,}"  # Stripe
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"  # GitHub, GitLab
    r"|\bxox[a-z]-[\w-]{10,}|\bshp[a-z]{2}_\w{16,}|\bAKIA[0-9A-Z]{16}\b"  # Slack, Shopify, Amazon
    r"|\bpat-[a-z]{2}\d-[0-9a-f-]{20,}|\bpat\w{14}\.[0-9a-f]{20,}"  # HubSpot, Airtable
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}"  # a JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s@{}]+:[^/\s@]+@"  # user and password in an address
)
_LONG: Final = re.compile(
    r"(?<![\w-])(?:[0-9a-f]{32,}|(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{32,})(?![\w-])", re.ASCII
)
"""Longer than any name, and mixed as no word is: what random generators make."""


_SENT: Final = frozenset({"headers", "query", "params", "variables", "constants", "body"})
"""Tables with what requests carry."""

_COMPARED: Final = frozenset({"error_rules", "precondition"})
"""Tables with what replies and records show."""


def secrets(description: Description) -> Iterator[Problem]:
    """Yield what looks like a secret, or like the place of one."""
    header = description.auth.header.lower()
    for path in _of_credential(description, header):
        yield Problem(path, _TAKEN)
    for path, name, text in _texts((), "", description.model_dump()):
        if _is_place(path, name, text, header):
            yield Problem(path, _REMEDY)
        elif _KNOWN.search(text) or (path[0] not in {"notes", "verified"} and _LONG.search(text)):
            yield Problem(path, f"this looks like a secret; {_REMEDY}")


def is_secret(text: str) -> bool:
    """Return whether a text has the form of a credential that some vendor issues, or holds a password."""
    return _KNOWN.search(text) is not None


def _of_credential(description: Description, header: str) -> Iterator[Path]:
    """Yield where a header that is filled from elsewhere would take the place of the credential's."""
    if description.idempotency_key.lower() == header:
        yield ("idempotency_key",)
    for type_name, resource in description.resources.items():
        for name in resource.precondition.headers if resource.precondition else ():
            if name.lower() == header:
                yield ("resources", type_name, "precondition", "headers", name)


def _texts(path: Path, name: str, value: object) -> Iterator[tuple[Path, str, str]]:
    """Yield every text with its path, and the nearest key above it."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts((*path, key), key, each)
    elif isinstance(value, tuple | list):
        for position, each in enumerate(value):
            yield from _texts((*path, position), name, each)


def _is_place(path: Path, name: str, text: str, header: str) -> bool:
    """Return whether a secret would stand there: by the name of a header, a parameter, a variable or a member."""
    above = {str(each) for each in path[:-1]}
    if not above & _SENT or above & _COMPARED or path[:2] == ("auth", "variables"):
        return False
    if name.lower() in {*_ALWAYS, header}:
        return True
    may_be_plain = path[0] != "variables"  # of which --set would write the value into the list of processes
    plain = may_be_plain and _PLAIN.fullmatch(text)
    return not plain and _NAMES.fullmatch(name.rpartition("/")[2]) is not None
