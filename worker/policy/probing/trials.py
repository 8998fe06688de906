"""The conversation of a probe: each write, what becomes of the record, and the way back.

A generator yields `steps` and is sent their answers; it never waits or sends by itself. Whatever happens between a
write and its way back, the caller's journal knows what the record held.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from jobs.apis.described.fields import FieldRules
from jobs.model import ABSENT, JSON, UNREAD, Edit
from jobs.names import Steps, name_of, pointed
from jobs.places import at, copied
from jobs.texts import shortened
from jobs.values import valueclass
from worker.policy.probing import judging
from worker.policy.probing.channel import Channel, Declined
from worker.policy.probing.effects import Merge, alike, is_empty
from worker.policy.probing.error_places import errors_fact
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.plan import (
    MADE_UP,
    NO_OP,
    UNKNOWN,
    WRITE,
    PlannedRow,
    Wanted,
    back,
    clearing,
    described_way,
    edit_of,
    put_or_take,
    ways_to_clear,
)
from worker.policy.probing.results import DONE, refusal, result
from worker.policy.probing.steps import Answered, Step
from worker.policy.probing.subject import Reading, Subject
from worker.policy.probing.versions import Moved, moved, version_fact
from worker.policy.probing.way_back import put_back
from worker.policy.verdict import Settle

NOT_TRIED: Final = Settle("not_tried")

_BODY: Final = 300
"""Characters of a body that are shown."""

_TAKES_AWAY: Final[Mapping[str, bool]] = {"merge_patch": True, "json_patch": True}
"""Forms of updates that can take a member away: RFC 7396, section 1; RFC 6902, section 4.2."""

_LASTING: Final = (
    "This cannot be taken back: time stamps, versions, histories and audit logs; what an update sets off, such as"
    " webhooks and mails."
)

Talk: TypeAlias = Generator[Step, Any, None]


@valueclass(frozen=True, slots=True)
class _Trial:
    """One write.

    Attributes:
        row: its name.
        sender: the record by the description that the request is made by.
        values: that are sent, by field.
        edits: as the journal keeps them.
        told: what it is for.
    """

    row: str
    sender: Subject
    values: Mapping[str, JSON]
    edits: tuple[Edit, ...]
    told: str

    @property
    def reply(self) -> str:
        """Say where a fact was seen."""
        return f"reply to the {self.row}"

    @property
    def names(self) -> list[str]:
        """The outermost members that it writes."""
        return [edit.path[1] for edit in self.edits]


@dataclass(slots=True)
class Conversation:
    """Tries what is wanted on one record.

    Attributes:
        channel: to the record.
        wanted: what to try.
        facts: found so far.
        left: whether something could not be put back.
        is_complete: everything that was wanted has been tried.
    """

    channel: Channel
    wanted: Wanted
    facts: list[Fact] = field(default_factory=list)
    left: bool = False
    is_complete: bool = False
    _noop: Moved | None = None
    _write: Moved | None = None
    _merge: frozenset[Merge] = frozenset()
    _loses: bool = False

    def run(self) -> Talk:
        """Yield the steps of the probe.

        Raises:
            Broken: nothing more can be sent.
        """
        channel, first = self.channel, self.channel.reading
        try:
            yield from self._try_all()
        except Declined:
            pass
        finally:
            self.facts.append(version_fact(channel.subject, first, self._noop, self._write))
            told = errors_fact(channel.subject, channel.failures)
            self.facts += [] if told is None else [told]
        for row in list(channel.open):
            yield from channel.conclude(row, NOT_TRIED)

    def _try_all(self) -> Talk:
        if lacks := self.channel.subject.live(self.channel.reading, ()).lacks:
            told = f"not tried: a read does not show {', '.join(lacks)}, so that an update would go out unguarded"
            self.facts.append(Fact("no-op", "", told, "the first read"))
            return
        yield from self._send_back()
        if self.wanted.field:
            yield from self._write_field()
        if self.wanted.unknown:
            yield from self._send_unknown()
        self.is_complete = True

    # ---- what is there already

    def _send_back(self) -> Talk:
        channel, name, before = self.channel, self.wanted.noop, self.channel.reading
        if not name:
            told = "not tried: the record shows no plain text or number that could be sent back"
            self.facts.append(Fact("no-op", "", told, "the first read"))
            return
        value = channel.subject.value(before, name)
        edit = Edit(("attributes", name), value, value)
        trial = _Trial(NO_OP, channel.subject, {name: value}, (edit,), "Send back what is there")
        answered = yield from self._sent(trial)
        settle = refusal(answered, trial.sender.sent(trial.values, before))
        if settle is not None:
            yield from channel.conclude(NO_OP, settle, answered.outcome)
            self.facts.append(
                judging.noop_refused(channel.subject, answered, channel.words(answered.outcome), trial.reply)
            )
            return
        after = yield from channel.read_anew(lambda reading: reading.record != before.record)
        self._noop = moved(before, after, ())
        self.facts.append(judging.noop_accepted(channel.subject, answered, self._noop.in_words(), trial.reply))
        yield from self._come_back(trial, before, answered, is_seen=True)

    # ---- a made-up value

    def _write_field(self) -> Talk:
        channel, name, value, before = self.channel, self.wanted.field, self.wanted.value, self.channel.reading
        subject, old = channel.subject, channel.subject.value(channel.reading, name)
        steps, edit = subject.rules.rule(name).steps, edit_of(subject, before, name, value)
        told = "Write a made-up value, and put the old one back"
        trial = _Trial(WRITE, self._alone(steps, value), {name: value}, (edit,), told)
        answered = yield from self._sent(trial)
        settle = refusal(answered, trial.sender.sent(trial.values, before))
        if settle is not None:
            yield from channel.conclude(WRITE, settle, answered.outcome)
            self.facts.append(judging.value_refused(subject, name, channel.words(answered.outcome), trial.reply))
            return
        after = yield from channel.until(lambda reading: not alike(subject.value(reading, name), old), answered.at)
        self.facts.append(judging.value_fact(subject, self.wanted, after, answered, trial.reply))
        if after is not None:
            self.facts.append(judging.lag_fact(subject, *channel.lagged(after, answered)))
            self._merge = judging.merge_shown(subject, self.wanted, before, after)
            self.facts += judging.merge_facts(subject, self.wanted, before, self._merge)
            self._write = moved(before, after, (*pointed(subject.described.values), *steps))
        forced = {name: old} if after is None else {}
        yield from self._come_back(trial, before, answered, forced, is_seen=after is not None)
        if after is not None and not self.left:
            yield from self._clear_field()

    def _alone(self, steps: Steps, value: JSON) -> Subject:
        """Return the record by a description that sends a field and nothing else of the object it is in."""
        subject = self.channel.subject
        if subject.described.update.send == "record":
            return subject
        sender = subject.sending_alone(steps)
        return sender.with_field(steps, merge="replace") if isinstance(value, Mapping) else sender

    # ---- clearing

    def _clear_field(self) -> Talk:
        name, subject = self.wanted.field, self.channel.subject
        own, results = described_way(subject, name), dict[str, tuple[bool, Fact]]()
        for way in ways_to_clear(subject, self.channel.reading, name):
            if not (self.left or (way == "omit" and self._loses)):
                yield from self._clear(name, way, results)
        works = [way for way, (worked, _) in results.items() if worked]
        for way, (worked, each) in results.items():
            wrong = way == own and not worked
            notes, hints = _way_instead(subject, name, works) if wrong else ((), ())
            self.facts.append(replace(each, contradicts=wrong, notes=notes, hints=hints))

    def _clear(self, name: str, way: str, results: dict[str, tuple[bool, Fact]]) -> Talk:
        channel, before = self.channel, self.channel.reading
        steps, trial = channel.subject.rules.rule(name).steps, self._clearing(name, way, before)
        answered = yield from self._sent(trial)
        settle = refusal(answered, trial.sender.sent(trial.values, before))
        label, says = f"clear {name} by {way}", "this way" if way == described_way(channel.subject, name) else ""
        if settle is not None:
            told = f"refused: {channel.words(answered.outcome)}"
            results[way] = False, Fact(label, says, told, trial.reply)
            yield from channel.conclude(trial.row, settle, answered.outcome)
            return
        old = at(before.fields, steps)
        after = yield from channel.read_anew(lambda reading: not alike(at(reading.fields, steps), old))
        now = at(after.fields, steps)
        results[way] = is_empty(now), Fact(label, says, judging.left_of(now, old), trial.reply)
        is_seen = not alike(now, old)
        forced = {} if is_seen else {name: channel.subject.value(before, name)}
        yield from self._come_back(trial, before, answered, forced, is_seen=is_seen)

    def _clearing(self, name: str, way: str, before: Reading) -> _Trial:
        """Return the write that clears a member: alone, or within as much of its objects as the server replaces."""
        subject, told = self.channel.subject, f"Clear by {way}, and put the value back"
        steps, value = subject.rules.rule(name).steps, {"null": None, "empty": ""}.get(way, ABSENT)
        edit = edit_of(subject, before, name, value)
        place = steps[:1] if way == "omit" else self._replaced(steps)
        if place == steps:
            sender = subject.sending_alone(steps).with_field(steps, clear=way)
            return _Trial(clearing(way), sender, {name: None}, (edit,), told)
        whole = copied(subject.value(before, name_of(place)))
        put_or_take(whole, steps[len(place) :], value)
        sender = subject.sending_alone(place).with_field(place, merge="replace")
        return _Trial(clearing(way), sender, {name_of(place): whole}, (edit,), told)

    def _replaced(self, steps: Steps) -> Steps:
        """Return the outermost place around a member that the server replaces; the member itself where it merges."""
        if len(self._merge) != 1:
            return steps
        merging = self.channel.subject.with_field(steps[:1], merge=next(iter(self._merge)))
        return FieldRules(merging.described).unit(steps)

    # ---- a member that the API cannot know

    def _send_unknown(self) -> Talk:
        channel, name, before = self.channel, self.wanted.unknown, self.channel.reading
        label = f"unknown member {name}"
        if self._noop is None:
            self.facts.append(Fact(label, "", "not tried: nothing could be sent back beside it", "the no-op"))
            return
        values = {self.wanted.noop: channel.subject.value(before, self.wanted.noop), name: MADE_UP}
        told = f"Send a member that the API cannot know, and take it away if it is stored{_may_stay(channel.subject)}"
        trial = _Trial(UNKNOWN, channel.subject, values, (Edit(("attributes", name), None, MADE_UP),), told)
        answered = yield from self._sent(trial)
        settle = refusal(answered, trial.sender.sent(trial.values, before))
        if settle is not None:
            yield from channel.conclude(UNKNOWN, settle, answered.outcome)
            self.facts.append(Fact(label, "", f"refused: {channel.words(answered.outcome)}", trial.reply))
            return
        after = yield from channel.read_anew(
            lambda reading: name in reading.fields or bool(_taken_for(before, reading))
        )
        is_stored, meant = name in after.fields, [each for each in _taken_for(before, after) if each != name]
        yield from self._come_back(trial, before, answered, is_seen=is_stored or bool(meant), others=meant)
        if meant:
            self.facts.append(judging.taken_for_fact(label, meant))
        else:
            self.facts.append(judging.unknown_fact(label, answered, channel.reading, name, is_stored=is_stored))

    # ---- every write

    def _sent(self, trial: _Trial) -> Generator[Step, Any, Answered]:
        """Propose a write, and send it."""
        request = trial.sender.update(trial.values, self.channel.reading)
        body = shortened(request.body.decode("utf-8", "replace"), _BODY)
        yield from self.channel.propose(f"{trial.told}: {request.method} {request.target} {body}", _LASTING)
        return (yield from self.channel.write(trial.row, request, trial.edits))

    def _come_back(
        self,
        trial: _Trial,
        before: Reading,
        answered: Answered,
        forced: Mapping[str, JSON] = MappingProxyType({}),
        *,
        is_seen: bool,
        others: Sequence[str] = (),
    ) -> Talk:
        """Record what a write did to the record, and put back what differs.

        Args:
            trial: the write.
            before: the record before it.
            answered: its outcome.
            forced: values by field to send although nothing differs: the write may show later.
            is_seen: a read has shown it.
            others: names of outermost members that took a value although they were not sent.
        """
        channel, after = self.channel, self.channel.reading
        if answered.meaning in DONE and not self._has("echo"):
            self.facts += judging.echo_facts(channel.subject, answered, trial.reply, after)
        losses = _losses(channel.subject, before, after, trial.names)
        self._judge_others(losses, trial)
        edits = [_as_it_went(channel.subject, edit, after) for edit in trial.edits]
        for name in (*losses, *others):
            now = channel.subject.value(after, name) if name in others else None
            edits.append(Edit(("attributes", name), channel.subject.value(before, name), now))
        yield from channel.amend(trial.row, tuple(edits))
        sent = trial.sender.sent(trial.values, before)
        yield from channel.conclude(trial.row, result(answered, sent, is_seen=is_seen), answered.outcome)
        if losses and not self._loses:
            self._loses = True
            update = channel.subject.described.update.model_copy(update={"send": "record"})
            channel.follow(channel.subject.varied(update=update))
        names = [*trial.names, *losses, *others]
        fact = yield from put_back(channel, back(trial.row), before, names, self._merge, forced)
        if fact is not None:
            self.left = True
            self.facts.append(fact)

    def _judge_others(self, losses: list[str], trial: _Trial) -> None:
        send, seen = self.channel.subject.described.update.send, f"after the {trial.row}"
        if losses and not self._loses:
            self.facts[:] = [each for each in self.facts if each.name != "other members"]
            note = Note(("resources", self.channel.subject.type, "update", "send"), "record")
            told = f"gone: {', '.join(losses[:5])}; the server replaces the record by what is sent"
            self.facts.append(Fact("other members", f"send = {send}", told, seen, contradicts=True, notes=(note,)))
        elif not self._has("other members"):
            self.facts.append(Fact("other members", f"send = {send}", "kept", seen))

    def _has(self, name: str) -> bool:
        return any(each.name == name for each in self.facts)


def conversation(
    subject: Subject, reading: Reading, wanted: Wanted, rows: tuple[PlannedRow, ...], facts: tuple[Fact, ...] = ()
) -> Conversation:
    """Return the conversation about a record that was read.

    Args:
        subject: the record.
        reading: of it.
        wanted: what to try.
        rows: that may be written, in their order.
        facts: that are known already.
    """
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    return Conversation(Channel(subject, reading, numbers), wanted, list(facts))


def _may_stay(subject: Subject) -> str:
    """Say that a member may not go away, where the form of updates has no way to take one away."""
    update = subject.described.update
    if update.send == "record" or _TAKES_AWAY.get(update.format):
        return ""
    return " (null may stay in its place for good: this form of updates can take no member away)"


def _taken_for(before: Reading, after: Reading) -> list[str]:
    """Return the outermost members that hold the made-up value now: names that the API takes for the one sent."""
    return [name_of((name,)) for name, value in after.fields.items() if value == MADE_UP != before.fields.get(name)]


def _as_it_went(subject: Subject, edit: Edit, after: Reading) -> Edit:
    now = subject.value(after, edit.path[1])
    return replace(edit, stored=UNREAD if alike(now, edit.after) else now)


def _way_instead(subject: Subject, name: str, works: Sequence[str]) -> tuple[tuple[Note, ...], tuple[str, ...]]:
    """Return how a field is cleared instead, and what a person has to decide: an empty text is a value of its own."""
    if not works:
        return (), ()
    way = next((way for way in works if way != "empty"), "never")
    text = f'fields."{name}": an empty text is taken; if it means cleared, write clear = "empty"'
    return (Note(("resources", subject.type, "fields", name, "clear"), way),), (text,) if way == "never" else ()


def _losses(subject: Subject, before: Reading, after: Reading, sent: list[str]) -> list[str]:
    """Return the names of outermost members that are gone although they were not sent."""
    names = (name_of((name,)) for name, value in before.fields.items() if not is_empty(value))
    there = (name for name in names if name not in sent and not subject.rules.rule(name).described.read_only)
    return [name for name in there if is_empty(at(after.fields, subject.rules.rule(name).steps))]
