"""What all tests share: nothing of the user's own environment, and aioresponses made to work."""

import gc
import os
import signal
from pathlib import Path
from unittest.mock import Mock

import aiohttp
import aioresponses.core
import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=40)  # the same on every machine
settings.register_profile("hunt", deadline=None, print_blob=True, max_examples=400)  # others every time
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

gc.set_threshold(20_000, 50, 100)  # thousands of tests make millions of objects and few cycles: as in the program

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell; processes would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Response(aiohttp.ClientResponse):
    """aioresponses 0.7.9 does not pass the `stream_writer` that aiohttp 3.14 demands."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


aioresponses.core.ClientResponse = _Response  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credential, no remembered limits and no settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("ROWPATCH_")]:
        monkeypatch.delenv(name)
    state: Path = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
