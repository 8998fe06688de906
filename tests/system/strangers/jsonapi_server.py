"""jsonapi-server with its store in memory: validation that converts, errors with odd details, filters after paging."""

import json
import shutil
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, shop
from tests.system.strangers.judge import Aim, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, Sheet, told

ROWS: Final = 200
PAGE: Final = 50
"""Records to a page of this server, before it filters."""
KIND: Final = {"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"}


@dataclass(frozen=True, slots=True)
class Customers:
    """The store, as the server's own replies about single records show it."""

    url: str

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return all records, in the pages that the server has."""
        found: dict[str, Record] = {}
        where: str | None = f"{self.url}/api/{type_name}"
        while where:
            with urllib.request.urlopen(where, timeout=30) as reply:
                page = json.load(reply)
            found |= {each["id"]: each["attributes"] for each in page["data"]}
            where = page["links"].get("next")
        return found

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Update a record like another client."""
        name, *keys = path
        new: Any = value if not keys else self.dump(type_name)[identity][name] | {keys[0]: value}
        body = json.dumps({"data": {"type": type_name, "id": identity, "attributes": {name: new}}}).encode()
        where = f"{self.url}/api/{type_name}/{identity}"
        urllib.request.urlopen(urllib.request.Request(where, body, KIND, method="PATCH"), timeout=30).close()


def visited(folder: Path) -> list[Line]:
    """Tell the story of customers by id, and two of customers by reference: where one page is all, and where not."""
    place = cellar.node("jsonapi-server", cellar.JSONAPI_SERVER)
    script = shutil.copy(cellar.SERVERS / "jsonapi_server.cjs", place)  # where node finds the packages
    lines = []
    for name, rows, sheet in (
        ("by id", ROWS, _by_id()),
        ("by reference", PAGE, _by_reference(PAGE)),
        ("by reference on more pages", ROWS, replace(_by_reference(ROWS), stops={"plan": "lookup_failed"})),
    ):
        line = Line(f"jsonapi-server, filters after paging, {name}")
        inner = folder / name.replace(" ", "-")
        inner.mkdir()
        with Street(inner) as street:
            port = free_port()
            street.open("jsonapi-server", ["node", script, str(port)], port, stdin=json.dumps(_stock(rows)).encode())
            url = f"http://127.0.0.1:{port}"
            told(Scene(inner, url, {"ROWPATCH_TOKEN": "made-up"}, Customers(url)), sheet, line)
        lines.append(line)
    return lines


def _stock(rows: int) -> list[Record]:
    return [
        {
            "id": identity,
            "type": "customers",
            "email": f"c{place}@example.com",
            "reference": f"ref-{place}",
            "reference_origin": "erp",
            "tax_exemption_code": None,
            "metadata": {"owner": "erp", "ratio": 0.1},
        }
        for place, identity in enumerate(shop.identities(rows, "customers"))
    ]


def _by_id() -> Sheet:
    header = ("id", "email", "tax_exemption_code", "reference", "metadata.segment")
    cells, aims = [], []
    for place, identity in enumerate(shop.identities(ROWS, "customers")):
        email = f" New.{place}@Example.com" if place % 23 != 7 else f"no address {place}"
        code = f"tax-{place}" if place % 2 else "<clear>"
        long = f"reference number {place:06}" if place % 3 == 0 else f"r{place}"
        cells.append([identity, email, code, long, " kept as it is "])
        sets: dict[tuple[str, ...], Any] = {
            ("email",): email.strip().lower(),
            ("tax_exemption_code",): code.upper() if place % 2 else None,
            ("reference",): long[:20],
            ("metadata", "segment"): " kept as it is ",
        }
        aims.append(Aim(identity, sets))
    # A second apply does not know that its `tax-1` is stored as `TAX-1`: the record keeps the old value, it has to say.
    return Sheet("customers", header, cells, aims, ("email",), stops={"again": "canary"})


def _by_reference(rows: int) -> Sheet:
    """Records by reference. Of a filtered page that names a next one, nobody knows what it has left out."""
    header = ("reference", "reference_origin", "metadata.segment")
    cells, aims = [], []
    for place, identity in list(enumerate(shop.identities(rows, "customers")))[:: rows // 40]:
        cells.append([f"ref-{place}", f"shop {place}", "retail"])
        aims.append(
            Aim(identity, {("reference_origin",): f"shop {place}", ("metadata", "segment"): "retail"}),
        )
    return Sheet("customers", header, cells, aims, ("reference_origin",))
