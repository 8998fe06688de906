"""Where a token leads, by the base URL of the description."""

import base64
import json

import pytest

from jobs.apis.catalogue import description
from jobs.apis.registry import DEFAULT, build

TOKEN = f"e30.{base64.urlsafe_b64encode(json.dumps({'organization': {'slug': 'acme'}}).encode()).decode()}.c2ln"


@pytest.mark.parametrize(
    ("base_url", "given", "url"),
    [
        ("https://{organization}.commercelayer.io", {}, "https://acme.commercelayer.io"),
        ("https://{organization}.commercelayer.io", {"organization": "mine"}, ""),  # the user says it
        ("https://{organization}.example.com/{version}", {"version": "v2"}, "https://acme.example.com/v2"),
        ("https://{organization}.example.com/{version}", {}, ""),  # it does not say all that is missing
        ("https://proxy.example.com", {}, ""),
    ],
)
def test_a_token_names_the_organization_that_a_base_url_lacks(base_url: str, given: dict[str, str], url: str) -> None:
    api = build(description(DEFAULT).model_copy(update={"base_url": base_url}), given)
    assert api.auth.claims(TOKEN).url == url
    assert api.auth.tells_mode
