"""The conversation of a probe: each write, what becomes of the record, and the way back.

A generator yields `steps` and is sent their answers; it never waits or sends by itself. Whatever happens between a
write and its way back, the caller's journal knows what the record held.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from jobs.apis.described.fields import FieldRules
from jobs.apis.described.names import Steps, name_of, pointed
from jobs.apis.described.places import at, copied
from jobs.apis.meanings import Meaning
from jobs.model import ABSENT, JSON, UNREAD, Edit, Outcome, Reply
from jobs.texts import shortened
from worker.policy.probing.echo import echo_fact
from worker.policy.probing.effects import Merge, alike, is_empty
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.judging import (
    AT_ONCE_S,
    PATIENCE_S,
    lag_fact,
    left_of,
    merge_facts,
    merge_shown,
    status_of,
    value_fact,
)
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
from worker.policy.probing.steps import Amend, Answered, Broken, Conclude, Propose, Read, Step, Wait, Write
from worker.policy.probing.subject import Reading, Subject
from worker.policy.probing.versions import Moved, moved, version_fact
from worker.policy.verdict import HaltRun, ReadBack, Settle, judge
from worker.policy.wording import errors_text, why_not

_LONGEST_PAUSE_S: Final = 2.0
_BODY: Final = 300
"""Characters of a body that are shown."""

NOT_TRIED: Final = Settle("not_tried")

_DONE: Final = frozenset({Meaning.SERVED, Meaning.NO_CONTENT, Meaning.ACCEPTED, Meaning.CREATED})

_LASTING: Final = (
    "This cannot be taken back: time stamps, versions, histories and audit logs; what an update sets off, such as"
    " webhooks and mails."
)

Talk: TypeAlias = Generator[Step, Any, None]
Values: TypeAlias = Mapping[str, JSON]


class _Declined(Exception):
    """The user does not want a write."""


@dataclass(frozen=True, slots=True)
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
    values: Values
    edits: tuple[Edit, ...]
    told: str


@dataclass(slots=True)
class Conversation:
    """Tries what is wanted on one record.

    Attributes:
        subject: the record, by the description that is tested.
        reading: the latest.
        wanted: what to try.
        rows: that may be written, in their order.
        facts: found so far.
        headers: of all replies so far, names in lower case.
        left: names of what could not be put back.
        is_complete: everything that was wanted has been tried.
    """

    subject: Subject
    reading: Reading
    wanted: Wanted
    rows: tuple[PlannedRow, ...]
    facts: list[Fact] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    is_complete: bool = False
    _open: dict[str, int] = field(default_factory=dict)
    _lag: float | None = None
    _stale: float = 0.0
    _noop: Moved | None = None
    _write: Moved | None = None
    _merge: frozenset[Merge] = frozenset()
    _loses: bool = False

    def __post_init__(self) -> None:
        """Give each row its number."""
        self._open = {row.name: number for number, row in enumerate(self.rows, 1)}

    def run(self) -> Talk:
        """Yield the steps of the probe.

        Raises:
            Broken: nothing more can be sent.
        """
        first = self.reading
        try:
            yield from self._send_back()
            if self.wanted.field:
                yield from self._write_field()
            if self.wanted.unknown:
                yield from self._send_unknown()
            self.is_complete = True
        except _Declined:
            pass
        finally:
            self.facts.append(version_fact(self.subject, first, self._noop, self._write))
        for name in list(self._open):
            yield self._concluded(name, NOT_TRIED)

    # ---- what is there already

    def _send_back(self) -> Talk:
        name, before = self.wanted.noop, self.reading
        if not name:
            told = "not tried: the record shows no plain text or number that could be sent back"
            self.facts.append(Fact("no-op", "", told, "the first read"))
            return
        value = self.subject.value(before, name)
        edit = Edit(("attributes", name), value, value)
        trial = _Trial(NO_OP, self.subject, {name: value}, (edit,), "Send back what is there")
        answered = yield from self._sent(trial)
        settle = _refusal(answered, trial, before)
        seen = _reply_to(trial)
        if settle is not None:
            yield self._concluded(NO_OP, settle, answered.outcome)
            self._refused_noop(answered, seen)
            return
        after = yield from self._read_anew(lambda reading: _differs(before, reading))
        self._noop = moved(before, after, ())
        changes = self._noop.in_words()
        told = f"accepted: {status_of(answered.outcome)}; {f'changes {changes}' if changes else 'changes nothing'}"
        self.facts.append(Fact("no-op", self._says_of_noop(), told, seen))
        yield from self._come_back(trial, before, answered, Settle(""))

    def _says_of_noop(self) -> str:
        rules = (*self.subject.described.error_rules, *self.subject.api.description.error_rules)
        return "an error" if any(rule.means == "unchanged" for rule in rules) else ""

    def _refused_noop(self, answered: Answered, seen: str) -> None:
        is_described = answered.meaning is Meaning.NO_OP
        told = f"refused: {self._words(answered.outcome)}"
        if not is_described:
            told += f"; taken for {answered.meaning}"
        self.facts.append(Fact("no-op", self._says_of_noop(), told, seen, contradicts=not is_described))

    # ---- a made-up value

    def _write_field(self) -> Talk:
        name, value, before = self.wanted.field, self.wanted.value, self.reading
        old = self.subject.value(before, name)
        steps = self.subject.rules.rule(name).steps
        trial = _Trial(
            WRITE,
            self._alone(steps, value),
            {name: value},
            (edit_of(self.subject, before, name, value),),
            "Write a made-up value, and put the old one back",
        )
        answered = yield from self._sent(trial)
        settle, seen = _refusal(answered, trial, before), _reply_to(trial)
        if settle is not None:
            yield self._concluded(WRITE, settle, answered.outcome)
            read_only = self.subject.rules.rule(name).described.read_only
            told = f"refused: {self._words(answered.outcome)}"
            self.facts.append(Fact(f"write {name}", "read only" if read_only else "", told, seen))
            return
        after = yield from self._until(lambda reading: not alike(self.subject.value(reading, name), old), answered.at)
        self.facts.append(value_fact(self.subject, self.wanted, after, answered, seen))
        if after is not None:
            self._lag = max(0.0, after.asked - answered.at)
            self.facts.append(lag_fact(self.subject, max(0.0, self._stale - answered.at), self._lag))
            self._merge = merge_shown(self.subject, self.wanted, before, after)
            self.facts += merge_facts(self.subject, self.wanted, before, self._merge)
            self._write = moved(before, after, (*pointed(self.subject.described.values), *steps))
        result = Settle("") if after is not None else Settle("not_taken", "the record did not show it")
        yield from self._come_back(trial, before, answered, result, force=after is None)
        if after is not None and not self.left:
            yield from self._clear_field()

    def _alone(self, steps: Steps, value: JSON) -> Subject:
        """Return the record by a description that sends a field and nothing else of the object it is in."""
        if self.subject.described.update.send == "record":
            return self.subject
        sender = self.subject.sending_alone(steps)
        return sender.with_field(steps, merge="replace") if isinstance(value, Mapping) else sender

    # ---- clearing

    def _clear_field(self) -> Talk:
        name = self.wanted.field
        own, results = described_way(self.subject, name), dict[str, tuple[bool, Fact]]()
        for way in ways_to_clear(self.subject, self.reading, name):
            if way == "omit" and self._loses:
                continue
            yield from self._clear(name, way, results)
            if self.left:
                break
        works = next((way for way, (worked, _) in results.items() if worked), "")
        for way, (worked, each) in results.items():
            wrong = way == own and not worked
            notes = (Note(("resources", self.subject.type, "fields", name, "clear"), works),) if wrong and works else ()
            self.facts.append(replace(each, contradicts=wrong, notes=notes))

    def _clear(self, name: str, way: str, results: dict[str, tuple[bool, Fact]]) -> Talk:
        before, steps = self.reading, self.subject.rules.rule(name).steps
        trial = self._clearing(name, way, before)
        answered = yield from self._sent(trial)
        settle, seen = _refusal(answered, trial, before), _reply_to(trial)
        says = "this way" if way == described_way(self.subject, name) else ""
        label = f"clear {name} by {way}"
        if settle is not None:
            results[way] = False, Fact(label, says, f"refused: {self._words(answered.outcome)}", seen)
            yield self._concluded(trial.row, settle, answered.outcome)
            return
        old = at(before.fields, steps)
        after = yield from self._read_anew(lambda reading: not alike(at(reading.fields, steps), old))
        now = at(after.fields, steps)
        results[way] = is_empty(now), Fact(label, says, left_of(now, old), seen)
        yield from self._come_back(trial, before, answered, Settle(""))

    def _clearing(self, name: str, way: str, before: Reading) -> _Trial:
        """Return the write that clears a member: alone, or within as much of its objects as the server replaces."""
        steps, told = self.subject.rules.rule(name).steps, f"Clear by {way}, and put the value back"
        value: Any = {"null": None, "empty": ""}.get(way, ABSENT)
        edit = edit_of(self.subject, before, name, value)
        place = steps[:1] if way == "omit" else self._replaced(steps)
        if place == steps:
            sender = self.subject.sending_alone(steps).with_field(steps, clear=way)
            return _Trial(clearing(way), sender, {name: None}, (edit,), told)
        whole = copied(self.subject.value(before, name_of(place)))
        put_or_take(whole, steps[len(place) :], value)
        sender = self.subject.sending_alone(place).with_field(place, merge="replace")
        return _Trial(clearing(way), sender, {name_of(place): whole}, (edit,), told)

    def _replaced(self, steps: Steps) -> Steps:
        """Return the outermost place around a member that the server replaces; the member itself where it merges."""
        if len(self._merge) != 1:
            return steps
        return FieldRules(self.subject.with_field(steps[:1], merge=next(iter(self._merge))).described).unit(steps)

    # ---- a member that the API cannot know

    def _send_unknown(self) -> Talk:
        name, before = self.wanted.unknown, self.reading
        label = f"unknown member {name}"
        if self._noop is None:
            self.facts.append(Fact(label, "", "not tried: nothing could be sent back beside it", "the no-op"))
            return
        beside = {self.wanted.noop: self.subject.value(before, self.wanted.noop), name: MADE_UP}
        trial = _Trial(
            UNKNOWN,
            self.subject,
            beside,
            (Edit(("attributes", name), None, MADE_UP),),
            "Send a member that the API cannot know, and take it away if it is stored",
        )
        answered = yield from self._sent(trial)
        settle, seen = _refusal(answered, trial, before), _reply_to(trial)
        if settle is not None:
            yield self._concluded(UNKNOWN, settle, answered.outcome)
            self.facts.append(Fact(label, "", f"refused: {self._words(answered.outcome)}", seen))
            return
        after = yield from self._read_anew(lambda reading: name in reading.fields)
        stored = name in after.fields
        if not stored:
            told = f"silently dropped: {status_of(answered.outcome)}, and no read shows it"
            self.facts.append(Fact(label, "", told, seen))
        yield from self._come_back(trial, before, answered, Settle("" if stored else "not_taken"))
        if stored:
            gone = "removed again" if name not in self.reading.fields else "null now, since it could not be removed"
            told = f"stored; {gone if name not in self.left else 'it could not be removed'}"
            self.facts.append(Fact(label, "", told, seen))

    # ---- the way back

    def _come_back(
        self, trial: _Trial, before: Reading, answered: Answered, result: Settle, *, force: bool = False
    ) -> Talk:
        """Record what a write did to the record, and put back what differs; `force` if that did not show (yet)."""
        after, names = self.reading, [path[1] for path in (edit.path for edit in trial.edits)]
        if isinstance(answered.outcome, Reply) and not any(each.name == "echo" for each in self.facts):
            self.facts.append(echo_fact(self.subject, answered.outcome, _reply_to(trial), after))
        losses = self._losses(before, after, names)
        self._judge_others(losses, trial)
        edits = [self._as_it_went(edit, after) for edit in trial.edits]
        edits += [Edit(("attributes", name), self.subject.value(before, name), None) for name in losses]
        yield Amend(self._open[trial.row], tuple(edits))
        yield self._concluded(trial.row, result, answered.outcome)
        if losses and not self._loses:
            self._loses = True
            update = self.subject.described.update.model_copy(update={"send": "record"})
            self.subject = self.subject.varied(update=update)
        yield from self._put_back(back(trial.row), before, [*names, *losses], force=force)

    def _as_it_went(self, edit: Edit, after: Reading) -> Edit:
        now = self.subject.value(after, edit.path[1])
        return replace(edit, stored=UNREAD if alike(now, edit.after) else now)

    def _losses(self, before: Reading, after: Reading, sent: list[str]) -> list[str]:
        """Return the names of outermost members that are gone although they were not sent."""
        names = (name_of((name,)) for name, value in before.fields.items() if not is_empty(value))
        there = (name for name in names if name not in sent and not self.subject.rules.rule(name).described.read_only)
        return [name for name in there if is_empty(at(after.fields, self.subject.rules.rule(name).steps))]

    def _judge_others(self, losses: list[str], trial: _Trial) -> None:
        send = self.subject.described.update.send
        known = any(each.name == "other members" for each in self.facts)
        if losses and not self._loses:
            self.facts[:] = [each for each in self.facts if each.name != "other members"]
            note = Note(("resources", self.subject.type, "update", "send"), "record")
            told = f"gone: {', '.join(losses[:5])}; the server replaces the record by what is sent"
            self.facts.append(Fact("other members", f"send = {send}", told, f"after the {trial.row}", True, (note,)))
        elif not known:
            self.facts.append(Fact("other members", f"send = {send}", "kept", f"after the {trial.row}"))

    def _put_back(self, row: str, before: Reading, names: list[str], *, force: bool) -> Talk:
        """Send what the record held, in one way after the other, until a read shows it."""
        answered: Answered | None = None
        for sender in self._ways_back(names):
            now = self.reading
            differing = [name for name in names if force or not self._is_back(name, before, now)]
            if not differing:
                break
            values = {name: self.subject.value(before, name) for name in differing}
            edits = [Edit(("attributes", name), self.subject.value(now, name), values[name]) for name in differing]
            answered = yield Write(self._open[row], sender.update(values, now), tuple(edits))
            answered = _broken_if_none(answered)
            self._heard(answered.outcome)
            force = False
            yield from self._until(
                lambda reading: all(self._is_back(name, before, reading) for name in names), answered.at
            )
        left = [name for name in names if not self._is_back(name, before, self.reading)]
        if answered is None:
            return  # nothing differs: the row stays for the end
        if left:
            self.left += left
            told = f"NOT put back: {', '.join(left)}; the last reply: {self._words(answered.outcome)}"
            self.facts.append(Fact("put back", "", told, "reads after the update", contradicts=True))
        yield self._concluded(row, Settle("not_taken") if left else Settle(""), answered.outcome)

    def _is_back(self, name: str, before: Reading, now: Reading) -> bool:
        return alike(self.subject.value(now, name), self.subject.value(before, name))

    def _ways_back(self, names: list[str]) -> Iterator[Subject]:
        """Yield the record by descriptions that may put it back: as it merges, as described, and as others do."""
        if len(self._merge) == 1:
            yield self._each_with(names, merge=next(iter(self._merge)))
        yield self.subject
        yield self._each_with(names, merge="deep", clear="null")
        yield self._each_with(names, merge="replace", clear="empty")

    def _each_with(self, names: list[str], **changes: object) -> Subject:
        found = self.subject
        for name in names:
            found = found.with_field(self.subject.rules.rule(name).steps, **changes)
        return found

    # ---- sending and reading

    def _sent(self, trial: _Trial) -> Generator[Step, Any, Answered]:
        """Propose a write, and send it."""
        request = trial.sender.update(trial.values, self.reading)
        body = shortened(request.body.decode("utf-8", "replace"), _BODY)
        line = f"{trial.told}: {request.method} {request.target} {body}"
        if not (yield Propose((line, _LASTING))):
            raise _Declined
        answered = _broken_if_none((yield Write(self._open[trial.row], request, trial.edits)))
        self._heard(answered.outcome)
        return answered

    def _read(self) -> Generator[Step, Any, Reading]:
        answered = _broken_if_none((yield Read(self.subject.read())))
        self._heard(answered.outcome)
        outcome = answered.outcome
        reading = self.subject.reading(outcome, answered.asked) if isinstance(outcome, Reply) else None
        if reading is None:
            raise Broken(f"the record can no longer be read: {why_not(outcome)}")
        self.reading = reading
        return reading

    def _until(self, holds: Callable[[Reading], bool], since: float) -> Generator[Step, Any, Reading | None]:
        """Read until something holds; None if it never does, or the user wants an end."""
        pause = AT_ONCE_S
        while True:
            reading = yield from self._read()
            if holds(reading):
                return reading
            if reading.asked - since >= PATIENCE_S or not (yield Wait(pause)):
                return None
            self._stale = reading.asked
            pause = min(1.5 * pause, _LONGEST_PAUSE_S)

    def _read_anew(self, shows: Callable[[Reading], bool]) -> Generator[Step, Any, Reading]:
        """Read after a write that may show nothing: at once, and once more when reads no longer lag."""
        reading = yield from self._read()
        if not shows(reading) and (yield Wait(self._pause)):
            reading = yield from self._read()
        return reading

    @property
    def _pause(self) -> float:
        """Seconds after which a write shows if it ever does."""
        said = self.subject.settle_s if self._lag is None else 2 * self._lag + AT_ONCE_S
        return min(said, PATIENCE_S)

    def _heard(self, outcome: Outcome) -> None:
        if isinstance(outcome, Reply):
            self.headers.update(outcome.headers)

    def _words(self, outcome: Outcome) -> str:
        """Return what a refusal says, and what it points at."""
        if not isinstance(outcome, Reply):
            return why_not(outcome)
        errors = self.subject.resource.errors(outcome, {})
        places = dict.fromkeys(error.pointer for error in errors if error.pointer)
        about = f" (at {', '.join(places)})" if places else ""
        return f"{errors_text(outcome.status, errors)}{about}"

    def _concluded(self, name: str, settle: Settle, outcome: Outcome | None = None) -> Conclude:
        return Conclude(self._open.pop(name), settle, outcome.status if isinstance(outcome, Reply) else 0)


def _reply_to(trial: _Trial) -> str:
    return f"reply to the {trial.row}"


def _refusal(answered: Answered, trial: _Trial, before: Reading) -> Settle | None:
    """Return how a write that certainly had no effect is settled; None if it had one, or may have."""
    if answered.meaning in _DONE:
        return None
    verdict = judge(answered.outcome, answered.meaning, trial.sender.sent(trial.values, before))
    if isinstance(verdict, HaltRun):
        return verdict.settle or Settle("refused", verdict.halt.message)
    if isinstance(verdict, ReadBack):
        return Settle("refused", verdict.message) if verdict.refused else None
    return verdict if isinstance(verdict, Settle) else Settle("refused", why_not(answered.outcome))


def _differs(before: Reading, after: Reading) -> bool:
    return before.record != after.record or before.reply.headers.get("etag") != after.reply.headers.get("etag")


def _broken_if_none(answered: Answered | None) -> Answered:
    if answered is None:
        raise Broken("nothing more could be sent")
    return answered
