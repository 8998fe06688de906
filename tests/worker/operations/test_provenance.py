"""Who runs the program, and which version of it."""

import getpass
from importlib import metadata

import pytest

from worker.operations import provenance
from worker.operations.provenance import version_of_program, who


def test_who_is_a_user_at_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setattr("platform.node", lambda: "office")
    assert who() == "anna@office"


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 1234)
    assert who().startswith("1234@")


def test_the_version_is_that_of_the_installed_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version_of_program() == metadata.version("rowpatch")

    def missing(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(provenance, "version", missing)
    assert version_of_program() == ""
