"""A hunt of its own: a server that lands every change a second late, and breaks the first reply to each row.

python -m tests.system.hostile.late --rows 1000 [--late 1.0] [--lag 0.0] [--seed 1]

Whoever reads right after a broken reply sees the old value. That proves nothing: no row that is on the server in the
end may be `failed` or `rejected`, no action may be fired twice, and at least 99 % of the rows have to end `applied`.
"""

import argparse
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from tests.system.hostile import patterns as P  # noqa: N812
from tests.system.hostile.acts import refuses
from tests.system.hostile.evils import EVILS, Evil
from tests.system.hostile.judge import KINDS, Share, Violation, examples, in_time, judge
from tests.system.hostile.server import Crime, Server, Stage
from tests.system.hostile.stage import CASE, TRIGGER, Row, key, perform
from tests.system.hostile.temper import Temper
from tests.system.hostile.truth import Asked
from tests.system.scenarios.harness import Story
from worker.settings import Attempts, Pacing, Stopping

TRIGGERS: Final = 5
"""Every so manieth row fires a trigger besides."""

RULED_OUT: Final = 3
"""The repetition of every so manieth row is refused: what it asks for is the case already, or on its way."""

_BROKEN: Final = frozenset({P.LOST, P.BUSY, P.UNCONFIRMED, P.BARE, P.EMPTY, P.CONFIRMED, P.DIFFERS})
_PAUSED: Final = frozenset({P.THROTTLED, P.ASKED_TO_WAIT})
_REPEATED: Final = (422, 409, 404, 400, 412, 403)
"""What rules that depend on the state of a record answer to a repetition."""

WAYS: Final[Sequence[Evil]] = tuple(
    evil for evil in EVILS if evil.hunted and not evil.late and evil.pattern in _BROKEN | _PAUSED
)
"""All ways of the hostile server to break a reply, and of asking for a pause instead of one."""


@dataclass(slots=True)
class Breaker:
    """Breaks the first reply to each row, and refuses some repetitions.

    Attributes:
        ways: how the first reply to a record is broken, by id.
        ruled_out: the status that a repetition is refused with, by id.
    """

    ways: dict[str, Evil] = field(default_factory=dict)
    ruled_out: dict[str, int] = field(default_factory=dict)

    def crime(self, asked: Asked, nth: int) -> Crime | None:
        """Return what befalls a request: a PATCH is carried out, unless its reply is a clear refusal."""
        if asked.method != "PATCH":
            return None
        if nth == 1:
            evil = self.ways[asked.id]
            return evil.crime(applies=is_carried_out(evil))
        status = self.ruled_out.get(asked.id)
        return Crime(f"repetition: {status}", refuses(status)) if status else None


def is_carried_out(evil: Evil) -> bool:
    """Return whether the server can carry out, and not deny, a request whose reply it breaks in this way."""
    return evil.stage is Stage.BODY and evil.pattern in _BROKEN


def gather(count: int, dice: Random) -> tuple[list[Row], Breaker]:
    """Return so many rows, each about a record of its own, and how the server breaks their first replies."""
    rows, breaker = [], Breaker()
    clear = [evil for evil in WAYS if is_carried_out(evil) or evil.pattern is P.THROTTLED]
    shuffled = {True: dice.sample(WAYS, len(WAYS)), False: dice.sample(clear, len(clear))}
    for number in range(count):
        row = Row(key(number), TRIGGER) if number % TRIGGERS == 0 else Row(key(number))
        ways = shuffled[row.replay_safe]
        breaker.ways[row.id] = evil = ways[number % len(ways)]
        if number % RULED_OUT == 0 and is_carried_out(evil):
            breaker.ruled_out[row.id] = _REPEATED[number // RULED_OUT % len(_REPEATED)]
        rows.append(row)
    return rows, breaker


@dataclass(frozen=True, slots=True)
class Catch:
    """What came of it. `on_the_server` counts the rows that were carried out."""

    story: Story
    share: Share
    on_the_server: int
    violations: list[Violation]

    def table(self) -> str:
        """Return the figures, one a line."""
        broken = Counter(violation.kind for violation in self.violations)
        figures = [
            ("rows", self.story.summary.rows),
            *((f"  {status}", count) for status, count in self.story.counts.items()),
            ("on the server", self.on_the_server),
            ("visible within 5 s", self.share.visible),
            ("  of those applied", self.share.applied),
            ("PATCHes", self.story.summary.requests.patch),
            ("reads", self.story.summary.requests.get),
            *((kind, broken[kind]) for kind in KINDS),
        ]
        width = max(len(name) for name, _ in figures)
        return "\n".join(f"{name:<{width}} {figure:>9,}" for name, figure in figures)


def hunt(rows: int, temper: Temper, *, seed: int, place: Path, canary: int = 3) -> Catch:
    """Apply a sheet to such a server, and judge."""
    dice = Random(f"late:{seed}")
    sheet, breaker = gather(rows, dice)
    server = Server(crime=breaker.crime, temper=temper, dice=dice, latency=lambda: 0.02)
    case = replace(
        CASE,
        pacing=Pacing(concurrency=16, discover=False),
        attempts=Attempts(timeout=2.0),
        stopping=Stopping(canary=canary),
        seed=seed,
    )
    story = perform(case, sheet, server, place)
    truth = server.truth
    violations = judge(sheet, story.results, truth)
    share = in_time(sheet, story.results, truth, temper)
    if not share.is_enough or not share.visible:
        violations.append(Violation("as a whole", 0, f"{share.applied} of {share.visible} visible rows are applied"))
    if story.ended.state != "finished":
        violations.append(Violation("as a whole", 0, f"it ended as {story.ended.state}: {story.ended.message}"))
    landed = sum(row.wanted in truth.records[row.id].written for row in sheet)
    return Catch(story, share, landed, violations)


def main() -> int:
    """Hunt as the command line says; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--late", type=float, default=1.0, help="seconds until a change takes effect")
    parser.add_argument("--lag", type=float, default=0.0, help="seconds by which a read may be behind")
    parser.add_argument("--canary", type=int, default=3, help="rows that go alone and are read back")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    with tempfile.TemporaryDirectory() as folder:
        temper = Temper(late=given.late, exact=True, lag=given.lag)
        catch = hunt(given.rows, temper, seed=given.seed, place=Path(folder), canary=given.canary)
    for line in examples(catch.violations):
        _say(line)
    _say(catch.table())
    return 1 if catch.violations else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
