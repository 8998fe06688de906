"""A scenario is a file: a server, some work, and the ranges within which what comes of it is accepted."""

import tomllib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from tests.system.pace.clients import Client, Maker, Ours, Terms
from tests.system.pace.drive import Figures, Work, drive
from tests.system.pace.foretelling import Foretelling
from tests.system.pace.peers import AdaptiveConcurrency, AutomaticDelay, EvenSpacing, LeakyBucket, TokenBucket
from tests.system.pace.server import Server

DIRECTORY: Final = Path(__file__).parent / "scenarios"

CLIENTS: Final[dict[str, Maker]] = {
    "rowpatch": Ours,
    "leaky bucket": LeakyBucket,
    "token bucket": TokenBucket,
    "even spacing": EvenSpacing,
    "automatic delay": AutomaticDelay,
    "adaptive concurrency": AdaptiveConcurrency,
}

Range: TypeAlias = tuple[float, float]
Figure: TypeAlias = Literal[
    "seconds", "refusals", "refused_429", "max_in_flight", "settled_in_flight", "mean_in_flight", "rate", "share",
    "of_least",     "eta_error", "refused_share",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a file says.

    Attributes:
        about: what it is for, and why these ranges.
        accept: what is accepted of ours. `seed`: of the server's dice.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    about: str
    server: Server
    work: Work
    accept: dict[Figure, Range]
    seed: int = 1


def names() -> list[str]:
    """Of all scenarios, in order."""
    return sorted(path.stem for path in DIRECTORY.glob("*.toml"))


def read(name: str) -> Scenario:
    """The scenario of that name."""
    return TypeAdapter(Scenario).validate_python(
        tomllib.loads((DIRECTORY / f"{name}.toml").read_text(encoding="utf-8"))
    )


def play(scenario: Scenario, maker: Maker = Ours) -> tuple[Figures, dict[str, float]]:
    """Play a scenario with one client: its figures, and all that a range may be given for."""
    server, work = scenario.server, scenario.work
    watch = Foretelling(work.requests)
    make = partial(_client, maker, scenario)
    figures = drive(make, server, work, seed=scenario.seed, watch=watch)
    named: dict[str, float] = asdict(figures)
    named["refused_share"] = 100 * figures.refused_429 / figures.requests
    named["eta_error"] = watch.error()
    return figures, named


def _client(maker: Maker, scenario: Scenario) -> Client:
    return maker(Terms(scenario.server.limits, scenario.work.concurrency, scenario.seed))
