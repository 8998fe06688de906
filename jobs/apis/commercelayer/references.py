"""Records by their `reference`: the API updates by id only, so a reference has to be looked up first.

A reference is not unique, and upper and lower case matter. Only what equals it exactly counts, however widely the
API's filter searches. That a reference has no record, or only one, is known from a page that is whole alone: it says so
itself, or it is about a single reference, says nothing of the kind, and shows no more than one record.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from jobs.apis.api import Matches
from jobs.apis.commercelayer.wholeness import says_whole
from jobs.apis.documents import document_of, mapping
from jobs.model import Reply

_MOST_CHARACTERS: Final = 4000
"""Characters of a request's target, within what servers and proxies take."""


def reference_pages(references: Sequence[str], most: int) -> list[list[str]]:
    """Group references that one request can ask for, `most` at most; one with a comma cannot stand in a list."""
    pages: list[list[str]] = []
    listed: list[str] = []
    length = 0
    for reference in references:
        if "," in reference:
            pages.append([reference])
            continue
        length += len(quote(reference, safe="")) + 1
        if listed and (len(listed) == most or length > _MOST_CHARACTERS):
            pages.append(listed)
            listed, length = [], len(quote(reference, safe="")) + 1
        listed.append(reference)
    return [*pages, listed] if listed else pages


def read_references(reply: Reply, references: Sequence[str]) -> Matches | None:
    """Return ids by reference from the page of a search; None when the reply cannot be used."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    data = document.get("data") if document else None
    if document is None or not isinstance(data, list):
        return None
    found: dict[str, list[str]] = {reference: [] for reference in references}
    shown = [(mapping(each.get("attributes")).get("reference"), each.get("id")) for each in map(mapping, data)]
    for reference, resource_id in shown:
        if isinstance(reference, str) and reference in found and isinstance(resource_id, str):
            found[reference].append(resource_id)
    ids = {reference: tuple(dict.fromkeys(matching)) for reference, matching in found.items()}
    whole = says_whole(document, len(data))
    if whole or (whole is None and len(references) == 1 and len(data) <= 1):
        return Matches(ids, complete=True)
    alike = {reference.casefold() for reference in references}
    honoured = all(isinstance(reference, str) and reference.casefold() in alike for reference, _ in shown)
    if whole is None or not honoured:
        return Matches(ids, complete=False, most=1)  # no page of several can be known to be whole
    return Matches(ids, complete=False, most=len(data) if len(data) < len(references) else 0)
