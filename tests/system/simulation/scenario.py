"""Everything that one seed chooses: the sheet, the run's settings, the server, and what befalls them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final, Literal

from tests.system.scenarios.harness import Case
from tests.system.simulation.network import Weather
from tests.system.simulation.sheet import TRIGGERS, Maker, Sheet
from worker.sandbox import SandboxSettings, Strange
from worker.settings import Attempts, Pacing, Stopping

HOUR: Final = 3600.0


class Deed(StrEnum):
    """What befalls a process."""

    KILL = "kill"
    VANISH = "power loss"
    STOP = "signal"
    ABANDON = "two signals"
    WEATHER = "outage"
    ERRORS = "server errors"
    REVOKE = "token revoked"


ENDINGS: Final = (Deed.KILL, Deed.VANISH)
"""Deeds that a process does not survive."""


class Point(StrEnum):
    """What a moment counts."""

    SECONDS = "seconds"
    COMMITTING = "commits begun"
    COMMITTED = "commits done"
    PATCH = "PATCHes sent"
    GET = "GETs sent"
    REPLY = "replies to PATCHes"
    WORKED = "work done"
    RECORDED = "end recorded"


@dataclass(frozen=True, slots=True)
class Act:
    """A deed and its moment: after `n` of `point`, counted within one process.

    Attributes:
        weather: of an outage. `duration`: seconds that it, or the server's errors, last.
    """

    deed: Deed
    point: Point
    n: float
    weather: Weather = Weather.FAIR
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """What befalls one process, and what comes after it.

    Attributes:
        pause: seconds until the next process.
        shift: seconds by which somebody sets the wall clock meanwhile.
    """

    acts: tuple[Act, ...] = ()
    pause: float = 0.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One seed's story, before it happens.

    Attributes:
        locked: ids of records that cannot be updated until somebody unlocks them before the first `retry`.
        renewable: client credentials besides the token.
        disk: seconds that a commit takes at most.
        lives: of the first processes; those after them are left alone.
        retries: whether to consent to `--resend-unknown`, for each `retry` after the run has finished.
    """

    seed: int
    sheet: Sheet
    case: Case
    world: SandboxSettings
    locked: frozenset[str]
    renewable: bool
    disk: float
    lives: Sequence[Life]
    retries: Sequence[bool]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing goes wrong: then every row that can be applied is."""
        acts, strange = [act for life in self.lives for act in life.acts], self.world.strange
        refuses = self.world.limit or strange.untold_limit or strange.pauses or strange.token_life
        return not (acts or self.world.faults or strange.odd_replies or refuses)


def scenario(seed: int) -> Scenario:
    """The story of a seed."""
    dice = Random(f"simulation:{seed}")
    type_name = dice.choices(list(TRIGGERS), (8, 6, 3, 5, 5))[0]
    form: Literal["csv", "ndjson"] = "csv" if dice.random() < 0.7 else "ndjson"
    blind = dice.random() < 0.15
    replaces = dice.random() < (0.6 if blind else 0.15)
    maker = Maker(type_name, seed, dice, dice.uniform(0, 0.5), form == "csv", members_refused=blind and not replaces)
    names = Random(f"names:{seed}")  # apart: what else a seed tells stays as it was
    if form == "ndjson" and not maker.members_refused and names.random() < 0.5:
        maker.names = names
    sheet = maker.sheet(5 + int(55 * dice.random() ** 2))
    case = Case(
        sheet.text(form),
        type_name,
        pacing=Pacing(concurrency=dice.choice((1, 2, 3, 4, 8, 16)), rate=dice.choice(((), (), (), ((10, 1.0),)))),
        attempts=Attempts(max_attempts=dice.choice((5, 5, 5, 3, 2, 1)), timeout=dice.choice((30.0, 10.0, 5.0))),
        stopping=Stopping(canary=dice.choice((0, 0, 3))),
        blind=blind,
        metadata="replace" if replaces else "merge",
        allow_triggers=TRIGGERS[type_name],
        seed=seed,
        form=form,
    )
    ids = list(dict.fromkeys(row.id for row in sheet.rows if not row.ends and not row.id.startswith("Missing")))
    locked = frozenset(dice.sample(ids, min(len(ids), dice.choice((0, 0, 0, 1, 2)))))
    lives = tuple(life(dice, len(sheet.rows)) for _ in range(dice.choice((0, 1, 1, 2, 3, 4))))
    retries = tuple(dice.random() < 0.4 for _ in range(dice.choice((0, 0, 1, 2))))
    world, renewable, disk = _world(dice, sheet, seed), dice.random() < 0.5, dice.choice((0, 0, 0.005))
    strange = _strange(Random(f"strange:{seed}"), renewable=renewable, named=maker.names is not None)
    return Scenario(seed, sheet, case, replace(world, strange=strange), locked, renewable, disk, lives, retries)


def _world(dice: Random, sheet: Sheet, seed: int) -> SandboxSettings:
    return SandboxSettings(
        seed=(f"{sheet.type}={sheet.records}",),
        limit=dice.choice((None, None, None, (20, 60.0), (100, 60.0))),
        faults=0.0 if dice.random() < 0.25 else dice.uniform(0, 0.3),
        random_seed=seed,
        abstract_transactions=dice.random() < 0.8,
        abstract_status=dice.choice((404, 405)),
        latency=dice.choice((0.0, 0.024, 0.024, 0.2)),
        headers=dice.random() < 0.7,
        penalty=dice.random() < 0.3,
        token_ttl=dice.choice((7200.0, 7200.0, 700.0)),
    )


def _strange(dice: Random, *, renewable: bool, named: bool) -> Strange:
    """Return the server's habits: none at all, or some of each kind. Every change is visible within 5 s.

    A token that ends early is no news to who cannot renew it. Where a list lies, a record is known by its id alone.
    """
    if dice.random() < 0.4:
        return Strange()
    strange = Strange(
        lands_late=dice.choice((0.0, 0.0, 1.0, 3.0)),
        reads_lag=dice.choice((0.0, 0.0, 0.5, 1.5)),
        index_lag=dice.choice((0.0, 0.0, 3.0)),
        canonical=dice.random() < 0.4,
        page_cap=dice.choice((0, 0, 10)),
        ignores_filters=dice.random() < 0.15,
        odd_replies=dice.choice((0.0, 0.1, 0.3)),
        pauses=dice.choice((0.0, 0.0, 0.1)),
        untold_limit=dice.choice((None, None, None, (20, 10.0))),
        limits_in_body=dice.random() < 0.3,
        token_life=dice.choice((None, None, 60.0)),
        token_settles=dice.choice((0.0, 0.0, 1.5)),
        bearer_errors=dice.random() < 0.5,
    )
    if not renewable:
        strange = replace(strange, token_life=None, token_settles=0.0)
    return replace(strange, index_lag=0.0, ignores_filters=False) if named else strange


def life(dice: Random, rows: int) -> Life:
    """Return what befalls one process."""
    acts = [_act(dice, rows) for _ in range(dice.choice((0, 1, 1, 1, 2)))]
    if not any(act.deed in ENDINGS for act in acts) and dice.random() < 0.6:
        acts.append(_moment(dice, rows, dice.choice(ENDINGS)))
    pause = 1.0 + dice.random() * dice.choice((1.0, 60.0, 900.0))
    shift = dice.choice((0.0, 0.0, 0.0, 1.0)) * dice.uniform(-3 * HOUR, 3 * HOUR)
    return Life(tuple(acts), pause, shift)


def _act(dice: Random, rows: int) -> Act:
    return _moment(dice, rows, dice.choices(list(Deed), (6, 3, 4, 2, 5, 2, 2))[0])


def _moment(dice: Random, rows: int, deed: Deed) -> Act:
    point = dice.choices(list(Point), (4, 4, 4, 5, 1, 4, 1, 1))[0]
    n = dice.random() ** 2 * dice.choice((0.3, 3.0, 60.0))
    if point in {Point.WORKED, Point.RECORDED}:
        point, n = (point, 1) if deed in ENDINGS else (Point.COMMITTED, dice.randint(1, rows))
    elif point is not Point.SECONDS:
        n = dice.randint(1, max(2, int(rows * (0.2 if point is Point.GET else 1.2))))
    weather = dice.choice([each for each in Weather if each is not Weather.FAIR])
    return Act(deed, point, n, weather, dice.choice((0.5, 5.0, 40.0)) * dice.random())
