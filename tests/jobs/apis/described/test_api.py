from jobs.apis.described.api import described
from jobs.apis.description import keys
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
    assert api.windows("https://a.example", reads=False) == ()
    assert not api.counts_by_address("https://a.example")


def test_a_header_whose_variable_is_not_set_is_left_out() -> None:
    made = description({"headers": {"Account": "{account}", "A": "b"}, "variables": {"account": ""}})
    assert described(made, {}, "").headers == {"Accept": "application/json", "A": "b"}


def test_a_request_begins_with_the_path_of_the_base_url() -> None:
    api = described(description(), {}, "https://a.example/v2/")
    assert api.resource("things").read_one("7", None).target == "/v2/things/7"
    assert api.resource("things") is api.resource("things")


def test_what_a_reply_means_is_said_by_the_rules_of_its_type() -> None:
    rule = {"status": [400], "means": "not_found"}
    api = described(description({"error_rules": [{"status": [400], "means": "locked"}]}, error_rules=[rule]), {}, "")
    assert api.meaning(Request("PATCH", "/", about="things"), Reply(400, {})) is Meaning.NOT_FOUND


def test_a_request_is_counted_by_its_record_and_its_variables() -> None:
    limits = [{"rate": "100/60s"}, {"rate": "5/1s", "per": "{base}"}, {"rate": "9/1h", "per": "record"}]
    made = description(
        {"limits": limits, "error_rules": [{"means": "slow_down", "scope": "{base}"}]}, path="/{base}/{id}"
    )
    api = described(made, {}, "https://a.example")
    assert (api.limits.together, api.limits.reads.rates) == (True, ((100, 60.0),))
    key = keys.key_of(("b1", "r1"))
    assert api.scopes("things", key, reads=False) == ((0, "b1"), (1, f"things {key}"))
    assert api.scopes("things", "", reads=True) == ()
    assert api.resource("things").scope_of(Reply(429, {})) == "{base}"
