"""Django REST framework with its JSON:API package and OAuth toolkit: four types, tokens that end, small pages."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.system.strangers import shop
from tests.system.strangers.gate import Gate
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import STEPS, Line, Scene, told

DESCRIPTION: Final = Path(__file__).with_name("descriptions") / "jsonapi_shop.toml"


def visited(folder: Path) -> list[Line]:
    """Tell four stories in one shop, one with tokens that end soon, and one with pages smaller than asked for."""
    line = Line("Django REST framework, JSON:API, OAuth toolkit")
    with Street(folder) as street:
        place = shop.opened(street, 220)
        scene = Scene(folder, place.url, {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url}, place)
        for sheet in (shop.payments(220), shop.skus(200), shop.customers(200)):
            told(scene, sheet, line)
        trigger = replace(scene, flags=("--allow-trigger", "_capture"), steps=scene.steps - {"again"})
        told(trigger, shop.authorizations(100), line)
    ends = _variant("the same: tokens of 2 s, revoked at the kill", folder / "tokens", {"SHOP_TOKEN_SECONDS": "2"})
    pages = _variant("the same: pages of 5 at most", folder / "pages", {"SHOP_PAGE_CAP": "5"})
    return [line, ends, pages]


def described(folder: Path) -> list[Line]:
    """Tell three stories of the same shop as an API that only a file describes, one of them with a trigger."""
    line = Line("the same shop as a described JSON:API")
    with Street(folder) as street, Gate(free_port()) as gate:
        place = shop.opened(street, 220, port=gate.port)
        flags = ("--api", str(DESCRIPTION), "--set", f"server={gate.url}")
        scene = Scene(folder, f"{gate.url}/api", shop.CREDENTIALS, place, flags)
        told(scene, shop.skus(200), line)
        told(scene, shop.customers(200), line)
        trigger = replace(scene, flags=(*flags, "--allow-trigger", "_capture"), steps=scene.steps - {"again"})
        told(trigger, shop.authorizations(100), line)
        line.notes.append(gate.counted())
    return [line]


def _variant(name: str, folder: Path, env: dict[str, str]) -> Line:
    folder.mkdir()
    line = Line(name)
    with Street(folder) as street:
        place = shop.opened(street, 160, env)
        world = {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url}
        scene = Scene(folder, place.url, world, place, steps=STEPS - {"plan"})
        if "SHOP_TOKEN_SECONDS" in env:
            scene = replace(scene, at_kill=lambda: place.execute("DELETE FROM oauth2_provider_accesstoken"))
        told(scene, shop.payments(160), line)
    return line
