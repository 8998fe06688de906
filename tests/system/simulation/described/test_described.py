"""The simulation of described APIs in short; and that the judge sees what a broken program does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.apis.described.fields import FieldRules
from jobs.apis.described.resource import DescribedResource
from tests.system.simulation.__main__ import simulate
from tests.system.simulation.described.judge import Kind
from tests.system.simulation.described.verdict import try_seed
from worker.engine.attempt import IdempotencyKeys

MUST_HAPPEN = (
    *(f"world: format {each}" for each in ("json", "merge_patch", "json_patch", "json_api", "form")),
    *(f"world: echo {each}" for each in ("whole", "partial", "none", "204")),
    *(f"world: versions {each}" for each in ("none", "etag", "member", "body", "query")),
    *(f"world: many {each}" for each in ("none", "get", "list", "post")),
    *(f"world: auth {each}" for each in ("bearer", "basic", "api_key", "oauth2", "none")),
    *(f"world: throttle {each}" for each in ("429", "429-bare", "403-code", "200-body")),
    "world: send record", "world: key space+id", "world: omits_empty", "world: finds", "world: idempotency",
    "world: limits", "world: concurrency", "world: mask", "world: canonical", "world: reads_lag",
    "deed: kill", "deed: power loss", "deed: signal", "deed: outage", "process: resume", "process: retry",
    "fault: reset-after", "fault: late", "fault: cut", "fault: 202", "landings of others", "actions fired",
    "second runs", "undone runs", "status: applied", "status: unchanged", "status: rejected", "status: unknown",
    "reason: read_back", "reason: unverified", "reason: locked", "reason: not_found", "quiet stories",
)  # fmt: skip
"""Without these, the simulation would prove nothing."""


def test_no_seed_breaks_a_promise_and_everything_that_matters_happens() -> None:
    figures, broken = simulate(0, 50, processes=2, described=True)
    assert [(each.seed, each.violations, each.crash) for each in broken] == []
    assert [name for name in MUST_HAPPEN if not figures[name]] == []


@pytest.mark.parametrize("seed", [1, 3, 24])  # kills, retries, a second run and an undo
def test_a_seed_tells_the_same_story_again(seed: int) -> None:
    first, again = try_seed(seed), try_seed(seed)
    assert first.digest == again.digest != ""


@pytest.mark.parametrize(
    "seed",
    [
        1917,  # all that a read shows of a row was there before: that says nothing of what no read shows
        1979,  # an action that is fired once more by consent keeps its key, and its request has changed
        2210,  # where nobody has read the old value, a text in another form may be that
    ],
)
def test_a_seed_that_was_judged_wrongly_or_found_a_fault_breaks_no_promise(seed: int) -> None:
    assert try_seed(seed).violations == ()


def _no_overlay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a member alone, whatever the server does with those that are not sent."""
    monkeypatch.setattr(FieldRules, "unit", lambda _, steps: steps)


def _no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget on which version an update builds."""
    update = DescribedResource.update

    def without(self: Any, *parts: Any) -> Any:
        made = update(self, *parts)
        return replace(made, headers={name: each for name, each in made.headers.items() if name != "If-Match"})

    monkeypatch.setattr(DescribedResource, "update", without)


def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one idempotency key for all."""
    on = IdempotencyKeys.on

    def same(self: IdempotencyKeys, request: Any, row: Any) -> Any:
        made = on(self, request, row)
        return replace(made, headers={**made.headers, self.header: "k"})

    monkeypatch.setattr(IdempotencyKeys, "on", same)


@pytest.mark.parametrize(
    ("breaking", "seen", "seeds"),
    [
        (_no_overlay, Kind.STRAY, range(12)),
        (_no_condition, Kind.UNCONDITIONAL, range(20)),
        (_one_key, Kind.KEYS, range(20)),
    ],
)
def test_the_judge_sees_a_broken_program(
    breaking: Callable[[pytest.MonkeyPatch], None], seen: Kind, seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(monkeypatch)
    assert any(violation.kind is seen for seed in seeds for violation in try_seed(seed).violations)
