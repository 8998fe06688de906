from jobs.apis.described.api import described
from jobs.apis.meanings import Meaning
from jobs.model import Reply, Request
from tests.jobs.apis.described.kit import description


def test_a_description_makes_an_api() -> None:
    made = description({"headers": {"Notion-Version": "{v}", "Accept": "application/vnd.x"}, "idempotency_key": "Key"})
    api = described(made, {"v": "1"}, "https://a.example/v2/")
    assert (api.name, api.page, api.key_page, api.idempotency_header) == ("x", 1, 1, "Key")
    assert api.headers == {"Accept": "application/vnd.x", "Notion-Version": "1"}
    assert api.auth.needs == (("token",),)
    assert api.key_pages(["a", "b"], 9) == [["a"], ["b"]]
    assert (api.windows("https://a.example"), api.counts_by_address("https://a.example")) == ((), False)


def test_a_request_begins_with_the_path_of_the_base_url() -> None:
    api = described(description(), {}, "https://a.example/v2/")
    assert api.resource("things").read_one("7", None).target == "/v2/things/7"
    assert api.resource("things") is api.resource("things")


def test_what_a_reply_means_is_said_by_the_rules_of_its_type() -> None:
    rule = {"status": [400], "means": "not_found"}
    api = described(description({"error_rules": [{"status": [400], "means": "locked"}]}, error_rules=[rule]), {}, "")
    assert api.meaning(Request("PATCH", "/", about="things"), Reply(400, {})) is Meaning.NOT_FOUND
