"""What of a record tells its version: headers and members that change with a write, although nobody sent them."""

import re
from collections.abc import Iterator
from typing import Final

from jobs.apis.description.model import PreconditionDescription
from jobs.apis.description.templates import template
from jobs.model import ABSENT, Absent
from jobs.names import Steps, pointed, pointer_to
from jobs.places import at
from jobs.values import valueclass
from worker.policy.probing.effects import differences
from worker.policy.probing.facts import Fact
from worker.policy.probing.subject import Reading, Subject

_HEADERS: Final = ("etag", "last-modified")

_VERSION: Final = re.compile(r"(?i)_*(rev(ision)?|(lock_?|object_?|record_?)?version|etag|.*(updated|modified).*)")
"""Names of members that mostly tell the version of a record."""


@valueclass(frozen=True, slots=True)
class Moved:
    """What changed between two readings without having been sent.

    Attributes:
        headers: names in lower case. `members`: places in the record.
    """

    headers: tuple[str, ...] = ()
    members: tuple[Steps, ...] = ()

    def in_words(self) -> str:
        """Return the names, headers first; empty where nothing changed."""
        return ", ".join((*self.headers, *map(pointer_to, self.members)))


def moved(before: Reading, after: Reading, sent: Steps) -> Moved:
    """Return what changed beside what was sent, which is at `sent` in the record: to another value, and not lost."""
    headers = tuple(name for name in _HEADERS if before.reply.headers.get(name) != after.reply.headers.get(name))
    found = differences(before.record, after.record)
    own = (each.steps for each in found if not each.is_loss)
    return Moved(headers, tuple(steps for steps in own if not sent or steps[: len(sent)] != sent))


def version_fact(subject: Subject, reading: Reading, noop: Moved | None, write: Moved | None) -> Fact:
    """Return what could make updates conditional, beside the precondition that is described.

    Args:
        subject: of the description.
        reading: of the record.
        noop: what changed with an update that changes nothing; None where there was none.
        write: what changed with one that changes something; None likewise.
    """
    given = subject.described.precondition
    there = [name for name in _HEADERS if name in reading.reply.headers]
    parts = [f"reads show {', '.join(there)}"] if there else []
    for what, each in (("an update that changes nothing", noop), ("an update", write)):
        if each is not None:
            parts.append(f"{what} changes {each.in_words() or 'none'}")
    names = places_in(given) if given else ()
    missing = [name for name in names if isinstance(_value(name, reading), Absent)]
    fixed = [name for name in names if write is not None and name not in missing and not _has(name, write)]
    parts += [f"not shown: {', '.join(missing)}"] if missing else []
    parts += [f"no update changes {', '.join(fixed)}"] if fixed else []
    found = "; ".join(parts) or "nothing that tells a version"
    hints = () if given else tuple(_conditions(there, noop, write))
    return Fact("version", ", ".join(names), found, "readings before and after", bool(missing or fixed), hints=hints)


def _conditions(headers: list[str], noop: Moved | None, write: Moved | None) -> Iterator[str]:
    """Yield how updates might be made conditional; only the API's documentation tells whether it heeds that."""
    start = "no precondition is described; if the API compares it: precondition ="
    if "etag" in headers:
        yield f'{start} {{ headers = {{ If-Match = "{{@ETag}}" }} }}'
    places = [each for moved_ in (write, noop) if moved_ is not None for each in moved_.members]
    for place in dict.fromkeys(pointer_to(each) for each in places if len(each) == 1 and _VERSION.fullmatch(each[0])):
        yield f'{start} {{ body = {{ "{place}" = "{{{place}}}" }} }}'


def places_in(given: PreconditionDescription) -> tuple[str, ...]:
    """Return the headers (`@ETag`) and members (`/updated_at`) that a precondition is filled from."""
    texts = [*given.headers.values(), *given.query.values(), *(str(each) for each in given.body.values())]
    return tuple(dict.fromkeys(name for text in texts for name in template(text).names if name[:1] in {"@", "/"}))


def _value(name: str, reading: Reading) -> object:
    if name.startswith("@"):
        return reading.reply.headers.get(name[1:].lower(), ABSENT)
    return at(reading.record, pointed(name))


def _has(name: str, moved_: Moved) -> bool:
    return name[1:].lower() in moved_.headers if name.startswith("@") else pointed(name) in moved_.members
