from pathlib import Path

import pytest

from tests.deploy.files import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.prepare()
    return machine
