"""The IETF's `RateLimit` fields, in the three forms of its drafts (draft-ietf-httpapi-ratelimit-headers).

Drafts 00 to 06 have three fields of numbers, 07 a dictionary, 08 and later a list of named policies. All of them are
structured fields (RFC 9651).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from http_sf import Token, parse

from jobs.apis.header_values import count, sent_at
from jobs.values import valueclass
from worker.policy.ratelimit.generic import seconds_until
from worker.policy.ratelimit.limits import Limits, one, together

_Item: TypeAlias = tuple[Any, Mapping[str, Any]]


@valueclass(frozen=True, slots=True)
class _Policy:
    """A quota as a policy field states it. `counts_requests` is False if it has another unit, such as bytes."""

    name: str
    limit: float | None
    interval: float | None
    counts_requests: bool = True

    def left(self, remaining: float | None = None, resets_in: float | None = None) -> Limits:
        """Return the limits of the policy, with what is left of it if that is stated."""
        if not self.counts_requests:
            return Limits()
        return one(
            f"ratelimit {self.name}".strip(),
            limit=self.limit,
            interval=self.interval,
            remaining=remaining,
            resets_in=resets_in,
        )


@valueclass(frozen=True, slots=True)
class _State:
    """The rest of a quota, as the state field gives it."""

    limit: float | None
    remaining: float | None
    resets_in: float | None


def read(headers: Mapping[str, str], wall: float) -> Limits:
    """Read `RateLimit-Policy` and `RateLimit`, or `RateLimit-Limit`, `-Remaining` and `-Reset`.

    By the drafts, a reset is in seconds from now. GitLab sends seconds since the epoch, which no other number can be.
    """
    stated = _items(headers.get("ratelimit-policy"))
    told = headers.get("ratelimit")
    if named := _items(told):
        return _named(stated, named)
    if fields := _dictionary(told):
        return _numbered(stated, _State(fields.get("limit"), fields.get("remaining"), fields.get("reset")))
    limits = _items(headers.get("ratelimit-limit"))
    limit = next((_number(item) for item, parameters in limits if "w" not in parameters), None)
    remaining, reset = count(headers.get("ratelimit-remaining")), headers.get("ratelimit-reset")
    resets_in = None if reset is None else seconds_until(reset, sent_at(headers, wall))
    listed = [item for item in limits if "w" in item[1]]
    return _numbered([*stated, *listed], _State(limit, remaining, resets_in))


def _named(stated: Iterable[_Item], named: Iterable[_Item]) -> Limits:
    """Join policies and states by name; of the partitions of one policy, the emptiest counts."""
    policies = {policy.name: policy for policy in map(_policy, stated)}
    states = [
        (policies.get(_text(item), _Policy(_text(item), None, None)), _number(told.get("r")), _number(told.get("t")))
        for item, told in named
    ]
    silent = policies.keys() - {policy.name for policy, _, _ in states}
    states += [(policies[name], None, None) for name in sorted(silent)]
    return together(policy.left(remaining, resets_in) for policy, remaining, resets_in in states)


def _numbered(stated: Iterable[_Item], state: _State) -> Limits:
    """Assign the state to the policy with the same limit: these drafts do not name policies."""
    policies = list(map(_policy, stated))
    meant = next((policy for policy in policies if policy.limit == state.limit), _Policy("", state.limit, None))
    others = (policy.left() for policy in policies if policy is not meant)
    return together((*others, meant.left(state.remaining, state.resets_in)))


def _policy(item: _Item) -> _Policy:
    """Read a policy like `"name";q=100;w=60;qu="requests"` or `100;w=60`. Its partition key names the caller: us."""
    value, parameters = item
    interval = _number(parameters.get("w"))
    if (limit := _number(value)) is not None:
        return _Policy(_text(value), limit, interval)
    unit = _text(parameters.get("qu", "requests"))
    return _Policy(_text(value), _number(parameters.get("q")), interval, unit == "requests")


def _items(value: str | None) -> list[_Item]:
    """Parse the items of a structured list, none if it is absent or malformed; skip inner lists."""
    found = _parsed(value, "list")
    return [item for item in found if not isinstance(item[0], list)] if isinstance(found, list) else []


def _dictionary(value: str | None) -> dict[str, float | None]:
    """Parse the numbers of a structured dictionary, none if it is absent or malformed."""
    found = _parsed(value, "dictionary")
    return {key: _number(item[0]) for key, item in found.items()} if isinstance(found, dict) else {}


def _parsed(value: str | None, kind: str) -> Any:
    if value is None:
        return None
    try:
        return parse(value.encode("ascii"), tltype=kind)
    except ValueError:  # a base of StructuredFieldError and UnicodeEncodeError
        return None


def _number(value: Any) -> float | None:
    """Return a number of a structured field, None if it is no number: a parameter without a value is True."""
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    """Return a name: a string in the latest drafts, a token from some servers."""
    return str(value) if isinstance(value, str | Token) else repr(value)
