"""Everything that one seed chooses of a story about a described API."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from jobs.apis.registry import build
from tests.system.scenarios.harness import Case
from tests.system.simulation.described.sheet import Key, Maker, Sheet
from tests.system.simulation.described.world import World, description, world
from tests.system.simulation.scenario import Act, Deed, Life, life
from worker.settings import Attempts, Pacing, Stopping


@dataclass(frozen=True, slots=True)
class Scenario:
    """One seed's story, before it happens.

    Attributes:
        locked: records that cannot be updated until somebody unlocks them before the first `retry`.
        races: seconds between changes that somebody else makes, on average; 0 for nobody.
        renewable: a new credential can be had after one is revoked: by the user between two processes.
        again: the sheet is applied a second time in the end. `undone`: then the first run is undone.
    """

    seed: int
    world: World
    sheet: Sheet
    case: Case
    locked: frozenset[Key]
    races: float
    disk: float
    lives: Sequence[Life]
    retries: Sequence[bool]
    again: bool
    undone: bool

    @property
    def acts(self) -> list[Act]:
        """What befalls processes."""
        return [act for each in self.lives for act in each.acts]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing goes wrong: then every row that can be applied is."""
        return not (self.acts or self.world.faults.kinds or self.races or self.world.token_life)


def scenario(seed: int) -> Scenario:
    """Return the story of a seed."""
    dice = Random(f"described:{seed}")
    there = world(dice)
    form: Literal["csv", "ndjson"] = "csv" if dice.random() < 0.7 else "ndjson"
    maker = Maker(there, dice, form == "csv", dice.uniform(0, 0.5), wholes=dice.random() < 0.3)
    sheet = maker.sheet(4 + int(36 * dice.random() ** 2))
    case = Case(
        sheet.text(form),
        "things",
        pacing=Pacing(concurrency=dice.choice((1, 2, 4, 8, 16)), rate=dice.choice(((), (), (), ((10, 1.0),)))),
        attempts=Attempts(max_attempts=dice.choice((5, 5, 5, 3, 2, 1)), timeout=dice.choice((30.0, 10.0, 5.0))),
        stopping=Stopping(canary=dice.choice((0, 0, 3))),
        blind=not there.readable,
        metadata="merge",
        allow_triggers=("ping",),
        seed=seed,
        form=form,
        api=build(description(there), {}),
    )
    ids = list(dict.fromkeys(row.key for row in sheet.rows if row.exists and not row.ends))
    locked = frozenset(dice.sample(ids, min(len(ids), dice.choice((0, 0, 0, 1, 2)))))
    calm = dice.random() < 0.35
    lives = () if calm else tuple(life(dice, len(sheet.rows)) for _ in range(dice.choice((0, 1, 1, 2, 3))))
    return Scenario(
        seed=seed,
        world=there,
        sheet=sheet,
        case=case,
        locked=locked,
        races=dice.choice((0.0, 0.0, 0.05, 0.5)),
        disk=dice.choice((0, 0, 0.005)),
        lives=lives,
        retries=tuple(dice.random() < 0.4 for _ in range(dice.choice((0, 0, 1, 2)))),
        again=dice.random() < 0.7,
        undone=dice.random() < 0.7,
    )


__all__ = ["Deed", "Scenario", "scenario"]
