"""How an imaginary API behaves, as a seed chooses it, and the description that says so.

Written from the contract of descriptions (docs/describe-an-api.md), not from the code that carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, Literal

from jobs.apis.description.model import Description

Format = Literal["json", "merge_patch", "json_patch", "json_api", "form"]
Versions = Literal["", "etag", "member", "body", "query"]

FIELDS: Final = (
    "title", "note", "count", "price", "done", "due", "state", "address", "labels", "steps", "props", "meta", "extra",
    "owner", "net.weight", "pin", "ping",
)  # fmt: skip
"""Fields that the server knows. `code` names records for `find`; `ghost` is a field that it does not know."""

CONTAINERS: Final = ("address", "props", "meta")
"""Fields with members that rows may name one by one."""

STATES: Final = ("open", "closed", "on hold")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that the server enforces and its description declares."""

    requests: int
    seconds: float
    per: str
    on: Literal["all", "read", "update"]


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of requests that something befalls, and what: an item a kind."""

    updates: float = 0.0
    reads: float = 0.0
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """One server.

    Attributes:
        record: pointer to one record in replies; `values` to its fields in the record.
        wrap: pointer to the fields in the body of an update. `echo_at`: to the record in its reply, None as `record`.
        merges: what happens to members that are not sent, by field. `null_removes`: a member null is dropped.
        clears: how a field is cleared, by field, where it is not null (an empty text of a form).
        echo: what the reply to an update shows.
        many: how many records are read at once, empty for one by one. `page_cap`: records on a page, whatever is asked.
        versions: where an update says on which version it builds. `conflict`: the status of an old one.
        needs_version: an update without one is refused.
        drops_unknown: unknown fields are ignored, and not refused.
        reads_lag: seconds by which reads are behind. `settle_s`: what the description says of that.
        late: seconds until a late update lands, at most.
        key: names of the variables of the path. `constant`: the first of them is set for the whole run.
        finds: records are named by `code`.
        variants: forms of fields on the wire, by field.
        canonical: texts are stored without blanks at their ends.
        throttle: how the server asks to slow down.
        sparse: a read shows what its query asks for.
        locked_status: of a record that cannot be updated now.
    """

    format: Format = "json"
    method: Literal["PATCH", "PUT", "POST"] = "PATCH"
    send: Literal["changes", "record"] = "changes"
    wrap: str = ""
    record: str = ""
    values: str = ""
    echo_at: str | None = None
    omits_empty: bool = False
    merges: Mapping[str, str] = field(default_factory=dict)
    null_removes: bool = False
    clears: Mapping[str, str] = field(default_factory=dict)
    echo: Literal["whole", "partial", "none", "204"] = "whole"
    readable: bool = True
    many: Literal["", "get", "list", "post"] = ""
    max_ids: int = 25
    page_cap: int = 0
    versions: Versions = ""
    conflict: Literal[412, 409, 400] = 412
    needs_version: bool = False
    drops_unknown: bool = False
    reads_lag: float = 0.0
    settle_s: float = 2.0
    late: float = 0.0
    key: tuple[str, ...] = ("id",)
    constant: bool = False
    finds: bool = False
    variants: Mapping[str, str] = field(default_factory=dict)
    canonical: bool = False
    throttle: Literal["429", "429-bare", "403-code", "200-body"] = "429"
    sparse: bool = False
    auth: Literal["bearer", "basic", "api_key", "oauth2", "none"] = "bearer"
    token_life: float | None = None
    idempotency: bool = False
    stores_failures: bool = False
    limits: tuple[Limit, ...] = ()
    concurrency: int | None = None
    tells_limits: bool = False
    faults: Faults = Faults()
    latency: float = 0.02
    own_path: bool = False
    mask: bool = False
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Path of one record."""
        return "/spaces/{space}/things/{id}" if "space" in self.key else "/things/{id}"

    @property
    def update_path(self) -> str:
        """Path of updates."""
        return f"/edit{self.path}" if self.own_path else self.path

    @property
    def list_path(self) -> str:
        """Path of many records."""
        return self.path.removesuffix("/{id}")

    def merge_of(self, name: str) -> str:
        """Return what the server does with members of a field that are not sent."""
        default = "deep" if self.format == "merge_patch" else "replace"
        return self.merges.get(name, default)


