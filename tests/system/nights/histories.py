"""Random histories of many nights, judged by the oracle and by the invariants of the design.

What a killed process remembers is not known from outside. So the judge keeps every memory that a field may have, and
what a night does narrows them down; a night that fits none of them is a violation.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.system.nights.clockwork import Machine, nights_loop
from tests.system.nights.job import HEADERS, Job, Night, next_day, toml
from tests.system.nights.oracle import (
    NOTHING,
    Clearing,
    Field,
    Memory,
    Rule,
    Ruling,
    Table,
    Told,
    after_doubt,
    after_update,
    row_status,
)
from tests.system.nights.worlds import KINDS, OTHERS, Put, Shop, World, world
from tests.system.simulation.run import SHELF

ROWS: Final = 5
CELLS: Final = ("a", "b", "c", "A", "", "", "<clear>")
TABLE: Final = Table(lambda one, other: (one or None) == (other or None))
RACES: Final = 0.2
"""Share of nights in which somebody edits a record between its read and its update, where updates are conditional."""

LAST_POINT: Final = 90
"""A night may be killed at any of so many points; one that has fewer lives on."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a recipe."""

    drift: Rule
    empty: str
    missing: str
    note_drift: Rule | None
    changed_rows: int

    @staticmethod
    def drawn(dice: Random) -> "Rules":
        """Draw them."""
        drifts: tuple[Rule, ...] = ("report", "overwrite", "keep")
        return Rules(
            dice.choice(drifts),
            dice.choice(["keep", "clear"]),
            dice.choice(["report", "clear", "ignore"]),
            dice.choice([None, *drifts]),
            dice.choice([1000, 1000, 3]),
        )

    def drift_of(self, name: str) -> Rule:
        """Return the rule of a field."""
        return self.note_drift if name == "metadata.note" and self.note_drift else self.drift

    def toml(self) -> str:
        """Return the tables of the recipe."""
        return (
            f'[rules]\ndrift = "{self.drift}"\nempty = "{self.empty}"\nmissing = "{self.missing}"\n'
            f"[guards]\nchanged_rows = {self.changed_rows}\n"
        )

    def columns(self) -> dict[str, str]:
        """Return the columns with a rule of their own."""
        if self.note_drift is None:
            return {}
        return {"metadata.note": f'{{ column = {toml(HEADERS["metadata.note"])}, drift = "{self.note_drift}" }}'}


@dataclass(slots=True)
class Known:
    """What may be remembered of the fields of a record, and whether its row was ever seen."""

    memories: dict[str, set[Memory]]
    is_known: bool = False


