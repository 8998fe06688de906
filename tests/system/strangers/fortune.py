"""fortune.js with its store in memory, behind the tokens of oauth2-mock-server, which end before they say."""

import json
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, shop
from tests.system.strangers.judge import GONE, Aim, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, Sheet, told

TOKEN_LIFE: Final = 4
"""Seconds for which a token is taken; it says 3,600 of itself."""

ROWS: Final = 400


@dataclass(frozen=True, slots=True)
class Fortune:
    """The store, as its own replies on a second port show it."""

    url: str

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return all records of a type."""
        with urllib.request.urlopen(f"{self.url}/api/{type_name}?page[size]=1000&page[number]=1", timeout=30) as reply:
            found = json.load(reply)["data"]
        return {each["id"]: each["attributes"] | _links(each) for each in found}

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Update a record like another client."""
        name, *keys = path
        new: Any = value if not keys else self.dump(type_name)[identity][name] | {keys[0]: value}
        body = json.dumps({"data": {"type": type_name, "id": identity, "attributes": {name: new}}}).encode()
        kind = {"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"}
        where = f"{self.url}/api/{type_name}/{identity}"
        urllib.request.urlopen(urllib.request.Request(where, body, kind, method="PATCH"), timeout=30).close()


def _links(record: dict[str, Any]) -> Record:
    links = record.get("relationships", {})
    return {name: (link.get("data") or {}).get("id") for name, link in links.items() if "data" in link}


def visited(folder: Path) -> list[Line]:
    """Tell the story of stripe payments and of stock items."""
    line = Line("fortune.js, oauth2-mock-server (4 s tokens)")
    with Street(folder) as street:
        place = cellar.node("fortune", (*cellar.FORTUNE, *cellar.OAUTH2))
        for name in ("fortune.mjs", "oauth.mjs"):
            shutil.copy(cellar.SERVERS / name, place / name)  # where node finds the packages
        auth, port, judges = free_port(), free_port(), free_port()
        log = street.open("oauth", ["node", place / "oauth.mjs", str(auth)], auth)
        keys = f"http://127.0.0.1:{auth}/jwks"
        arguments = [str(port), str(judges), keys, str(TOKEN_LIFE)]
        records = json.dumps(_stock()).encode()
        street.open("fortune", ["node", place / "fortune.mjs", *arguments], port, stdin=records)
        url = f"http://127.0.0.1:{port}"
        world = {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": f"http://127.0.0.1:{auth}"}
        scene = Scene(folder, url, world, Fortune(f"http://127.0.0.1:{judges}"))
        told(scene, _payments(), line)
        told(scene, _stock_items(), line)
        line.notes.append(f"tokens made: {log.read_text(encoding='utf-8').count('token,')}")
    return [line]


def _stock() -> dict[str, list[Record]]:
    def common(type_name: str) -> list[Record]:
        return [
            {"id": identity, "reference": f"ref-{place}", "metadata": {"owner": "erp", "ratio": 0.1}}
            for place, identity in enumerate(shop.identities(ROWS, type_name))
        ]

    return {
        "orders": [{"id": shop.ORDER, "reference": "o"}],
        "stripe_payments": [each | {"options": {"kept": [1, 2.5]}} for each in common("stripe_payments")],
        "stock_items": [each | {"quantity": 1, "sku_code": "a"} for each in common("stock_items")],
    }


def _payments() -> Sheet:
    header = ("id", "reference", "reference_origin", "metadata.batch", "options.customer", "order")
    cells, aims = [], []
    for place, identity in enumerate(shop.identities(ROWS, "stripe_payments")):
        who = identity if place % 29 != 11 else identity.swapcase()  # ids are case-sensitive
        cells.append([who, f" paid {place} ", "", "b", f"cus {place}", shop.ORDER if place % 3 == 0 else ""])
        sets: dict[tuple[str, ...], Any] = {
            ("reference",): f" paid {place} ",
            ("metadata", "batch"): "b",
            ("options", "customer"): f"cus {place}",
        }
        aims.append(Aim(who, sets | ({("order",): shop.ORDER} if place % 3 == 0 else {})))
    return Sheet("stripe_payments", header, cells, aims, ("reference",))


def _stock_items() -> Sheet:
    header = ("reference", "quantity", "sku_code", "metadata.shelf:json", "metadata.owner")
    cells, aims = [], []
    for place, identity in enumerate(shop.identities(ROWS, "stock_items")):
        shelf = {"row": place, "height": 1.5}
        cells.append([f"ref-{place}", str(place), f"SKU{place:04}", json.dumps(shelf), "<clear>" if place % 2 else ""])
        sets = {("quantity",): place, ("sku_code",): f"SKU{place:04}", ("metadata", "shelf"): shelf}
        aims.append(Aim(identity, sets | ({("metadata", "owner"): GONE} if place % 2 else {})))
    return Sheet("stock_items", header, cells, aims, ("sku_code",))
