"""What a write of a made-up value shows: whether it was taken, how late, and how the server merges."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from jobs.apis.meanings import Meaning
from jobs.changes.equality import equal
from jobs.model import Outcome, Reply
from jobs.names import name_of
from jobs.places import at
from worker.policy.decision import shown
from worker.policy.probing.echo import echo_fact
from worker.policy.probing.effects import Merge, alike, is_empty, is_nothing, merging
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.noting import NOT_TAKEN, NOT_TESTED
from worker.policy.probing.plan import Wanted, sent_part
from worker.policy.probing.steps import Answered
from worker.policy.probing.subject import Reading, Subject, present
from worker.policy.wording import why_not

PATIENCE_S: Final = 10.0
"""Seconds in which a write has to show."""

AT_ONCE_S: Final = 0.1
"""Seconds that pass between a write and the first read after it."""

_EFFECT: Final[Mapping[Merge, str]] = {
    "replace": "members that are not sent are gone",
    "shallow": "members that are not sent are kept",
    "deep": "members that are not sent are kept, at every level",
}


def noop_accepted(subject: Subject, answered: Answered, changes: str, seen: str) -> Fact:
    """Return that an update which changes nothing is accepted, and what it changes nevertheless."""
    told = f"accepted: {status_of(answered.outcome)}; {f'changes {changes}' if changes else 'changes nothing'}"
    return Fact("no-op", _noop_rule(subject), told, seen)


def noop_refused(subject: Subject, answered: Answered, words: str, seen: str) -> Fact:
    """Return that an update which changes nothing is refused, and whether the description knows that."""
    is_described = answered.meaning is Meaning.NO_OP
    told = f"refused: {words}" if is_described else f"refused: {words}; taken for {answered.meaning}"
    return Fact("no-op", _noop_rule(subject), told, seen, contradicts=not is_described)


def _noop_rule(subject: Subject) -> str:
    rules = (*subject.described.error_rules, *subject.api.description.error_rules)
    return "an error" if any(rule.means == "unchanged" for rule in rules) else ""


def echo_facts(subject: Subject, answered: Answered, seen: str, after: Reading) -> tuple[Fact, ...]:
    """Return what the reply to a write shows of the record; nothing where there was no reply."""
    return (echo_fact(subject, answered.outcome, seen, after),) if isinstance(answered.outcome, Reply) else ()


def unknown_fact(label: str, answered: Answered, now: Reading, name: str, *, is_stored: bool) -> Fact:
    """Return what became of a member that the API cannot know; `now` is the record once it was taken away."""
    if not is_stored:
        told = f"silently dropped: {status_of(answered.outcome)}, and no read shows it"
    elif is_nothing(now.fields.get(name)):
        told = f"stored; {'null now, since it could not be removed' if name in now.fields else 'removed again'}"
    else:
        told = "stored; it could not be removed"
    return Fact(label, "", told, "reads after the update")


def taken_for_fact(label: str, names: Sequence[str]) -> Fact:
    """Return that the API took a member for others that it knows: its names are not exact."""
    told = f"taken for {', '.join(names)}, which was put back: a misspelt column may change it"
    return Fact(label, "", told, "reads after the update")


def value_refused(subject: Subject, name: str, words: str, seen: str) -> Fact:
    """Return that a made-up value is refused: nothing was found out about writing the field."""
    if subject.rules.rule(name).described.read_only:
        return Fact(f"write {name}", "read only", f"refused: {words}", seen)
    return Fact(f"write {name}", "can be written", f"{NOT_TESTED}: {words}", seen, contradicts=True)


def value_fact(subject: Subject, wanted: Wanted, after: Reading | None, answered: Answered, seen: str) -> Fact:
    """Return whether a value was taken, and in which form; `after` is None if no read showed another one."""
    said = subject.rules.rule(wanted.field).described
    name, says = f"write {wanted.field}", "read only" if said.read_only else said.type or ""
    if after is None:
        told = f"{NOT_TAKEN}: {status_of(answered.outcome)}, and reads show the old value for {PATIENCE_S:g} s"
        hints = (
            () if said.read_only else (f"{wanted.field} is not taken: if the API always ignores it, read_only = true",)
        )
        return Fact(name, says, told, seen, contradicts=not said.read_only, hints=hints)
    now = subject.value(after, wanted.field)
    told = "taken as it was sent" if equal(wanted.value, now) else f"stored in another form: {shown(now)}"
    return Fact(name, says, told, seen, contradicts=said.read_only)


def lag_fact(subject: Subject, stale: float, lag: float) -> Fact:
    """Return how long reads lag behind writes.

    Args:
        subject: of the description.
        stale: seconds after the write of the last read that did not show it.
        lag: seconds after the write of the first read that did.
    """
    told = "none: the first read shows it" if lag < AT_ONCE_S else f"{lag:.1f} s until a read shows it"
    is_late = stale > subject.settle_s
    note = Note(("resources", subject.type, "settle_s"), math.ceil(2 * lag) + 0.0)
    says = f"{subject.settle_s:g} s at most"
    return Fact("lag", says, told, "reads after the write", is_late, (note,) if is_late else ())


def merge_shown(subject: Subject, wanted: Wanted, before: Reading, after: Reading) -> frozenset[Merge]:
    """Return how the server may merge the object that the field is, or belongs to; none where nothing tells."""
    steps = subject.rules.rule(wanted.field).steps
    if subject.implied_merge is None:
        return frozenset()
    return merging(at(before.fields, steps[:1]), sent_part(steps, wanted.value), at(after.fields, steps[:1]))


def merge_facts(subject: Subject, wanted: Wanted, before: Reading, found: frozenset[Merge]) -> tuple[Fact, ...]:
    """Return how the server merges, beside what the description says; nothing where no object was written."""
    steps = subject.rules.rule(wanted.field).steps
    if not isinstance(at(before.fields, steps[:1]), Mapping) or subject.implied_merge is None:
        return ()
    top = name_of(steps[:1])
    name, seen = f"merge {top}", "members of the object that were not sent"
    says = subject.rules.rule(top).described.merge or subject.implied_merge
    if not found:
        return (Fact(name, says, "not seen: the object has no other members", seen),)
    told = " or ".join(each for each in _EFFECT if each in found)
    best = next(each for each in ("shallow", "replace", "deep") if each in found)
    notes = () if says in found else (Note(("resources", subject.type, "fields", top, "merge"), best),)
    return (Fact(name, says, f"{told}: {_EFFECT[best]}", seen, says not in found, notes),)


def left_of(now: object, old: object) -> str:
    """Return what clearing left of a value."""
    value = present(now)  # type: ignore[arg-type]  # JSON
    if is_nothing(now):
        return "works: null is stored" if now is None else "works: it is gone"
    if is_empty(now):
        return f"works: {shown(value)} is stored"
    return "does nothing: the value is kept" if alike(now, old) else f"stores {shown(value)}"


def status_of(outcome: Outcome) -> str:
    """Return the status of a reply; why there is none, otherwise."""
    return str(outcome.status) if isinstance(outcome, Reply) else why_not(outcome)
