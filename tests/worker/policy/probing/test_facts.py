"""Facts as values."""

from worker.policy.probing.facts import Fact, contradictions


def test_contradictions_are_counted() -> None:
    facts = [Fact("a", "", "", ""), Fact("b", "", "", "", contradicts=True)]
    assert contradictions(facts) == 1


def test_a_fact_as_json_has_everything_but_its_notes() -> None:
    document = Fact("a", "x", "y", "z").document()
    assert document == {"fact": "a", "says": "x", "found": "y", "seen": "z", "contradicts": False}
