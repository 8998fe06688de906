"""From a seed to a verdict: what came of it, in figures that can be added up and sent between processes."""

import logging
import traceback
from collections import Counter
from dataclasses import dataclass, field, fields

import structlog

from tests.system.simulation.evidence import Evidence
from tests.system.simulation.facts import Terms, in_time
from tests.system.simulation.judge import Kind, Violation, judge
from tests.system.simulation.model import Rules
from tests.system.simulation.run import happen
from tests.system.simulation.scenario import Deed, Scenario, scenario
from worker.lane.credentials import RENEW_BEFORE_S


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one seed.

    Attributes:
        digest: of all that happened.
        figures: what happened how often: see `figures_of`.
        crash: the traceback, where the program, the server or the simulation broke down.
    """

    seed: int
    digest: str = ""
    violations: tuple[Violation, ...] = ()
    figures: Counter[str] = field(default_factory=Counter)
    crash: str = ""

    @property
    def is_clean(self) -> bool:
        return not (self.violations or self.crash)


def try_seed(seed: int) -> Verdict:
    """Let a seed happen and judge it."""
    plan = scenario(seed)
    try:
        evidence = unheard(plan)
        terms = terms_of(plan, evidence)
        violations, figures = judge(terms, evidence), figures_of(evidence) + habits_of(plan)
        if not any(each.kind is Kind.RESULTS for each in violations):
            figures += in_time(terms, evidence)
        return Verdict(seed, evidence.digest(), tuple(violations), figures)
    except Exception:  # noqa: BLE001  # whatever breaks down is the finding
        return Verdict(seed, crash=traceback.format_exc(limit=-8))


def unheard(plan: Scenario) -> Evidence:
    """Let a scenario happen without its log, and without what the sandbox's server says of clients that vanish."""
    logging.disable(logging.CRITICAL)
    try:
        with structlog.testing.capture_logs():
            return happen(plan)
    finally:
        logging.disable(logging.NOTSET)


def terms_of(plan: Scenario, evidence: Evidence) -> Terms:
    """What the judge holds a run to."""
    case, acts = plan.case, [act for life in plan.lives for act in life.acts]
    deeds = Counter(act.deed for act in acts)
    strange = plan.world.strange
    lasted = max((entry.at for entry in evidence.ledger), default=0.0)
    fresh = plan.world.token_ttl > max(3600.0, lasted + RENEW_BEFORE_S)
    told = fresh and not (deeds[Deed.WEATHER] or strange.token_life or strange.token_settles)
    processes = sum(" process " in line for line in evidence.story)
    return Terms(
        plan.sheet,
        case.pacing.concurrency,
        case.attempts.max_attempts,
        rules=Rules(case.metadata == "replace", strange.canonical),
        locked=plan.locked,
        quiet=plan.is_quiet,
        undisturbed=not acts,
        tokens=deeds[Deed.REVOKE] + processes if told else None,
        pauses=bool(strange.pauses or strange.odd_replies),
        blind=case.blind,
        reads_lag=strange.reads_lag,
        stale=bool(strange.reads_lag or strange.lands_late),
    )


def habits_of(plan: Scenario) -> Counter[str]:
    """Return the strange habits of the server, each counted once."""
    strange = plan.world.strange
    return Counter(f"habit: {each.name}" for each in fields(strange) if getattr(strange, each.name))


def figures_of(evidence: Evidence) -> Counter[str]:
    """What happened, in numbers."""
    told = evidence.reports.csv
    figures = Counter({"rows": len(told), "PATCHes": len(evidence.patches), "GETs": 0})
    figures["GETs"] = sum(entry.method == "GET" for entry in evidence.ledger)
    figures["tokens"] = sum(entry.method == "POST" for entry in evidence.ledger)
    figures["kills with open intents"] = len(evidence.opened)
    figures["open intents"] = sum(map(len, evidence.opened))
    figures["replies lost"] = sum(not flight.status for flight in evidence.flights)
    figures["applied unheard"] = _unread(evidence)
    for line in evidence.story:
        words = line.split(None, 1)[1]
        if words.startswith("process "):
            figures[f"process: {words.rpartition(' ')[2]}"] += 1
        elif words.startswith("ended: "):
            figures[" ".join(words.split()[:2])] += 1
        elif words.endswith(")"):
            figures[f"deed: {words.partition(' (')[0]}"] += 1
        elif words.startswith("the network"):
            figures[f"network: {words.removeprefix('the network ').partition(' for ')[0]}"] += 1
    figures.update(f"fault: {entry.fault}" for entry in evidence.patches if entry.fault)
    figures.update(f"http: {entry.status}" for entry in evidence.patches)
    figures.update(f"status: {each.status}" for each in told)
    figures.update(f"reason: {each.reason}" for each in told if each.reason)
    return figures


def _unread(evidence: Evidence) -> int:
    """PATCHes that the server applied although the client never heard of it."""
    applied = sum(entry.applied for entry in evidence.patches)
    heard = sum(flight.status == 200 for flight in evidence.flights)
    return applied - heard


__all__ = ["Kind", "Verdict", "Violation", "figures_of", "terms_of", "try_seed", "unheard"]
