"""Tells the story of one seed of a described API: the world, the sheet, every request, and what the judge says."""

from collections.abc import Callable
from dataclasses import asdict

from tests.system.simulation.described.judge import facts_of, judge
from tests.system.simulation.described.run import Evidence
from tests.system.simulation.described.scenario import scenario
from tests.system.simulation.described.verdict import digest_of, unheard


def tell(seed: int, say: Callable[[str], None]) -> int:
    """Tell a story; return 1 if it broke a promise."""
    plan = scenario(seed)
    evidence = unheard(plan)
    chosen = {name: value for name, value in asdict(plan.world).items() if value not in ("", None, False, ())}
    say(", ".join(f"{name}: {value}" for name, value in chosen.items()))
    say("\n".join(evidence.story))
    _requests(evidence, say)
    for landing in evidence.landings:
        changed = [name for name in landing.after if landing.before.get(name) != landing.after[name]]
        values = {name: (landing.before.get(name), landing.after[name]) for name in changed}
        say(f"{landing.at:10.3f} {landing.key}: {f'request {landing.entry}' if landing.entry else 'others'} {values}")
    for facts in facts_of(plan, evidence):
        say(f"row {facts.row.number} of {facts.row.key}: {dict(facts.row.cells)}")
        say(f"  {facts.told.status} {facts.told.reason}, {facts.told.attempts} attempts")
    for name, told in (("second run", evidence.told_again), ("undo", evidence.told_undone)):
        say(f"{name}: {', '.join(f'{each.row} {each.status} {each.reason}' for each in told or ())}")
    violations = judge(plan, evidence)
    say("\n".join(f"{each.kind}: {each.detail}" for each in violations) or "no promise was broken")
    say(f"digest {digest_of(evidence)}")
    return 1 if violations else 0


def _requests(evidence: Evidence, say: Callable[[str], None]) -> None:
    for entry in evidence.ledger:
        sent = "" if entry.flight is None else evidence.flights[entry.flight].body.decode()
        known = entry.flight is not None and entry.flight < len(evidence.senders)
        sender = evidence.senders[entry.flight] if known and entry.flight is not None else None
        row = f" row {sender[0]}, attempt {sender[1]}" if sender else ""
        say(f"{entry.n:4} {entry.at:10.3f} {entry.method} {entry.target} {entry.status} {entry.fault}{row} {sent}")
        if entry.n == evidence.entries:
            say("     the run is over")
