"""`rowpatch sandbox`: a fake Commerce Layer on loopback, to try things on."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from worker.settings import ConfigError, parse_rate

if TYPE_CHECKING:
    from worker.sandbox import SandboxSettings

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


def sandbox(
    *,
    port: Annotated[int, Parameter(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[
        tuple[str, ...], Parameter(negative=(), help="Records to begin with: TYPE=COUNT, or a JSON file. Repeatable.")
    ] = ("stripe_payments=1000", "transactions=1000"),
    mode: Annotated[Literal["test", "live"], Parameter(help="What the token and the replies say.")] = "test",
    limit: Annotated[str, Parameter(help="Quota of PATCH, like 100/60s; none for no limit.")] = "100/60s",
    faults: Annotated[
        float, Parameter(help="Share of requests that meet a fault: 5xx or a reset, before or after.")
    ] = 0.0,
    random_seed: Annotated[int, Parameter(help="Makes ids, faults and latencies repeatable.")] = 0,
    state: Annotated[Path | None, Parameter(help="SQLite file that keeps records and ledger.")] = None,
    abstract_transactions: Annotated[
        bool, Parameter(negative=(), help="Refuse PATCH /api/transactions/:id, as today's schema suggests.")
    ] = False,
    latency: Annotated[str, Parameter(help="Median time to answer, like 24ms.")] = "24ms",
) -> int:
    """Serve a faithful fake Commerce Layer on loopback until interrupted.

    Prints one JSON line with its url, token, client_id and client_secret. GET /_sandbox/ledger tells every request it
    received and whether it was applied; GET /_sandbox/resources shows the records.
    """
    from worker.cli.session import guarded  # noqa: PLC0415  # --help must be quick
    from worker.sandbox import SandboxSettings  # noqa: PLC0415  # see above

    def start() -> int:
        limits = None if limit == "none" else parse_rate(limit, "--limit")
        if limits is not None and len(limits) != 1:
            raise ConfigError("--limit takes one window like 100/60s; the burst window follows from it.")
        settings = SandboxSettings(
            seed=seed,
            mode=mode,
            limit=limits[0] if limits else None,
            faults=faults,
            random_seed=random_seed,
            state=state,
            abstract_transactions=abstract_transactions,
            latency=_seconds(latency),
        )
        return _serve(settings, port)

    return guarded(start)


def _serve(settings: "SandboxSettings", port: int) -> int:
    import anyio  # noqa: PLC0415  # see above

    from worker.sandbox import SeedError, serve  # noqa: PLC0415  # see above

    async def forever() -> None:
        async with serve(settings, port) as server:
            print(json.dumps(server.announcement()), flush=True)  # noqa: T201  # the contract
            if sys.stderr.isatty():
                shown = f"export ROWPATCH_URL={server.url}\nexport ROWPATCH_TOKEN={server.token}"
                print(f"\nFor another terminal:\n\n{shown}", file=sys.stderr)  # noqa: T201  # to be pasted
            await anyio.sleep_forever()

    try:
        anyio.run(forever)
    except KeyboardInterrupt:
        return 0
    except (SeedError, OSError) as error:
        raise ConfigError(f"Cannot start the sandbox: {error}") from None
    return 0


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"--latency {text!r}: write it like 24ms or 0.5s.")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)
