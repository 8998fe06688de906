"""Keep the fleet: what an object looks like, and what an update does to it."""

import json
from pathlib import Path
from typing import Any

Json = Any
Thing = dict[str, Json]

STATES = ("ready", "hired", "workshop", "retired")
SERVER_OWNED = {"mileage", "updatedAt"}
BIKE_TYPES: dict[str, tuple[type, ...]] = {
    "label": (str,),
    "frameNo": (str,),
    "state": (str,),
    "electric": (str,),
    "tags": (str,),
    "weightKg": (int, float, type(None)),
    "note": (str, type(None)),
    "home": (dict, type(None)),
}
HOME_TYPES: dict[str, tuple[type, ...]] = {"station": (str,), "dock": (int, type(None)), "lock": (str, type(None))}
STATION_TYPES: dict[str, tuple[type, ...]] = {"name": (str,), "street": (str, type(None)), "docks": (int, type(None))}
TOWNS = ("HH", "HB", "KI", "MÜ")


class Refusal(Exception):
    """Refuse a request with a status and a list of problems."""

    def __init__(self, status: int, code: str, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.problem = {"code": code, "field": field, "text": text}


class Store:
    """Hold bikes and stations, and write them to a file after each change."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "store.json"
        self.bikes = {bike["id"]: bike for bike in map(_first_bike, range(1, 231))}
        self.stations = {station["id"]: station for station in map(_first_station, range(1, 31))}
        self._save()

    def update_bike(self, name: str, sent: Thing) -> bool:
        """Keep the members that were not sent, replace those that were; tell whether anything changed."""
        bike = self.bikes.get(name)
        if bike is None:
            raise Refusal(404, "no_such_bike", f"There is no bike {name!r}.")
        if "rev" not in sent:
            raise Refusal(422, "rev_missing", "Tell the rev that you have read.", "rev")
        if sent["rev"] != bike["rev"]:
            raise Refusal(409, "stale_rev", f"The bike is at rev {bike['rev']}.", "rev")
        changes = {key: value for key, value in sent.items() if key not in SERVER_OWNED | {"id", "rev"}}
        _check(changes, BIKE_TYPES, "")
        _check_words(changes)
        if all(bike[key] == value for key, value in changes.items()):
            return False
        bike.update(changes)
        bike["rev"] += 1
        bike["updatedAt"] += 1
        self._save()
        return True

    def replace_station(self, name: str, sent: Thing) -> Thing:
        """Replace the whole station: what was not sent is emptied."""
        if name not in self.stations:
            raise Refusal(404, "no_such_station", f"There is no station {name!r}.")
        changes = {key: value for key, value in sent.items() if key != "id"}
        _check(changes, STATION_TYPES, "")
        if "name" not in changes:
            raise Refusal(422, "required", "A station has a name.", "name")
        self.stations[name] = {"id": name, "street": None, "docks": None, **changes}
        self._save()
        return self.stations[name]

    def _save(self) -> None:
        everything = {"bikes": self.bikes, "stations": self.stations}
        self._file.write_text(json.dumps(everything, ensure_ascii=False, indent=1), encoding="utf-8")


def _check(sent: Thing, types: dict[str, tuple[type, ...]], prefix: str) -> None:
    for key, value in sent.items():
        if key not in types:
            raise Refusal(422, "unknown_field", f"A field {key!r} is not known.", prefix + key)
        if not isinstance(value, types[key]) or isinstance(value, bool):
            raise Refusal(422, "wrong_type", "The value has the wrong type.", prefix + key)


def _check_words(sent: Thing) -> None:
    if sent.get("state", "ready") not in STATES:
        raise Refusal(422, "not_in_list", "Use one of " + ", ".join(STATES) + ".", "state")
    if sent.get("electric", "true") not in ("true", "false"):
        raise Refusal(422, "not_in_list", "Use 'true' or 'false'.", "electric")
    home = sent.get("home")
    if home is not None:
        _check(home, HOME_TYPES, "home.")
        if "station" not in home:
            raise Refusal(422, "required", "A home has a station.", "home.station")
        sent["home"] = {"dock": None, "lock": None, **home}


def _first_bike(number: int) -> Thing:
    return {
        "id": f"{TOWNS[number % 4]}:{number:04}/{'ab'[number % 2]}",
        "label": f"Bike {number}",
        "frameNo": f"{number * 7:03}",
        "state": STATES[number % 4],
        "electric": "true" if number % 3 == 0 else "false",
        "tags": ("", "city", "city;basket", "cargo;child seat;city")[number % 4],
        "weightKg": None if number % 10 == 0 else 14 + number % 9 / 2,
        "note": None if number % 2 else f"note {number}",
        "home": _first_home(number),
        "mileage": number * 11,
        "rev": 1 + number % 5,
        "updatedAt": 1_700_000_000 + number,
    }


def _first_home(number: int) -> Thing | None:
    return {"station": f"ST/{number % 30 + 1:02}", "dock": number % 12, "lock": "L1"} if number % 25 else None


def _first_station(number: int) -> Thing:
    return {"id": f"ST/{number:02}", "name": f"Station {number}", "street": f"Street {number}", "docks": 12}