@dataclass(slots=True)
class History:
    """A history on its way.

    Attributes:
        last_point: of a night, at which it may be killed.
        sheet: rows of tonight, by key; the cells by field.
        log: what happened, a line each.
        broken: violations.
    """

    seed: int
    kind: str
    world: World
    job: Job
    dice: Random
    rules: Rules
    last_point: int = LAST_POINT
    sheet: dict[str, dict[str, str]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    _raced: tuple[str, str, str] | None = None
    _was_partial: bool = False  # the last night left rows for the next one, or did not look at them
    _left: Any = None
    _carried: list[Put] = field(default_factory=list)
    _has_finished: bool = False

    async def live(self) -> None:
        """Let the nights pass, until a violation."""
        self._begin()
        for n in range(self.dice.randint(2, 6)):
            self.log.append(f"night {n + 1}")
            self._people()
            if n == 0 or self.dice.random() < 0.5:
                self._edit_sheet()
            self._export()
            await self._night(kill_at=self.dice.choice([0, 0, 0, self.dice.randint(1, self.last_point)]))
            if self.broken:
                return
            await next_day()

    def _begin(self) -> None:
        names = self.world.owned
        for key in self.world.ids:
            self.known[key] = Known({name: {Memory()} for name in names})
            self.sheet[key] = {}
            for name in names:
                self.sheet[key][name] = self._cell(name)
                if self.dice.random() < 0.5:
                    self.world.edit(key, name, "old" if name == "code" else self.dice.choice(["a", "old"]))
        self.job.columns, self.job.more = self.rules.columns(), self.rules.toml()
        self.job.write_recipe()
        self.log.append(f"rules {self.rules}")

    def _people(self) -> None:
        """Edit records by hand."""
        for _ in range(self.dice.choice([0, 0, 1, 2, 4])):
            key, name = self.dice.choice(self.world.ids), self.dice.choice([*self.world.owned, *OTHERS])
            value = self.dice.choice(["a", "b", f"P{self.dice.randint(1, 99)}", None])
            if name == "code":  # never the stored form of what the sheet says: it would look like an ignored write
                value = f"p{self.dice.randint(1, 99)}"
            if name != "pin":
                self.log.append(f"  somebody sets {key} {name} = {value!r}")
                self.world.edit(key, name, value)

    def _edit_sheet(self) -> None:
        """Change cells, and let rows go and come back."""
        for _ in range(self.dice.choice([1, 2, 3, 12])):
            key = self.dice.choice(self.world.ids)
            if key in self.sheet and self.dice.random() < 0.2 and len(self.sheet) > 1:
                del self.sheet[key]
            elif key not in self.sheet:
                self.sheet[key] = {name: self._cell(name) for name in self.world.owned}
            else:
                name = self.dice.choice(self.world.owned)
                self.sheet[key][name] = self._cell(name)

    def _cell(self, name: str) -> str:
        cell = self.dice.choice(CELLS)
        return cell.upper() if name == "code" and cell != "<clear>" else cell

    def _export(self) -> None:
        """Write the export of tonight."""
        self.log += [f"  sheet {key} {list(cells.values())}" for key, cells in self.sheet.items()]
        self.job.export(list(self.sheet.items()))

    async def _night(self, *, kill_at: int) -> None:
        """Run a night, judge it, and perhaps run it again or undo it."""
        before = self._records()
        if isinstance(self.world, Shop) and self.world.kind == "conditional" and self.dice.random() < RACES:
            self.world.before_update = self._race
        night = await self.job.night(first=not self._has_finished, kill_at=kill_at)
        if self._raced is not None:
            key, name, value = self._raced
            before[key] = {**before[key], name: value}
        self._was_partial = self._raced is not None or self._is_resumed
        self._judge(night, before)
        self._end_race()
        while night.killed_at and not self.broken:  # a machine that starts again starts its job again
            if self.dice.random() < 0.5:
                return
            if self.dice.random() < 0.3:
                self._edit_sheet()
                self._export()
            before = self._records()
            night = await self.job.night(first=not self._has_finished)
            self._was_partial |= self._is_resumed
            self._judge(night, before)
        if self.broken or not night.is_finished:
            return
        if self.dice.random() < 0.3 and not self._was_partial:
            await self._again("a second run")
        elif self.dice.random() < 0.2 and self._can_undo(night) and not self._was_partial:
            await self._undone(night)

    def _race(self, key: str) -> None:
        """Edit a record by hand, between the read of the job and its update."""
        assert isinstance(self.world, Shop)
        self.world.before_update = lambda _: None
        name = self.dice.choice(["reference", "metadata.batch", "metadata.note", *OTHERS])
        self._raced = key, name, f"M{self.dice.randint(1, 99)}"
        self.world.edit(*self._raced)
        self.log.append(f"  between read and update, somebody sets {key} {name} = {self._raced[2]!r}")

    def _end_race(self) -> None:
        """See that the edit was not lost, unless the rule overwrites it, or nothing was ever agreed."""
        if isinstance(self.world, Shop):
            self.world.before_update = lambda _: None
        if self._raced is not None:
            self.tally["raced"] += 1
            key, name, value = self._raced
            found = self.world.record(key).get(name)
            if found != value and name in OTHERS:
                self.broken.append(f"an edit of {key} {name} is lost")
            elif found != value and self.rules.drift_of(name) != "overwrite":
                self.tally["raced and sent over"] += 1
        self._raced = None

    async def _again(self, words: str) -> None:
        before = self._records()
        again = await self.job.night()
        if any("pin" not in put.fields for put in again.puts) or (again.puts and "undo" not in words):
            self.broken.append(f"{words} sent {_shown(again.puts)}")
        self._judge(again, before)

    def _can_undo(self, night: Night) -> bool:
        """Return whether the night changed what an undo restores; a code restored by its stored form is no news."""
        sent = set().union(*(self._sent(put) for put in (*self._carried, *night.puts)))
        report = night.report
        is_alone = report is not None and report.run is not None and not report.cleared  # what is gone has its own run
        return is_alone and bool(sent - {"pin"}) and "code" not in sent

    async def _undone(self, night: Night) -> None:
        """Undo a night: what was undone stays so until the sheet changes."""
        assert night.report is not None
        assert night.report.run is not None
        before = self._records()
        outcome = await self.job.undo(night.report.run)
        if outcome.error is not None:
            self.broken.append(f"undo: {outcome.error!r}")
            return
        self.log.append(f"  undone: {getattr(outcome.value, 'message', '') or outcome.value.state}")
        after = self._records()
        sent = {(put.id, name) for put in (*self._carried, *night.puts) for name in self._sent(put)}
        for key, known in self.known.items():
            for name, memories in known.memories.items():
                restored = after[key].get(name)
                if (key, name) not in sent:
                    if before[key].get(name) != restored:
                        self.broken.append(f"the undo changed {key} {name}, which the night had not sent")
                elif name == "pin":
                    memories |= {replace(each, stored=NOTHING) for each in memories}
                else:
                    known.memories[name] = {replace(each, stored=restored, is_undone=True) for each in memories}
        self.tally["undone"] += 1
        self.world.puts()
        await self._again("a night after the undo")

    def _records(self) -> dict[str, dict[str, Any]]:
        return {key: self.world.record(key) for key in self.world.ids}

    def _sent(self, put: Any) -> set[str]:
        """Return the owned fields that an update sets to another value; whole objects carry the rest along."""
        return {
            name
            for name, value in put.fields.items()
            if name in self.world.owned and ("." not in name or value != put.before.get(name))
        }

    @property
    def _is_resumed(self) -> bool:
        """Whether the night goes on with one that was killed: it has the same sheet."""
        return bool(self._left == self.sheet)

    def _judge(self, night: Night, before: Mapping[str, Mapping[str, Any]]) -> None:
        self.log.append(f"  {night.told()}".replace(str(self.job.machine.home), "HOME"))
        self.log += [f"    sent {put.id} {dict(put.fields)}" for put in night.puts]
        self.tally[night.report.state if night.report else "killed" if night.killed_at else "refused"] += 1
        if night.error is not None:
            self.broken.append(f"refused: {night.error}")
            return
        after = self._records()
        self._judge_others(night, before, after)
        if night.report is not None and night.report.state == "tripped":
            if night.puts:
                self.broken.append(f"a tripped night sent {_shown(night.puts)}")
            return
        rows = {key: self._judge_record(key, night, before[key], after[key]) for key in self.world.ids}
        if night.report is not None and not self.broken:
            self._judge_report(night, rows)
        if self._is_resumed:  # its run has the updates of the killed process, too
            self._carried += night.puts if night.killed_at else []
        else:
            self._carried = list(night.puts) if night.killed_at else []
        self._left = {key: dict(cells) for key, cells in self.sheet.items()} if night.killed_at else None
        self._has_finished |= night.is_finished

    def _judge_others(
        self, night: Night, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """See that no field changed that is not owned, and that no record had two updates."""
        for key in self.world.ids:
            for name in {*before[key], *after[key]} - set(self.world.owned):
                if before[key].get(name) != after[key].get(name):
                    self.broken.append(f"{key} {name} is not owned, and changed: {before[key].get(name)!r}")
        if doubled := [key for key, count in Counter(put.id for put in night.puts).items() if count > 1]:
            self.broken.append(f"more than one update of {doubled}")

    def _judge_record(
        self, key: str, night: Night, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> dict[str, set[Ruling]]:
        """Narrow down what is remembered of a record; return the rulings that fit, by field that was asked about."""
        known, is_raced = self.known[key], self._raced is not None and self._raced[0] == key
        rulings: dict[str, set[Ruling]] = {}
        puts = [put for put in night.puts if put.id == key]
        for name in self.world.owned:
            sent = [put for put in puts if name in self._sent(put)]
            asked = self._asked(known, self.sheet.get(key), name)
            if asked is None:
                if sent:
                    self.broken.append(f"{key} {name} was sent, and nobody asked for it")
                continue
            sheet, clearing = asked
            live = NOTHING if name == "pin" else before.get(name)
            here = Field(sheet, live, Memory(), self.rules.drift_of(name), clearing)
            ruled = {memory: TABLE.rule(replace(here, memory=memory)) for memory in known.memories[name]}
            learned = {
                memory: set(
                    self._remembered(
                        ruling, memory, here, after.get(name), night, is_sent=bool(sent), is_raced=is_raced
                    )
                )
                for memory, ruling in ruled.items()
            }
            rulings[name] = {ruled[memory] for memory, after_it in learned.items() if after_it}
            if not rulings[name]:
                words = "sent" if sent else "not sent"
                self.broken.append(f"{key} {name}: {words}, but the table says {set(ruled.values())} of {here}")
                return {}
            known.memories[name] = set().union(*learned.values())
            self.broken += [f"{key} {name}: sent another value, {put}" for put in sent if put.fields[name] != sheet]
        known.is_known |= key in self.sheet
        return rulings

    def _remembered(
        self, ruling: Ruling, memory: Memory, asked: Field, echo: Any, night: Night, *, is_sent: bool, is_raced: bool
    ) -> Iterator[Memory]:
        """Yield what may be remembered after a night, if the ruling fits what it did."""
        taken = after_update(asked.sheet, NOTHING if asked.live is NOTHING else echo)
        doubts = [after_doubt(each, asked.sheet, asked.live) for each in (ruling.memory, memory)]
        if night.killed_at or is_raced:
            if ruling.is_sent:
                yield from doubts
            if is_sent and ruling.is_sent:
                yield taken
            elif not is_sent:
                yield from (memory, ruling.memory)
        elif ruling.is_sent == is_sent:
            yield taken if is_sent else ruling.memory
        elif not is_sent and self._is_resumed:  # what the killed night had done is not looked at again
            yield memory

    def _asked(self, known: Known, cells: Mapping[str, str] | None, name: str) -> tuple[Any, Clearing] | None:
        """Return what the sheet wants of a field, and the rule that clears it; None if it says nothing."""
        if cells is None:
            return (None, "gone") if self.rules.missing == "clear" and known.is_known else None
        cell = cells.get(name, "")
        if cell == "":
            return (None, "empty") if self.rules.empty == "clear" else None
        return (None, None) if cell == "<clear>" else (cell, None)

    def _judge_report(self, night: Night, rows: Mapping[str, Mapping[str, set[Ruling]]]) -> None:
        report = night.report
        assert report is not None
        if report.state not in {"finished", "planned"}:
            self.broken.append(f"the night is {report.state}: {report.cause}")
            return
        if report.rows != len(self.sheet):
            self.broken.append(f"{report.rows} rows told, {len(self.sheet)} in the sheet")
        if self._is_resumed or self._raced is not None:
            return
        for result in self.job.results(night):
            key, status = result["Key"], result["__status"]
            fields = rows[key]
            fits = {row_status(dict(zip(fields, each, strict=True))) for each in product(*fields.values())}
            fits |= {"skipped"} if "unchanged" in fits else set()  # a row with nothing to say
            if status not in fits:
                self.broken.append(f"{key} is told {status}({result['__reason']}), not {fits}: {fields}")
        told = {
            "drifted": Told.DRIFTED, "kept": Told.KEPT, "conflicts": Told.CONFLICT, "overwritten": Told.SENT_OVER,
            "stored_otherwise": Told.STORED_OTHERWISE,
        }  # fmt: skip
        for name, kind in told.items():
            least = sum(
                any({each.told for each in fits} == {kind} for fits in rows[key].values()) for key in self.sheet
            )
            most = sum(any(kind in {each.told for each in fits} for fits in rows[key].values()) for key in self.sheet)
            if not least <= getattr(report, name) <= most:
                self.broken.append(f"{name}: {getattr(report, name)} told, {least} to {most} by the table")
            self.tally[name] += most


def _shown(puts: Iterable[Any]) -> str:
    return ", ".join(f"{put.id} {dict(put.fields)}" for put in puts)


Program = Callable[[World, Rules], Callable[..., Any]]
"""Makes what stands in for `rowpatch.reconcile` in a world."""


def happen(seed: int, kind: str, program: Program | None = None, last_point: int = LAST_POINT) -> History:
    """Let a history happen."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, nights_loop() as runner:
        return runner.run(_happen(seed, kind, Path(folder), program, last_point))


async def _happen(seed: int, kind: str, folder: Path, program: Program | None, last_point: int) -> History:
    dice = Random(f"nights:{seed}")
    home = folder / "home"
    home.mkdir()
    async with world(kind, ROWS) as there:
        job = Job(there, Machine(home), seed)
        rules = Rules.drawn(dice)
        job.program = program and program(there, rules)
        history = History(seed, kind, there, job, dice, rules, last_point)
        await history.live()
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        return history


def kinds_of(seed: int) -> str:
    """Return the kind of world of a seed."""
    return KINDS[seed % len(KINDS)]
