"""The credential that a run begins with."""

import pytest
from pydantic import SecretStr

from worker.operations.apis import load_api
from worker.operations.runs import token_at_hand
from worker.settings import ConfigError, Input, Secrets, Settings, Target

TOKEN = Secrets(token=SecretStr("t"))
CLIENT = Secrets(client_id=SecretStr("i"), client_secret=SecretStr("s"))
BOTH = TOKEN.model_copy(update={"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret})


@pytest.mark.parametrize(
    ("secrets", "url", "at_hand"),
    [
        (TOKEN, "https://acme.my.salesforce.com", True),
        (BOTH, "https://acme.my.salesforce.com", True),  # the token goes first
        (CLIENT, "https://acme.my.salesforce.com", False),
        (BOTH, "", False),  # only a token that is asked for says where the API is
        (CLIENT, "", False),
    ],
)
def test_a_ready_token_goes_before_the_client_where_the_address_is_known(
    secrets: Secrets, url: str, at_hand: bool
) -> None:
    settings = Settings(target=Target(url=url, api="salesforce"), input=Input(source="s", format="csv"))
    access = token_at_hand(load_api("salesforce", {"domain": "acme"}), settings, secrets)
    assert (access is not None) is at_hand


def test_a_ready_token_alone_does_not_say_where_the_api_is() -> None:
    settings = Settings(target=Target(api="salesforce"), input=Input(source="s", format="csv"))
    with pytest.raises(ConfigError, match="ROWPATCH_TOKEN does not say where the API is: pass --url"):
        token_at_hand(load_api("salesforce", {"domain": "acme"}), settings, TOKEN)
