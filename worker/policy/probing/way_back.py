"""The way back: what a record held before a write is sent again, in one way after the other, until a read shows it."""

from collections.abc import Generator, Iterator, Sequence
from typing import Any

from jobs.model import Edit
from worker.policy.probing.channel import Channel
from worker.policy.probing.effects import Merge, alike
from worker.policy.probing.facts import Fact
from worker.policy.probing.steps import Answered, Step
from worker.policy.probing.subject import Reading, Subject
from worker.policy.verdict import Settle


def put_back(
    channel: Channel, row: str, before: Reading, names: Sequence[str], merge: frozenset[Merge], *, force: bool
) -> Generator[Step, Any, Fact | None]:
    """Put back what differs; return a fact about what could not be, None where nothing is left.

    Args:
        channel: to the record.
        row: that takes the write back.
        before: the record as it was.
        names: of outermost members.
        merge: how the server may merge them.
        force: send them although they do not differ: the write may not show yet.
    """
    answered: Answered | None = None
    for sender in _ways(channel.subject, names, merge):
        now = channel.reading
        differing = [name for name in names if force or not is_back(channel.subject, name, before, now)]
        if not differing:
            break
        values = {name: channel.subject.value(before, name) for name in differing}
        edits = (Edit(("attributes", name), channel.subject.value(now, name), old) for name, old in values.items())
        answered = yield from channel.write(row, sender.update(values, now), tuple(edits))
        force = False
        yield from channel.until(
            lambda reading: all(is_back(channel.subject, name, before, reading) for name in names),
            answered.at,
            patient=True,
        )
    if answered is None:
        return None  # nothing differs
    left = [name for name in names if not is_back(channel.subject, name, before, channel.reading)]
    yield from channel.conclude(row, Settle("not_taken") if left else Settle(""), answered.outcome)
    if not left:
        return None
    told = f"NOT put back: {', '.join(left)}; the last reply: {channel.words(answered.outcome)}"
    return Fact("put back", "", told, "reads after the update", contradicts=True)


def is_back(subject: Subject, name: str, before: Reading, now: Reading) -> bool:
    """Return whether a member is as it was; nothing is as good as null."""
    return alike(subject.value(now, name), subject.value(before, name))


def _ways(subject: Subject, names: Sequence[str], merge: frozenset[Merge]) -> Iterator[Subject]:
    """Yield the record by descriptions that may put it back: as the server merges, as described, and others."""
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
