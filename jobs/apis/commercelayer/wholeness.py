"""Whether a page shows all that was asked for. A page proves that a record is there, and never that it is not.

A server may cap its pages below the size asked for, ignore a filter that it does not know, or search an index that lags
behind its records. So a record that a page does not show is looked for again: in a smaller page where that may show it,
and in the end by a request for this record alone, whose 404 is the only proof that it does not exist.
"""

from collections.abc import Collection, Mapping
from typing import Any

from jobs.apis.documents import document_of, mapping
from jobs.model import Reply


def says_whole(document: Mapping[str, Any], shown: int) -> bool | None:
    """Return whether a page says that nothing was cut off; None when it says nothing, or contradicts itself.

    Args:
        document: of the page.
        shown: records on it.
    """
    meta = mapping(document.get("meta"))
    pages, records = _count(meta.get("page_count")), _count(meta.get("record_count"))
    if mapping(document.get("links")).get("next") or (pages or 0) > 1 or (records or 0) > shown:
        return False
    if records is None:
        return None if pages is None else True
    return True if records == shown else None


def may_show_more(reply: Reply, asked: Collection[str]) -> bool:
    """Return whether a page of the ids alone that this one does not show may show some of them.

    That is so where it shows some of those asked for and no other, which means that the filter was honoured, and does
    not say that these are all.
    """
    document = document_of(reply) or {}
    data = document.get("data")
    listed = data if isinstance(data, list) else []
    honoured = all(mapping(each).get("id") in asked for each in listed)
    return bool(listed) and honoured and says_whole(document, len(listed)) is not True


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
