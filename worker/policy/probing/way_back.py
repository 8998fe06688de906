"""The way back: what a record held before a write is sent again, in one way after the other, until a read shows it."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from jobs.model import JSON, Edit
from jobs.names import name_of
from worker.policy.probing.channel import Channel
from worker.policy.probing.effects import Merge, alike, differences
from worker.policy.probing.facts import Fact
from worker.policy.probing.judging import PATIENCE_S
from worker.policy.probing.plan import top_of
from worker.policy.probing.steps import Answered, Step
from worker.policy.probing.subject import Reading, Subject, present
from worker.policy.verdict import Settle

_MORE_S: Final = 1.0
"""Seconds beyond the known lag that one way back is given before the next is tried."""

_WHOLES: Final = frozenset({"list", "set", "keyed", "json"})
"""Types of fields whose value is sent as a whole."""


def put_back(
    channel: Channel,
    row: str,
    before: Reading,
    names: Sequence[str],
    merge: frozenset[Merge],
    forced: Mapping[str, JSON],
) -> Generator[Step, Any, Fact | None]:
    """Put back what differs; return a fact about what could not be, None where nothing is left.

    Args:
        channel: to the record.
        row: that takes the write back.
        before: the record as it was.
        names: of outermost members.
        merge: how the server may merge them.
        forced: values by field to send first if nothing differs: the write may not show yet.
    """
    answered: Answered | None = None
    ways = list(_ways(channel.subject, before, names, merge))
    for number, sender in enumerate(ways, 1):
        now = channel.reading
        values = _differing(channel.subject, before, now, names) or forced
        if not values:
            break
        tops = dict.fromkeys(top_of(channel.subject, name) for name in values)
        edits = (_edit(channel.subject, before, now, top) for top in tops)
        answered = yield from channel.write(row, sender.update(values, now), tuple(edits))
        forced = {}
        is_back = partial(_is_back, channel.subject, before, names)
        limit = PATIENCE_S if number == len(ways) else channel.pause + _MORE_S
        yield from channel.until(is_back, answered.at, limit, patient=True)
    if answered is None:
        return None  # nothing differs
    left = [name for name in names if not _is_back(channel.subject, before, [name], channel.reading)]
    yield from channel.conclude(row, Settle("not_taken") if left else Settle(""), answered.outcome)
    if not left:
        return None
    told = f"NOT put back: {', '.join(left)}; the last reply: {channel.words(answered.outcome)}"
    return Fact("put back", "", told, "reads after the update", contradicts=True)


def _is_back(subject: Subject, before: Reading, names: Iterable[str], now: Reading) -> bool:
    """Return whether members are as they were; nothing is as good as null."""
    return not _differing(subject, before, now, names)


def _differing(subject: Subject, before: Reading, now: Reading, names: Iterable[str]) -> dict[str, JSON]:
    """Return the old values of what differs, by field: member by member of an object that has fields in it."""
    found: dict[str, JSON] = {}
    for name in names:
        old, new, rule = subject.value(before, name), subject.value(now, name), subject.rules.rule(name)
        if alike(old, new):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping) and rule.described.type not in _WHOLES:
            parts = differences(old, new)
            found |= {name_of((*rule.steps, *each.steps)): present(each.before) for each in parts}
        else:
            found[name] = old
    return found


def _edit(subject: Subject, before: Reading, now: Reading, name: str) -> Edit:
    return Edit(("attributes", name), subject.value(now, name), subject.value(before, name))


def _ways(subject: Subject, before: Reading, names: Sequence[str], merge: frozenset[Merge]) -> Iterator[Subject]:
    """Yield the record by descriptions that may put it back: as the server merges, as described, and others.

    A record that is sent as a whole loses the members that it did not have: they are left out.
    """
    new = [name for name in names if subject.rules.rule(name).steps[0] not in before.fields]
    if new and subject.described.update.send == "record":
        yield _each(subject, new, clear="omit")
    if len(merge) == 1:
        yield _each(subject, names, merge=next(iter(merge)))
    yield subject
    yield _each(subject, names, merge="deep", clear="null")
    yield _each(subject, names, merge="replace", clear="empty")


def _each(subject: Subject, names: Sequence[str], **changes: object) -> Subject:
    found = subject
    for name in names:
        found = found.with_field(subject.rules.rule(name).steps, **changes)
    return found
