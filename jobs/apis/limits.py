"""The limits that an API declares, before any reply tells one: what they count, and whose they are."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Final, Literal, TypeAlias

from jobs.values import valueclass

Counted: TypeAlias = Literal["all", "read", "update"]
"""Which requests a limit counts."""

Rate: TypeAlias = tuple[int, float]
"""At most so many requests in any so many seconds."""

ResetFormat: TypeAlias = Literal["seconds", "ms", "epoch", "epoch_ms", "iso8601"]

CREDENTIAL: Final = "credential"
"""A limit on all that is sent with one credential."""

PATH: Final = "path"
"""A limit on the reads, or on the updates, of one type of records."""

RECORD: Final = "record"
"""A limit on what is sent about one record. Anything else is a variable in braces, such as `{base}`."""

OTHERS: Final = "*"
"""Stands for all types of records that are not listed by name."""

Place: TypeAlias = tuple[int, str]
"""Where a request is counted: a gate, by its place in `DeclaredLimits.gates`, and the value that it counts apart."""

Places: TypeAlias = tuple[Place, ...]


@valueclass(frozen=True, slots=True)
class DeclaredLimit:
    """One limit: some rates, or a number of requests in flight, or both.

    Attributes:
        per: whose it is: `CREDENTIAL`, `PATH`, `RECORD`, or a variable in braces.
        on: which requests count.
        type: of the records that it is about; empty for all, `OTHERS` for all that are not `listed`.
        rates: all of them hold.
        in_flight: maximum number of requests in flight; 0 for any number.
        listed: types that it is not about, if it is about all others.
    """

    per: str = CREDENTIAL
    on: Counted = "all"
    type: str = ""
    rates: tuple[Rate, ...] = ()
    in_flight: int = 0
    listed: frozenset[str] = frozenset()

    @property
    def is_idle(self) -> bool:
        """Whether it neither limits anything, nor can a pause be about it alone."""
        return self.per == CREDENTIAL and not self.rates and not self.in_flight

    def __and__(self, other: "DeclaredLimit") -> "DeclaredLimit":
        """Return the limit that holds where both do; they count the same requests."""
        in_flight = min(filter(None, (self.in_flight, other.in_flight)), default=0)
        return replace(self, rates=tuple(dict.fromkeys((*self.rates, *other.rates))), in_flight=in_flight)

    def value(self, type_name: str, key: str, variables: Mapping[str, str], *, reads: bool) -> str | None:
        """Return the value by which a request is counted; None if it is not.

        Args:
            type_name: of the record.
            key: of the record; empty if that is not known yet.
            variables: of the request, by name; what is not known yet is absent.
            reads: whether it is a read or an update.
        """
        if self.type not in ("", OTHERS, type_name) or type_name in self.listed:
            return None
        if self.on == ("update" if reads else "read"):
            return None
        if self.per == CREDENTIAL:
            return ""
        if self.per == PATH:
            return f"{'read' if reads else 'update'} {type_name}"
        return (f"{type_name} {key}" if key else None) if self.per == RECORD else variables.get(self.per[1:-1])


@valueclass(frozen=True, slots=True)
class LimitHeader:
    """Headers that tell one limit. Names are in lower case; empty for what no header tells.

    Attributes:
        limit: requests per window. `remaining`: requests that are left of them.
        reset: when the window ends, in the form of `reset_format`.
        window: seconds of the window, 0 if they are not known.
    """

    limit: str = ""
    remaining: str = ""
    reset: str = ""
    reset_format: ResetFormat = "seconds"
    window: float = 0.0


@valueclass(frozen=True, slots=True)
class DeclaredLimits:
    """All that an API declares about its pace.

    Attributes:
        together: reads and updates spend one quota.
        reads, updates: limits on all reads and on all updates of a credential; the same one if they count together.
        gates: limits on some requests, besides those: what a request is counted by is said by `places`.
        headers: in which replies tell limits in a way of this API's own.
    """

    together: bool = False
    reads: DeclaredLimit = field(default_factory=DeclaredLimit)
    updates: DeclaredLimit = field(default_factory=DeclaredLimit)
    gates: tuple[DeclaredLimit, ...] = ()
    headers: tuple[LimitHeader, ...] = ()

    def places(self, type_name: str, key: str, variables: Mapping[str, str], *, reads: bool) -> Places:
        """Return the gates that a request passes, see `DeclaredLimit.value`."""
        values = (gate.value(type_name, key, variables, reads=reads) for gate in self.gates)
        return tuple((place, value) for place, value in enumerate(values) if value is not None)


def declared(
    limits: Iterable[DeclaredLimit], pauses: Iterable[str] = (), headers: Iterable[LimitHeader] = ()
) -> DeclaredLimits:
    """Put limits where they belong.

    Reads and updates count together unless every limit of the credential is about one of them alone: so most servers
    count, and what their headers tell is then about both.

    Args:
        limits: in any order.
        pauses: what single refusals can be about, see `DeclaredLimit.per`: each is a gate, which may have no limit.
        headers: in which replies tell limits.
    """
    known: dict[tuple[str, Counted, str], DeclaredLimit] = {}
    for limit in (*limits, *(DeclaredLimit(per) for per in pauses if per != CREDENTIAL)):
        name = limit.per, limit.on, limit.type
        known[name] = known[name] & limit if name in known else limit
    kinds: tuple[Counted, ...] = ("all", "read", "update")
    whole, reads, updates = (known.get((CREDENTIAL, on, ""), DeclaredLimit(on=on)) for on in kinds)
    of_all = {whole, reads, updates}
    if whole in known.values() or not (reads in known.values() or updates in known.values()):
        gates = tuple(limit for limit in known.values() if limit != whole and not limit.is_idle)
        return DeclaredLimits(True, whole, whole, gates, tuple(headers))
    gates = tuple(limit for limit in known.values() if limit not in of_all and not limit.is_idle)
    return DeclaredLimits(False, reads, updates, gates, tuple(headers))
