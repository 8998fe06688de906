"""What travels when requests are authorised shows no secret by accident."""

from jobs.apis.auth import Grant, Permit


def test_no_repr_shows_a_secret() -> None:
    for shown in (repr(Permit("X-Api-Key", "k3y", ("k3y",))), repr(Grant("k3y", 1.0, "https://a.example"))):
        assert "k3y" not in shown
    assert "X-Api-Key" in repr(Permit("X-Api-Key", "k3y"))
