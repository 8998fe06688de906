"""Real software in front of the shop: HAProxy and nginx with limits, and mitmproxy that damages what passes."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.system.strangers import cellar, shop
from tests.system.strangers.judge import False_
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.shop import Shop
from tests.system.strangers.story import Line, Scene, told

REFUSED: Final = 0.10
"""Share of all requests that a limit which nobody tells may refuse."""

LATE: Final = 3.0
"""Seconds after its 504 within which a change lands."""


def haproxy(folder: Path) -> list[Line]:
    """Tell a story behind HAProxy: 60 requests in 10 s and 20 in 2 s, of whatever kind, neither of them told."""
    line = Line("HAProxy 60/10s + 20/2s, untold, before Django")
    with Street(folder) as street:
        program = cellar.debian("haproxy", "haproxy")
        place, port = shop.opened(street, 150), free_port()
        text = (cellar.SERVERS / "haproxy.cfg").read_text(encoding="utf-8")
        config = folder / "haproxy.cfg"
        config.write_text(text.format(port=port, origin=_origin(place), average=60, burst=20), encoding="utf-8")
        log = street.open("haproxy", [program, "-db", "-f", config], port)
        scene = _scene(folder, place, port)
        told(replace(scene, steps=scene.steps - {"plan", "again"}, patience=90), shop.payments(100), line)
        _bounded(line, log, "429", REFUSED)
    return [line]


def nginx(folder: Path) -> list[Line]:
    """Tell a story behind nginx's `limit_req`, 20 a second and five more at once, with a 429 and with its own 503.

    A 503 without `Retry-After` may be any failure, so that how many there are is noted, not judged.
    """
    return [_nginx(folder / status, status) for status in ("429", "503")]


def _nginx(folder: Path, status: str) -> Line:
    line = Line(f"nginx limit_req 20 r/s ({status}), before Django")
    folder.mkdir()
    with Street(folder) as street:
        program = cellar.debian("nginx", "nginx-light")
        place, port = shop.opened(street, 100), free_port()
        text = (cellar.SERVERS / "nginx.conf").read_text(encoding="utf-8")
        config = folder / "nginx.conf"
        wanted = text.format(port=port, origin=_origin(place), folder=folder, rate=20, burst=5, status=status)
        config.write_text(wanted, encoding="utf-8")
        street.open("nginx", [program, "-c", config, "-p", folder], port)
        scene = _scene(folder, place, port)
        told(replace(scene, steps=scene.steps - {"plan", "again"}), shop.payments(100), line)
        _bounded(line, folder / "nginx.access.log", status, REFUSED if status == "429" else 1.0)
    return line


def mitmproxy(folder: Path) -> list[Line]:
    """Tell two stories through mitmproxy, which damages a third of all updates: values, and a trigger."""
    line = Line("mitmproxy, a third damaged, before Django")
    with Street(folder) as street:
        program = cellar.python("mitmproxy", cellar.MITMPROXY).with_name("mitmdump")
        place, port = shop.opened(street, 160), free_port()
        where = ("--mode", f"reverse:{place.url}", "--listen-host", "127.0.0.1", "-p", str(port), "-q")
        settings = ("--set", f"confdir={folder / 'mitm'}", "-s", str(cellar.SERVERS / "damage.py"))
        log = street.open("mitmproxy", [program, *where, *settings], port, env={"DAMAGE_LATE": str(LATE)})
        scene = replace(_scene(folder, place, port), flags=("--timeout", "2"), settle=LATE + 1.0)
        told(scene, shop.payments(160, doubles=False), line)
        steps = scene.steps - {"again"}
        told(
            replace(scene, flags=(*scene.flags, "--allow-trigger", "_capture"), steps=steps),
            shop.authorizations(80),
            line,
        )
        fates = Counter(each.split(":")[0] for each in log.read_text(encoding="utf-8").splitlines() if " /api" in each)
        line.notes.append(", ".join(f"{count} {fate}" for fate, count in sorted(fates.items())))
    return [line]


def _scene(folder: Path, place: Shop, port: int) -> Scene:
    world = {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url}
    return Scene(folder, f"http://127.0.0.1:{port}", world, place)


def _origin(place: Shop) -> str:
    return place.url.removeprefix("http://")


def _bounded(line: Line, log: Path, status: str, share: float) -> None:
    """Count the refusals in a front's own log, of which there may be a share of all requests."""
    found = [each for each in log.read_text(encoding="utf-8").splitlines() if "/api/" in each]
    refused = sum(each.startswith(status) for each in found)
    line.notes.append(f"{refused} of {len(found)} requests refused with {status}")
    if refused > share * len(found):
        line.false.append(False_("pace", "the front's log", "not faster than allowed", line.notes[-1]))
