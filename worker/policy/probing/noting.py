"""The description with what a probe found."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from jobs.apis.description.model import Description
from jobs.apis.limits import OTHERS
from jobs.names import Steps, steps_of
from worker.policy.probing.facts import Fact, Note

NOT_TESTED: Final = "refused, so not tested"
NOT_TAKEN: Final = "not taken"
"""What is found of a field whose made-up value the API refuses: no probe stands behind the description then."""

_TESTS: Final = {"read": "read", "read_many": "read_many", "no-op": "no-op", "write": "{}", "unknown": "unknown member"}
"""Facts that tell of a test, by the first word of their name, and what the test is called."""

_FIELDS_AT: Final = 3
"""Position of a field's name in the place of a note: `resources`, type, `fields`, name."""


def noted(description: Description, facts: Iterable[Fact], verified: str) -> tuple[Description, tuple[str, ...]]:
    """Return a description with the facts found, and every key that was changed, in words.

    Args:
        description: that was tested.
        facts: found by the probe.
        verified: what stands behind the description now.
    """
    document: dict[str, Any] = _plain(description.model_dump(exclude_unset=True))
    changed = []
    listed = list(facts)
    tested = [] if any(fact.found.startswith(NOT_TESTED) for fact in listed) else [Note(("verified",), verified)]
    for note in (*_notes(listed), *tested):
        place = _as_written(document, note.place)
        old = _put(document, place, note.value)
        changed.append(f"{'.'.join(place)}: {_told(old)} -> {_told(note.value)}")
    return Description.model_validate(document, strict=False), tuple(changed)


def tried_in(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Return the names of what was tried and works, in order: `read`, `no-op`, `write note`, `unknown member`."""
    failed = ("not tried", NOT_TESTED)
    works = (fact for fact in facts if not (fact.contradicts and fact.found.startswith(NOT_TAKEN)))
    tried = (fact.name for fact in works if not fact.found.startswith(failed))
    names = (_TESTS.get(name.split(" ")[0], "").format(name) for name in tried)
    return tuple(dict.fromkeys(name for name in names if name))


def hints_of(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Return what a person has to decide, and what was not tried, as lines for comments."""
    listed = list(facts)
    tests = tried_in(listed)
    hints = [hint for fact in listed for hint in fact.hints]
    if not any(each.startswith("write ") for each in tests):
        hints.append("not tried: --field and --value show how members merge, how late reads are, how values are stored")
    if "unknown member" not in tests:
        hints.append("not tried: --unknown-field shows what becomes of a misspelt name")
    return tuple(hints)


def _notes(facts: Iterable[Fact]) -> Iterator[Note]:
    """Yield the notes, one for each place: the last counts."""
    yield from {note.place: note for fact in facts for note in fact.notes}.values()


def _plain(value: Any) -> Any:
    """Return a copy whose tables can be changed."""
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _as_written(document: dict[str, Any], place: Steps) -> Steps:
    """Return a place with the names of type and field as the description spells them."""
    if place[0] != "resources":
        return place
    if place[1] not in document["resources"]:
        place = ("resources", OTHERS, *place[2:])
    if len(place) <= _FIELDS_AT:
        return place
    written = document["resources"][place[1]].get("fields", {})
    name = place[_FIELDS_AT]
    spelled = next((each for each in written if steps_of(each) == steps_of(name)), name)
    return (*place[:_FIELDS_AT], spelled, *place[_FIELDS_AT + 1 :])


def _put(document: dict[str, Any], place: Steps, value: object) -> object:
    """Put a value into a table, with the tables on the way to it; return what was there."""
    *way, last = place
    table = document
    for name in way:
        table = table.setdefault(name, {})
    old = table.get(last)
    table[last] = value
    return old


def _told(value: object) -> str:
    return "(not said)" if value is None else repr(value) if isinstance(value, str) else str(value)
