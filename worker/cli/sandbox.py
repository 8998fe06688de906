"""`rowpatch sandbox`: a fake Commerce Layer, or any described API, on loopback, to try things on."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from worker.cli.flags import ApiFlags
from worker.settings import ConfigError, parse_rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jobs.apis.description.model import Description
    from worker.sandbox import SandboxSettings

    Found = tuple[Description, Mapping[str, str]]

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


def _strange(what: str) -> Parameter:
    """Make a flag in the group of strange habits."""
    return Parameter(help=what, group="Strange habits", negative=())


def sandbox(
    *,
    port: Annotated[int, Parameter(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[
        tuple[str, ...], Parameter(negative=(), help="Records to begin with: TYPE=COUNT, or a JSON file. Repeatable.")
    ] = (),
    mode: Annotated[Literal["test", "live"], Parameter(help="Mode that the token and the replies state.")] = "test",
    limit: Annotated[
        str | None,
        Parameter(
            help="Quota of updates, like 100/60s; none for no limit. Default: 100/60s; with --api, what that declares."
        ),
    ] = None,
    limit_share: Annotated[
        float, Parameter(help="With --api: what part of the declared limits is enforced; 0.5 for half of the requests.")
    ] = 1.0,
    faults: Annotated[
        float, Parameter(help="Share of requests that fail: a 5xx or a reset, before or after the change.")
    ] = 0.0,
    random_seed: Annotated[int, Parameter(help="Makes ids, faults and latencies repeatable.")] = 0,
    state: Annotated[Path | None, Parameter(help="SQLite file that keeps records and ledger.")] = None,
    abstract_transactions: Annotated[
        bool, Parameter(negative=(), help="Refuse PATCH /api/transactions/:id, as today's schema suggests.")
    ] = False,
    latency: Annotated[str, Parameter(help="Median time to answer, like 24ms.")] = "24ms",
    lands_late: Annotated[str, _strange("Changes take effect up to this long after their request, like 2s.")] = "0s",
    reads_lag: Annotated[str, _strange("Reads may show the state of up to this long ago.")] = "0s",
    index_lag: Annotated[str, _strange("Lists may omit a record for this long after its change.")] = "0s",
    canonical: Annotated[bool, _strange("Store texts trimmed, in NFC, e-mail in lower case.")] = False,
    page_cap: Annotated[int, _strange("Maximum number of records per page; 0 for the API's own rule.")] = 0,
    ignores_filters: Annotated[bool, _strange("Lists show all records, page by page.")] = False,
    odd_replies: Annotated[
        float, _strange("Share of updates answered by a 2xx that proves little, or by an error after the change.")
    ] = 0.0,
    pauses: Annotated[float, _strange("Share of requests refused with a Retry-After.")] = 0.0,
    untold_limit: Annotated[str, _strange("A further quota that no header states, like 10/2s.")] = "none",
    limits_in_body: Annotated[bool, _strange("Refuse for pace by a 403 whose body says so.")] = False,
    token_life: Annotated[str, _strange("Refuse a token after this long, whatever its reply said.")] = "",
    token_settles: Annotated[str, _strange("Refuse a renewed token for this long.")] = "0s",  # noqa: S107  # seconds
    bearer_errors: Annotated[bool, _strange("Refuse tokens as RFC 6750 says, with any body.")] = False,
    which: ApiFlags = ApiFlags(),
) -> int:
    """Serve a faithful fake Commerce Layer on loopback until interrupted; with --api, any API that is described.

    Prints one JSON line with its url, token, client_id and client_secret; with --api, with the credentials of that
    API, values for its variables, and ids for example. GET /_sandbox/ledger lists every request it received and
    whether it was applied; GET /_sandbox/resources shows the records.
    """
    from worker.cli.chosen import chosen_api
    from worker.cli.guarded import guarded
    from worker.operations.descriptions import behind
    from worker.sandbox import SandboxSettings, Strange

    def start() -> int:
        strange = Strange(
            lands_late=_seconds(lands_late, "--lands-late"),
            reads_lag=_seconds(reads_lag, "--reads-lag"),
            index_lag=_seconds(index_lag, "--index-lag"),
            canonical=canonical,
            page_cap=page_cap,
            ignores_filters=ignores_filters,
            odd_replies=odd_replies,
            pauses=pauses,
            untold_limit=_window(untold_limit, "--untold-limit"),
            limits_in_body=limits_in_body,
            token_life=_seconds(token_life, "--token-life") if token_life else None,
            token_settles=_seconds(token_settles, "--token-settles"),
            bearer_errors=bearer_errors,
        )
        found = behind(chosen_api(which))
        is_described = found is not None and not found[0].code
        settings = SandboxSettings(
            seed=seed if is_described or seed else ("stripe_payments=1000", "transactions=1000"),
            mode=mode,
            limit=_window(limit or ("none" if is_described else "100/60s"), "--limit"),
            faults=faults,
            random_seed=random_seed,
            state=state,
            abstract_transactions=abstract_transactions,
            latency=_seconds(latency, "--latency"),
            strange=strange,
        )
        if found is None or not is_described:
            return _until_interrupted(lambda: _commerce_layer(settings, port))
        _check_described(settings, limit_share)
        share = None if limit == "none" else limit_share
        name = which.api or found[0].name
        return _until_interrupted(lambda: _described(found, settings, port, share, name))

    return guarded(start)


def _check_described(settings: "SandboxSettings", share: float) -> None:
    """Refuse flags that only the fake Commerce Layer knows.

    Raises:
        ConfigError: one was given.
    """
    from worker.sandbox.strange import ORDINARY

    given = {
        "--state": settings.state is not None,
        "--mode": settings.mode != "test",
        "--abstract-transactions": settings.abstract_transactions,
        "strange habits": settings.strange != ORDINARY,
    }
    if wrong := [name for name, is_given in given.items() if is_given]:
        raise ConfigError(f"With --api, the sandbox does not take {', '.join(wrong)}.")
    if share <= 0:
        raise ConfigError("--limit-share takes a number above 0; --limit none enforces no limit.")


async def _described(found: "Found", settings: "SandboxSettings", port: int, share: float | None, name: str) -> None:
    import anyio

    from worker.sandbox.described import serve_described

    description, values = found
    async with serve_described(description, settings, port=port, given=values, share=share) as server:
        print(f"For another terminal:\n\n{server.trial(name)}\n", file=sys.stderr, flush=True)
        print(json.dumps(server.announcement()), flush=True)
        await anyio.sleep_forever()


async def _commerce_layer(settings: "SandboxSettings", port: int) -> None:
    import anyio

    from worker.sandbox import serve

    async with serve(settings, port) as server:
        print(json.dumps(server.announcement()), flush=True)
        if sys.stderr.isatty():
            shown = f"export ROWPATCH_URL={server.url}\nexport ROWPATCH_TOKEN={server.token}"
            print(f"\nFor another terminal:\n\n{shown}", file=sys.stderr)
        await anyio.sleep_forever()


def _until_interrupted(serving: "Callable[[], Awaitable[None]]") -> int:
    import anyio

    from worker.sandbox import SeedError

    try:
        anyio.run(serving)
    except KeyboardInterrupt:
        return 0
    except (SeedError, OSError) as error:
        raise ConfigError(f"Cannot start the sandbox: {error}") from None
    return 0


def _window(text: str, flag: str) -> tuple[int, float] | None:
    """Parse a quota into requests and seconds; return None for `none`."""
    windows = () if text == "none" else parse_rate(text, flag)
    if len(windows) > 1:
        raise ConfigError(f"{flag} takes one window like 100/60s.")
    return windows[0] if windows else None


def _seconds(text: str, flag: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{flag} {text!r}: write it like 24ms or 0.5s.")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)
