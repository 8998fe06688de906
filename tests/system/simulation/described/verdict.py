"""From a seed of a described API to a verdict."""

import hashlib
import logging
import traceback
from collections import Counter
from dataclasses import dataclass, field

import structlog

from tests.system.simulation.described.judge import Violation, judge
from tests.system.simulation.described.run import Evidence, happen
from tests.system.simulation.described.scenario import Scenario, scenario


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one seed: see `tests.system.simulation.verdict`."""

    seed: int
    digest: str = ""
    violations: tuple[Violation, ...] = ()
    figures: Counter[str] = field(default_factory=Counter)
    crash: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether no promise was broken, and nothing broke down."""
        return not (self.violations or self.crash)


def try_seed(seed: int) -> Verdict:
    """Let a seed happen and judge it."""
    plan = scenario(seed)
    try:
        evidence = unheard(plan)
        return Verdict(seed, digest_of(evidence), tuple(judge(plan, evidence)), figures_of(plan, evidence))
    except Exception:  # noqa: BLE001  # whatever breaks down is the finding
        return Verdict(seed, crash=traceback.format_exc(limit=-8))


def unheard(plan: Scenario) -> Evidence:
    """Let a scenario happen without its log."""
    logging.disable(logging.CRITICAL)
    try:
        with structlog.testing.capture_logs():
            return happen(plan)
    finally:
        logging.disable(logging.NOTSET)


def digest_of(evidence: Evidence) -> str:
    """Return one number for everything that happened, down to the bytes of the reports."""
    whole = hashlib.sha256()
    for entry in evidence.ledger:
        whole.update(f"{entry.at!r} {entry.method} {entry.target} {entry.status} {entry.fault} {entry.done!r}".encode())
    for line in evidence.story:
        whole.update(line.encode())
    for name in sorted(evidence.raw):
        whole.update(evidence.raw[name])
    return whole.hexdigest()


def figures_of(plan: Scenario, evidence: Evidence) -> Counter[str]:
    """Return what happened, in numbers."""
    world, told = plan.world, evidence.reports.csv
    figures = Counter({"stories": 1, "rows": len(told), "requests": len(evidence.ledger)})
    figures["landings of others"] = sum(not each.entry for each in evidence.landings)
    figures["actions fired"] = sum(each.fired for each in evidence.landings)
    figures["second runs"] = evidence.told_again is not None
    figures["undone runs"] = evidence.told_undone is not None
    figures["quiet stories"] = plan.is_quiet
    traits = (
        ("format", world.format), ("method", world.method), ("send", world.send), ("echo", world.echo),
        ("versions", world.versions), ("many", world.many), ("auth", world.auth), ("throttle", world.throttle),
        ("key", "+".join(world.key)),
    )  # fmt: skip
    figures.update(f"world: {name} {value or 'none'}" for name, value in traits)
    for name in ("omits_empty", "finds", "idempotency", "limits", "concurrency", "mask", "canonical", "reads_lag"):
        figures[f"world: {name}"] += bool(getattr(world, name))
    figures.update(f"{entry.kind}s" for entry in evidence.ledger if entry.kind)
    figures.update(f"fault: {entry.fault}" for entry in evidence.ledger if entry.fault)
    figures.update(f"http: {entry.status}" for entry in evidence.ledger)
    figures.update(f"status: {each.status}" for each in told)
    figures.update(f"reason: {each.reason}" for each in told if each.reason)
    for line in evidence.story:
        words = line.split(None, 1)[1]
        if words.startswith("process "):
            figures[f"process: {words.rpartition(' ')[2]}"] += 1
        elif words.endswith(")"):
            figures[f"deed: {words.partition(' (')[0]}"] += 1
    return figures


__all__ = ["Verdict", "figures_of", "try_seed", "unheard"]
