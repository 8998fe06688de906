"""JSON Patch (RFC 6902): all of it, or nothing."""

from copy import deepcopy
from typing import Any

from worker.sandbox.described.failures import Refusal
from worker.sandbox.described.pointers import MISSING, Steps, look, steps_to


def patched(document: Any, operations: object) -> Any:
    """Return a copy of a document with the operations carried out.

    Raises:
        Refusal: they are none, one of them cannot be carried out, or a test fails.
    """
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise Refusal("bad_request", "A JSON Patch is a list of operations.")
    holder = {"": deepcopy(document)}
    for each in operations:
        _carry_out(holder, each)
    return holder[""]


def _carry_out(holder: dict[str, Any], operation: dict[str, Any]) -> None:
    op, place = operation.get("op"), _place(operation, "path")
    if op in {"add", "replace", "test"} and "value" not in operation:
        raise Refusal("bad_request", f"{op} needs a value.")
    match op:
        case "add":
            _add(holder, place, deepcopy(operation["value"]))
        case "remove":
            _remove(holder, place)
        case "replace":
            _remove(holder, place)
            _add(holder, place, deepcopy(operation["value"]))
        case "test":
            _test(holder, place, operation["value"])
        case "move" | "copy":
            source = _place(operation, "from")
            value = deepcopy(_existing(holder, source))
            if op == "move":
                _remove(holder, source)
            _add(holder, place, value)
        case _:
            raise Refusal("bad_request", f"There is no operation {op!r}.")


def _place(operation: dict[str, Any], name: str) -> Steps:
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise Refusal("bad_request", f"{name} is no JSON Pointer.")
    return ("", *steps_to(pointer))


def _existing(holder: dict[str, Any], place: Steps) -> Any:
    value = look(holder, place)
    if value is MISSING:
        raise Refusal("validation", f"There is nothing at {_shown(place)}.", status=422)
    return value


def _test(holder: dict[str, Any], place: Steps, wanted: Any) -> None:
    found = look(holder, place)
    if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        raise Refusal("conflict", f"The test of {_shown(place)} failed.")


def _add(holder: dict[str, Any], place: Steps, value: Any) -> None:
    inside = _existing(holder, place[:-1]) if len(place) > 1 else holder
    step = place[-1]
    if isinstance(inside, dict):
        inside[step] = value
    elif isinstance(inside, list) and (step == "-" or (step.isdecimal() and int(step) <= len(inside))):
        inside.insert(len(inside) if step == "-" else int(step), value)
    else:
        raise Refusal("validation", f"Nothing can be added at {_shown(place)}.", status=422)


def _remove(holder: dict[str, Any], place: Steps) -> None:
    _existing(holder, place)
    inside = look(holder, place[:-1])
    del inside[int(place[-1]) if isinstance(inside, list) else place[-1]]


def _shown(place: Steps) -> str:
    return "/".join(place) or "the document"
