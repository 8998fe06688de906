"""The copy of the input outlives a power cut: it is on the disk before it has its name."""

import io
import os
from pathlib import Path

import pytest

from worker.files import source


def test_the_copy_of_the_input_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, int]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        state = os.fstat(descriptor)
        synced.append((state.st_ino, state.st_size))
        assert not (tmp_path / "input.csv").exists()

    monkeypatch.setattr(os, "fsync", fsync)
    spooled = source.spool(io.BytesIO(b"id\n1\n"), tmp_path, "csv")
    state = spooled.path.stat()
    assert (state.st_ino, state.st_size) in synced
