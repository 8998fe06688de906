"""Django REST framework with its JSON:API package and OAuth toolkit: four types, tokens that end, small pages."""

from dataclasses import replace
from pathlib import Path

from tests.strangers import shop
from tests.strangers.processes import Street
from tests.strangers.story import Line, Scene, told


def visited(folder: Path) -> list[Line]:
    """Tell four stories in one shop, and one in a shop whose tokens live for seconds and are revoked."""
    line = Line("Django REST framework, JSON:API, OAuth toolkit")
    with Street(folder) as street:
        place = shop.opened(street, 220)
        scene = Scene(folder, place.url, {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url}, place)
        for sheet in (shop.payments(220), shop.skus(200), shop.customers(200)):
            told(scene, sheet, line)
        told(
            replace(scene, flags=("--allow-trigger", "_capture"), steps=scene.steps - {"again"}),
            shop.authorizations(100),
            line,
        )
    return [line, tokens(folder / "tokens")]


def tokens(folder: Path) -> Line:
    """Tell a story of tokens that live for three seconds, are revoked between kill and resume; pages of five."""
    folder.mkdir(exist_ok=True)
    line = Line("the same: 3 s tokens, revoked; pages of 5")
    with Street(folder) as street:
        place = shop.opened(street, 160, {"SHOP_TOKEN_SECONDS": "3", "SHOP_PAGE_CAP": "5"})
        scene = Scene(
            folder,
            place.url,
            {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url},
            place,
            at_kill=lambda: place.execute("DELETE FROM oauth2_provider_accesstoken"),
        )
        told(scene, shop.payments(160), line)
    return line