def world(dice: Random) -> World:
    """Return the server that the dice choose: the order of the throws is that of the lines."""
    form: Format = dice.choices(("json", "merge_patch", "json_patch", "json_api", "form"), (8, 4, 4, 3, 3))[0]
    whole = form in {"json", "json_api"} and dice.random() < 0.25
    key, constant = dice.choice(((("id",), False), (("id",), False), (("space", "id"), False), (("space", "id"), True)))
    base = World(
        format=form,
        send="record" if whole else "changes",
        method=_method(dice, form, whole=whole),
        record=dice.choice(("", "/thing", "/data")),
        values=dice.choice(("", "", "/fields", "/v/all")),
        omits_empty=dice.random() < 0.2,
        null_removes=dice.random() < 0.5,
        echo=dice.choice(("whole", "whole", "partial", "none", "204")),
        drops_unknown=dice.random() < 0.5,
        key=key,
        constant=constant,
        canonical=dice.random() < 0.25,
        auth=dice.choice(("bearer", "basic", "api_key", "oauth2", "none")),
        throttle=dice.choice(("429", "429-bare", "403-code", "200-body")),
        idempotency=dice.random() < 0.25,
        stores_failures=dice.random() < 0.5,
        own_path=dice.random() < 0.2,
        latency=dice.choice((0.0, 0.024, 0.024, 0.2)),
    )
    base = _shaped(dice, base)
    base = _merging(dice, base)
    base = _reading(dice, base)
    base = _versioned(dice, base)
    return _troubled(dice, base)


def _method(dice: Random, form: Format, *, whole: bool) -> Literal["PATCH", "PUT", "POST"]:
    if form in {"json_patch", "merge_patch"}:
        return "PATCH"
    if whole:
        return "PUT"
    return "POST" if form == "form" else dice.choice(("PATCH", "PATCH", "PUT", "POST"))


def _shaped(dice: Random, base: World) -> World:
    """Return the world with pointers that its format takes."""
    if base.format == "json_api":
        return replace(base, record="/data", values="/attributes", wrap="")
    if base.format == "json_patch":
        return replace(base, wrap="")
    if base.format == "form":
        return replace(base, wrap=dice.choice(("", "", "/thing")))
    wrap = dice.choice(("", "/thing", "/data", "/in/put"))
    constants = {"/typecast": True} if dice.random() < 0.2 and base.format == "json" else {}
    mask = dice.random() < 0.15 and base.send == "changes"
    echo_at = "/result/it" if dice.random() < 0.15 else None
    return replace(base, wrap=wrap, constants=constants, echo_at=echo_at, mask=mask)


def _merging(dice: Random, base: World) -> World:
    """Return the world with what it does to members, and forms of fields on the wire."""
    merges: dict[str, str] = {}
    if base.format not in {"merge_patch", "json_patch"} and base.send == "changes":
        merges = {
            name: dice.choice(
                ("replace", "replace", "shallow", "deep") if name == "address" else ("replace", "shallow")
            )
            for name in CONTAINERS
        }
    variants = {
        "labels": dice.choice(("plain", "plain", "sep", "items", "objects")),
        "due": dice.choice(("text", "epoch", "epoch_ms")),
        "count": dice.choice(("plain", "text")),
        "owner": dice.choice(("same", "apart")),
        "note": dice.choice(("null", "empty")),
        "props": dice.choice(("id:int", "key")),
        "meta": dice.choice(("plain", "lists")),
    }
    if base.format == "json_patch":
        variants |= {"labels": dice.choice(("plain", "sep")), "owner": "same"}
    if base.format == "form":
        variants |= {"note": "empty", "labels": dice.choice(("plain", "sep")), "meta": "plain"}
    if base.send == "record" or base.mask:
        variants |= {"owner": "same"}
    return replace(base, merges=merges, variants=variants)


def _reading(dice: Random, base: World) -> World:
    """Return the world with how it shows records, and how late."""
    lag = dice.choice((0.0, 0.0, 0.0, 0.5, 1.5))
    many: Literal["", "get", "list", "post"] = dice.choice(("", "", "get", "list", "post"))
    chosen = replace(
        base,
        many=many,
        max_ids=dice.choice((2, 5, 25, 100)),
        page_cap=dice.choice((0, 0, 3)),
        reads_lag=lag,
        settle_s=dice.choice((lag, lag + 1.0, 5.0)),
        finds=not (base.key == ("space", "id") and not base.constant) and dice.random() < 0.2,
        sparse=base.send == "changes" and base.format != "json_patch" and dice.random() < 0.2,
    )
    blind = base.send == "changes" and base.format != "json_patch" and not chosen.finds and dice.random() < 0.06
    return replace(chosen, readable=False, many="", sparse=False) if blind else chosen


