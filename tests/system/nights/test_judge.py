"""The judge of histories lets a program pass that is right, and catches each that is wrong in one thing."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.system.nights.histories import Rules, happen
from tests.system.nights.standin import FAULTS, StandIn
from tests.system.nights.worlds import Shop, World


def broken(fault: str, seeds: int) -> list[str]:
    """Return the violations of the first history that has some."""
    for seed in range(seeds):
        history = happen(seed, "unconditional", partial(_program, fault), last_point=12)
        if history.broken:
            return [f"seed {seed}", *history.log, *history.broken]
    return []


def _program(fault: str, world: World, rules: Rules) -> Callable[..., Any]:
    assert isinstance(world, Shop)
    return StandIn(world, rules, fault).reconcile


def test_a_program_that_does_what_the_table_says_is_not_blamed() -> None:
    assert broken("", 150) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_program_is_blamed_that(fault: str) -> None:
    assert broken(fault, 300) != []
