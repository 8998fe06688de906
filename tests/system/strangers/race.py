"""Lost races: somebody writes to a record after it was read and right before our update of it arrives."""

from functools import partial
from typing import Final

from tests.system.strangers import judge
from tests.system.strangers.desk import Desk
from tests.system.strangers.gate import Gate
from tests.system.strangers.judge import Aim, False_, Record
from tests.system.strangers.story import Line, Scene, Sheet

BESIDE: Final[tuple[tuple[str, ...], ...]] = (("kept",), ("metadata", "colleague"), ("metadata", "address", "country"))
"""Fields that no row sets: a member of the record, of an object in it, and of an object in that."""


def told(scene: Scene, gate: Gate, sheet: Sheet, line: Line) -> None:
    """Let somebody write over a field of some rows, and beside those of others; then undo.

    Beside: both writes are there at the end. Over: the row is a conflict, and the other's value stays.
    """
    desk = Desk(scene.folder / "race", scene.url, scene.environment, sheet.type_name, scene.flags, scene.patience)
    before = scene.store.dump(sheet.type_name)
    counts = [sum(aim.id == each.id for each in sheet.aims) for aim in sheet.aims]
    single = [aim.id for aim, count in zip(sheet.aims, counts, strict=True) if aim.id in before and count == 1]
    single = [each for each in single if len(str(_aim(sheet, each).sets["code",])) <= 20]
    over, beside = single[:6], single[6:12]
    writes: dict[str, tuple[tuple[str, ...], str]] = dict.fromkeys(over, (sheet.taken, "a rival's"))
    writes |= {each: (BESIDE[place % len(BESIDE)], "a rival's") for place, each in enumerate(beside)}
    for identity, (path, value) in writes.items():
        gate.before[identity] = partial(scene.store.overwrite, sheet.type_name, identity, path, value)
    desk.write(sheet.header, sheet.rows)
    line.rows += len(sheet.rows)
    line.steps += ["apply", "undo"]
    ran = desk.do(desk.new("apply", "run"))
    _expect(line, ran.command, ran.status, ran.last)
    if gate.before:
        line.false.append(False_("race", "the gate", "", f"no update came for {sorted(gate.before)}"))
    met = {each: _written(record, writes.get(each)) for each, record in before.items()}
    results, after = desk.results("run"), scene.store.dump(sheet.type_name)
    line.false += judge.of_apply("race", sheet.aims, results, met, after)
    for aim, result in zip(sheet.aims, results, strict=False):
        wanted = "conflict" if aim.id in over else "applied" if aim.id in beside else None
        if wanted and result["__status"] != wanted:
            said = f"{result['__status']}/{result['__reason']}"
            line.false.append(False_("race", f"row {result['__row']} {aim.id}", said, f"it is {wanted}"))
        line.refusals[said_of(result)] += result["__status"] not in judge.DONE
    ran = desk.do(desk.old("undo", "run", "--run-dir", str(desk.path("undo"))))
    _expect(line, ran.command, ran.status, ran.last)
    held = scene.store.dump(sheet.type_name)
    line.false += [
        False_("undo of the race", each, "", f"not restored: {judge.difference(met[each], record)}")
        for each, record in held.items()
        if not judge.same(record, met[each])
    ]
    line.notes.append(gate.counted())


def said_of(result: dict[str, str]) -> str:
    """Return the status and the reason of a result."""
    return f"{result['__status']}/{result['__reason']}"


def _aim(sheet: Sheet, identity: str) -> Aim:
    return next(aim for aim in sheet.aims if aim.id == identity)


def _written(record: Record, write: tuple[tuple[str, ...], str] | None) -> Record:
    return judge.applied(record, Aim("", {write[0]: write[1]})) if write else record


def _expect(line: Line, command: str, status: int, last: str) -> None:
    if status not in {0, 1}:
        line.false.append(False_(command, f"exit status {status}", last.strip()[:160], "it was to come to its end"))