def _versioned(dice: Random, base: World) -> World:
    """Return the world with versions, perhaps."""
    kinds: tuple[Versions, ...] = ("", "", "etag", "member", "body", "query")
    versions = dice.choice(kinds)
    if not base.readable:
        versions = ""
    if versions == "etag" and base.many:
        versions = "member"
    if versions == "body" and base.format in {"json_patch", "json_api"}:
        versions = "member"
    return replace(base, versions=versions, conflict=dice.choice((412, 409, 400)), needs_version=dice.random() < 0.5)


def _troubled(dice: Random, base: World) -> World:
    """Return the world with limits and faults."""
    limits = tuple(
        Limit(
            dice.choice((5, 20)),
            dice.choice((1.0, 10.0)),
            dice.choice(("credential", "path", "record", *(["{space}"] if "space" in base.key else []))),
            dice.choice(("all", "all", "read", "update")),
        )
        for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))
    )
    base = replace(
        base,
        limits=limits,
        concurrency=dice.choice((None, None, None, 1, 3)),
        tells_limits=bool(limits) and (limits[0].per, limits[0].on) == ("credential", "all") and dice.random() < 0.5,
        late=dice.choice((0.0, 0.0, 1.0, 3.0)),
        token_life=dice.choice((None, None, 60.0)) if base.auth == "oauth2" else None,
    )
    if dice.random() < 0.3:
        return base
    kinds = [
        "reset-before", "reset-after", "500-before", "500-after", "cut", "202", "busy", "throttle", "page", "408-after",
    ]  # fmt: skip
    if base.late:
        kinds += ["504-late", "late"]
    return replace(
        base,
        faults=Faults(
            updates=dice.choice((0.05, 0.15, 0.3)),
            reads=dice.choice((0.0, 0.05, 0.1)),
            kinds=tuple(dice.sample(kinds, dice.randint(1, len(kinds)))),
        ),
    )


def description(world: World, url: str = "") -> Description:
    """Return what a truthful author would write of the server."""
    written: dict[str, Any] = {
        "name": "simulated",
        "base_url": url or "http://127.0.0.1:1",
        "variables": {"space": "s1"} if world.constant else {},
        "limits": tuple(_limits(world)),
        "errors": {"items": ("/errors",), "message": "/message", "code": "/code", "field": "/field"},
        "settle_s": world.settle_s,
        "auth": _auth(world, url),
        "error_rules": tuple(_rules(world)),
        "resources": {"things": _resource(world)},
    }
    if world.idempotency:
        written["idempotency_key"] = "X-Once"
    if world.tells_limits and world.limits:
        written["limit_headers"] = (
            {
                "limit": "X-Most",
                "remaining": "X-Left",
                "reset": "X-Again",
                "reset_format": "ms",
                "window": _window(world),
            },
        )
    return Description.model_validate(written)


def _window(world: World) -> str:
    return f"{world.limits[0].seconds:g}s"


def _limits(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"rate": f"{each.requests}/{each.seconds:g}s", "per": each.per, "on": each.on} for each in world.limits
    ]
    return [*found, {"concurrency": world.concurrency}] if world.concurrency else found


def _auth(world: World, url: str) -> dict[str, Any]:
    match world.auth:
        case "api_key":
            return {"type": "api_key", "header": "X-Key", "prefix": "Key "}
        case "oauth2":
            token_url = f"{url or 'http://127.0.0.1:1'}/token"
            return {"type": "oauth2_client_credentials", "token_url": token_url, "request": "json"}
        case _:
            return {"type": world.auth}


def _rules(world: World) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [
        {"status": (503,), "code": "busy", "means": "retry", "wait_s": 0.5},
        {"status": (423,), "means": "locked"},
    ]
    if world.throttle == "403-code":
        rules.append({"status": (403,), "code": "too_fast", "means": "slow_down", "wait_s": 2.0})
    if world.throttle == "200-body":
        rules.append({"body": {"/ok": False}, "code": "too_fast", "means": "slow_down", "wait_s": 2.0})
    if world.conflict == 400:
        rules.append({"status": (400,), "code": "old_version", "means": "conflict"})
    return rules


