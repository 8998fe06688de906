"""One sheet on one stranger: check, plan, apply, kill -9, resume, verify, again, retry, undo; and what was untrue."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol

from tests.system.strangers import judge
from tests.system.strangers.desk import Desk, Ran, last_part
from tests.system.strangers.judge import Aim, False_, Record

RESUMES: Final = 5
"""Resumes that a run may need to come to its end; each `stopped` in between is a refusal of the table."""


BUDGET: Final = 240.0
"""Seconds that a line of the table may take, servers not counted."""

STEPS: Final = frozenset({"check", "plan", "kill", "verify", "others", "retry", "again", "undo"})


CHECKED: Final = frozenset({"--allow-trigger", "--api", "--set"})
"""Flags that `check` takes as well."""


class Store(Protocol):
    """The stranger's own store."""

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return the records of a type by id, without what changes with every write, such as `updated_at`."""

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Write like somebody else would."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet, and what each of its rows wants.

    Attributes:
        taken: path of a field that every row sets, over which somebody else writes before the undo; or none.
        stops: by step, the reason for which it may stop for good: the server does not show what would have to be known.
    """

    type_name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    aims: Sequence[Aim]
    taken: tuple[str, ...] = ()
    stops: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """A line of the table.

    Attributes:
        refusals: what was not done, but was not said to be done either.
    """

    server: str
    rows: int = 0
    steps: list[str] = field(default_factory=list)
    false: list[False_] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where stories are told: the API, the credential, the store, and how late a change may land.

    Attributes:
        patience: seconds that one command may take.
        settle: seconds after the end of a command within which whatever it sent has landed.
        steps: which of them are told.
        at_kill: what happens to the server between kill and resume.
    """

    folder: Path
    url: str
    environment: Mapping[str, str]
    store: Store
    flags: Sequence[str] = ()
    settle: float = 0.0
    patience: float = 60.0
    steps: frozenset[str] = STEPS
    at_kill: Callable[[], None] = lambda: None


def told(scene: Scene, sheet: Sheet, line: Line) -> None:
    """Tell the story of a sheet, and add what was found to the line of the table."""
    _Story(scene, sheet, line).tell()


class _Story:
    def __init__(self, scene: Scene, sheet: Sheet, line: Line) -> None:
        self.scene, self.sheet, self.line = scene, sheet, line
        self.desk = Desk(
            scene.folder / sheet.type_name, scene.url, scene.environment, sheet.type_name, scene.flags, scene.patience
        )
        self.before = scene.store.dump(sheet.type_name)

    def tell(self) -> None:
        began = time.monotonic()
        self.deadline = began + BUDGET - self.line.seconds
        self.desk.write(self.sheet.header, self.sheet.rows)
        self.line.rows += len(self.sheet.rows)
        for name in ("check", "plan", "apply", "verify", "retry", "again", "undo"):
            if time.monotonic() > self.deadline:
                self.line.false.append(False_(name, "not told", f"within {BUDGET:.0f} s", "the time was used up"))
                break
            if name == "apply" or name in self.scene.steps:
                self._step(name)
                getattr(self, f"_{name}")()
        self._crashes()
        self.line.seconds += time.monotonic() - began

    def _step(self, name: str) -> None:
        names = (name, "kill", "resume") if name == "apply" and "kill" in self.scene.steps else (name,)
        self.line.steps += [each for each in names if each not in self.line.steps]

    def _dump(self) -> dict[str, Record]:
        return self.scene.store.dump(self.sheet.type_name)

    def _check(self) -> None:
        triggers = [part for pair in pairwise(self.desk.flags) if pair[0] in CHECKED for part in pair]
        where = ("--type", self.sheet.type_name)
        self._expect(self.desk.do(["check", str(self.desk.sheet), *where, *triggers]), {0, 2})

    def _plan(self) -> None:
        self._expect(self.desk.do(self.desk.new("plan", "plan")), {0, 1}, self.sheet.stops.get("plan"))
        self._settled()
        if not judge.same(self._dump(), self.before):
            self.line.false.append(False_("plan", "the store", "nothing was sent", "it has changed"))

    def _apply(self) -> None:
        arguments = self.desk.new("apply", "run")
        if "kill" in self.scene.steps:
            self.desk.kill_when(self._third, arguments)
            self.scene.at_kill()
            self._to_its_end(self.desk.old("resume", "run"), "run")
        else:
            self._to_its_end(arguments, "run")
        self._settled()
        self.applied = self._dump()
        self._judge("apply", self.before, self.applied)

    def _third(self) -> bool:
        now = self._dump()
        return sum(not judge.same(now.get(identity), self.before[identity]) for identity in self.before) * 3 >= len(
            {aim.id for aim in self.sheet.aims} & self.before.keys()
        )

    def _verify(self) -> None:
        ran = self.desk.do(self.desk.old("verify", "run"))
        self._expect(ran, {0, 1})
        if ran.status in {0, 1}:
            self.line.false += judge.of_verify("verify", self.desk.findings("run"), (), self._without())

    def _without(self) -> set[str]:
        """Return the records that do not hold an update that ended in doubt."""
        return judge.without(self.sheet.aims, self.desk.results("run"), self.applied)

    def _again(self) -> None:
        """Apply the sheet once more; what that changed after all is taken back, so that the first run can be."""
        before = self._dump()
        self._to_its_end(self.desk.new("apply", "again"), "again", stop=self.sheet.stops.get("again"))
        self._settled()
        results, after = self.desk.results("again"), self._dump()
        self.line.false += judge.of_apply("again", self.sheet.aims, results, before, after)
        self.line.refusals["sent again by a second apply"] += sum(each["__status"] == "applied" for each in results)
        if not judge.same(before, after):
            self._taken_back("again", judge.Undoing(before, after, after, frozenset(), frozenset()))

    def _retry(self) -> None:
        first = self.desk.results("run")
        self._to_its_end(self.desk.old("retry", "run"), "run")
        self._settled()
        self.applied = self._dump()
        self._judge("retry", self.before, self.applied, first)

    def _undo(self) -> None:
        taken, wanted = self._others()
        then = self._dump()
        for aim in self.sheet.aims:  # what was fired stays fired
            fired = {path[0] for path, value in aim.sets.items() if isinstance(value, judge.Once)}
            if aim.id in then:
                wanted[aim.id] |= {name: then[aim.id][name] for name in fired}
        self._taken_back("run", judge.Undoing(wanted, then, then, taken, frozenset()))

    def _taken_back(self, run: str, stores: judge.Undoing) -> None:
        undo = f"undo-{run}"
        self._to_its_end(self.desk.old("undo", run, "--run-dir", str(self.desk.path(undo))), undo, {0, 1, 2})
        self._settled()
        results = self.desk.results(undo)
        self.line.false += judge.of_tokens(undo, results)
        after = self._dump()
        statuses = {last_part(row["id"], after): row["__status"] for row in results}
        spared = frozenset(last_part(each, after) for each in self.desk.spared(undo))
        stores = replace(stores, after=after, spared=spared)
        ended: dict[str, set[str]] = {}
        for aim, result in zip(self.sheet.aims, self.desk.results(run), strict=False):
            ended.setdefault(aim.id, set()).add(result["__status"])
        self.line.false += judge.of_undo(f"undo of {run}", statuses, stores, ended)
        for status in statuses.values():
            self.line.refusals[f"undo {status}"] += status not in judge.DONE

    def _others(self) -> tuple[frozenset[str], dict[str, Record]]:
        """Let somebody write over three values of the run, and beside three others; return what an undo leads to."""
        wanted = {identity: dict(record) for identity, record in self.before.items()}
        done = [
            aim.id
            for aim, result in zip(self.sheet.aims, self.desk.results("run"), strict=False)
            if result["__status"] == "applied" and not judge.same(self.applied[aim.id], self.before[aim.id])
        ]
        single = [identity for identity in done if sum(aim.id == identity for aim in self.sheet.aims) == 1]
        if not self.sheet.taken or "others" not in self.scene.steps or len(single) < 6:
            return frozenset(), wanted
        taken, beside = single[:3], single[-3:]
        for identity in taken:
            self.scene.store.overwrite(
                self.sheet.type_name, identity, self.sheet.taken, f"{identity}@colleague.example"
            )
        for identity in beside:
            self.scene.store.overwrite(self.sheet.type_name, identity, ("metadata", "colleague"), "was here")
            wanted[identity]["metadata"] = {**wanted[identity]["metadata"], "colleague": "was here"}
        ran = self.desk.do(self.desk.old("verify", "run"))
        if ran.status in {0, 1}:
            self.line.false += judge.of_verify("verify of others", self.desk.findings("run"), taken, self._without())
        return frozenset(taken), wanted

    def _judge(
        self,
        step: str,
        before: dict[str, Record],
        after: dict[str, Record],
        first: Sequence[Mapping[str, str]] = (),
    ) -> None:
        results = self.desk.results("run")
        self.line.false += judge.of_apply(step, self.sheet.aims, results, before, after, first=first)
        self.line.false += judge.of_tokens(step, results)
        if step == "retry" or "retry" not in self.scene.steps:
            self.line.refusals += Counter(
                f"{result['__status']}/{result['__reason']}"
                for result in results
                if result["__status"] not in judge.DONE
            )

    def _to_its_end(
        self, arguments: list[str], run: str, good: set[int] | None = None, stop: str | None = None
    ) -> None:
        """Run a command, and resume its run as often as it stops."""
        ran = self.desk.do(arguments)
        for _ in range(RESUMES):
            if ran.status != 3 or time.monotonic() > self.deadline:  # 3: stopped, resumable
                break
            self.line.refusals[f"stop: {ran.last.strip()[:60]}"] += 1
            ran = self.desk.do(self.desk.old("resume", run))
        if ran.status < 0:  # killed for taking too long: its reports are those of the command before
            self.desk.do(self.desk.old("report", run))
        self._expect(ran, good or {0, 1}, stop)

    def _expect(self, ran: Ran, statuses: set[int], stop: str | None = None) -> None:
        """Note an end that is none of these, nor a stop for that reason."""
        is_allowed = ran.status == 3 and stop is not None and stop in ran.out + ran.err
        if ran.status not in statuses and not is_allowed:
            self.line.false.append(
                False_(ran.command, f"exit status {ran.status}", ran.last.strip()[:160], "it was to come to its end")
            )

    def _crashes(self) -> None:
        self.line.false += [
            False_(ran.command, "standard error", ran.last, "a traceback")
            for ran in self.desk.ran
            if "Traceback" in ran.err
        ]

    def _settled(self) -> None:
        time.sleep(self.scene.settle)
