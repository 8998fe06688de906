"""The deploy files call commands that the program has."""

import pytest

from tests.deploy.files import read
from worker.cli import app

CALLS = {
    "crontab": "/bin/rowpatch reconcile ",
    "rowpatch@.service": "/bin/rowpatch reconcile ",
    "kubernetes.yaml": "args: [reconcile, ",
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_started_is_a_command(name: str) -> None:
    assert CALLS[name] in read(name)
    assert "reconcile" in app