def _resource(world: World) -> dict[str, Any]:
    update: dict[str, Any] = {
        "method": world.method, "format": world.format, "send": world.send, "wrap": world.wrap,
        "constants": {**world.constants, **({"/data/type": "things"} if world.format == "json_api" else {})},
        "mask": "fields" if world.mask else "",
    }  # fmt: skip
    if world.echo_at is not None:
        update["echo"] = world.echo_at
    if world.own_path:
        update["path"] = world.update_path
    written: dict[str, Any] = {
        "path": world.path, "record": world.record, "values": world.values, "omits_empty": world.omits_empty,
        "update": update, "fields": _fields(world),
    }  # fmt: skip
    if not world.readable:
        written["read"] = False
    elif world.sparse:
        written["read"] = {"query": {"only": "{fields}"}}
    if world.many:
        written["read_many"] = _read_many(world)
    if world.finds:
        written["find"] = {
            "by": ("code",), "path": world.list_path, "query": {"{by}": "{value}"}, "records": "/found",
            "id": "/id",
        }  # fmt: skip
    if world.versions:
        written["precondition"] = _precondition(world)
    return written


def _read_many(world: World) -> dict[str, Any]:
    only = {"only": "{fields}"} if world.sparse else {}
    common: dict[str, Any] = {"max_ids": world.max_ids, "records": "/page/all", "id": "/id"}
    if world.many == "post":
        body: dict[str, Any] = {"inputs": [{"id": "{ids}"}]}
        if world.sparse:
            body["only"] = ["{fields}"]
        return {"method": "POST", "path": f"{world.list_path}/batch", "body": body, **common}
    if world.many == "list":
        return {"path": world.list_path, "query": {"ids[]": ("{ids}",), **only}, **common}
    return {"path": world.list_path, "query": {"ids": "{ids}", **only}, "each": "={id}", **common}


def _precondition(world: World) -> dict[str, Any]:
    match world.versions:
        case "etag":
            return {"headers": {"If-Match": "{@ETag}"}}
        case "member":
            return {"headers": {"If-Match": '"{/version}"'}}
        case "body":
            return {"body": {f"{world.wrap}/version": "{/version}"}}
        case _:
            return {"query": {"version": "{/version}"}}


def _fields(world: World) -> dict[str, Any]:
    variants = world.variants
    labels: dict[str, Any] = {"type": "set"}
    match variants["labels"]:
        case "sep":
            labels["sep"] = ";"
        case "items":
            labels["item"] = "/name"
        case "objects":
            labels |= {"item": "/name", "item_as": "object"}
        case _:
            pass
    note: dict[str, Any] = {"type": "text"}
    if variants["note"] == "empty":
        note["clear"] = "empty"
    owner: dict[str, Any] = {"type": "text", "read_from": f"{world.values}/owner/name"}
    if variants["owner"] == "same":
        owner["write_to"] = f"{_inside(world)}/owner/name"
    else:
        owner["write_to"] = f"{_inside(world)}/owner_name"
    meta: dict[str, Any] = {"type": "map"}
    fields: dict[str, Any] = {
        "title": {"type": "text", "clear": "never"},
        "note": note,
        "count": {"type": "int", **({"encode": "text"} if variants["count"] == "text" else {})},
        "price": {"type": "float"},
        "done": {"type": "bool"},
        "due": {"type": "datetime", **({} if variants["due"] == "text" else {"encode": variants["due"]})},
        "state": {"type": "text", "enum": STATES, "clear": "never"},
        "address": {"type": "object"},
        "address.geo.lat": {"type": "float"},
        "labels": labels,
        "steps": {"type": "list"},
        "props": {"type": "keyed", "key": variants["props"], "value": "value"},
        "meta": meta,
        "extra": {"type": "json"},
        "owner": owner,
        "/net.weight": {"type": "text"},
        "pin": {"type": "text", "write_only": True},
        "ping": {"type": "text", "write_only": True, "action": True},
        "id": {"read_only": True},
        "version": {"read_only": True},
        "created": {"read_only": True},
        "code": {"read_only": True} if not world.finds else {"type": "text"},
    }
    if variants["meta"] == "lists":
        fields["meta.*"] = {"type": "list"}
    for name in CONTAINERS:
        if name in world.merges:
            fields[name]["merge"] = world.merges[name]
    return fields


def _inside(world: World) -> str:
    """Return where the fields stand in a body."""
    return "/data/attributes" if world.format == "json_api" else world.wrap


__all__ = ["CONTAINERS", "FIELDS", "STATES", "Faults", "Limit", "World", "description", "world"]
