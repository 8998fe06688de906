"""What a sandbox can be told: one frozen group with every default."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from worker.sandbox.strange import ORDINARY, Strange

Mode = Literal["test", "live"]


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The settings of one sandbox.

    Attributes:
        seed: what the store begins with: `TYPE=COUNT`, or the path of a JSON or NDJSON file of resource objects.
        mode: shown as `meta.mode` of every resource and as `test` in the token.
        limit: requests and seconds of the average window of PATCH, None for no limit and no rate headers.
        faults: probability that an admitted request meets a fault, 0 to 1.
        random_seed: the same seed gives the same ids, faults, latencies and token.
        state: SQLite file that resources and ledger live in, None for memory only.
        abstract_transactions: True when PATCH /api/transactions/:id is refused, as today's schema suggests.
        abstract_status: HTTP status of that refusal, 404 or 405.
        latency: median seconds between request and reply, log-normal; 0 for none and no timer.
        headers: False enforces the limits without telling them, as an unknown server would.
        penalty: True counts refused requests as well.
        token_ttl: life of an access token in seconds.
        epoch: seconds since 1970 at the start of the sandbox; None reads the wall clock once.
        strange: its strange habits.
    """

    seed: tuple[str, ...] = ()
    mode: Mode = "test"
    limit: tuple[int, float] | None = None
    faults: float = 0.0
    random_seed: int = 0
    state: Path | None = None
    abstract_transactions: bool = False
    abstract_status: int = 404
    latency: float = 0.0
    headers: bool = True
    penalty: bool = False
    client_id: str = "sandbox-client-id"
    client_secret: str = "sandbox-client-secret"  # noqa: S105  # made up; it opens nothing but the sandbox
    token_ttl: float = 7200.0
    epoch: float | None = None
    strange: Strange = ORDINARY
