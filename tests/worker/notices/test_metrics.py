"""The text file of a job, as the reader of the Prometheus project itself understands it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from jobs.model import Status
from tests.worker.notices.nights import GOOD, TRIPPED
from worker.notices.metrics import METRICS, directory_in, rendered, write
from worker.notices.report import NightReport

SUCCESS = 1_764_556_216.5


def read(text: str) -> dict[tuple[str, str], float]:
    """Samples by name and second label."""
    return {
        (sample.name, next((value for name, value in sample.labels.items() if name != "job"), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_number_is_a_sample_with_its_help() -> None:
    counts = {Status.APPLIED: 3, Status.UNCHANGED: 197}
    report = replace(GOOD, counts=counts, drifted=1, overwritten=2, conflicts=3, quarantined=4, gone=5, refused=6)
    single = {
        "last_run_timestamp_seconds": GOOD.started + GOOD.seconds, "last_success_timestamp_seconds": SUCCESS,
        "exit_status": 0, "duration_seconds": 12.3456, "changed_rows": 3, "drifted_rows": 1, "overwritten_rows": 2,
        "conflict_rows": 3, "quarantined_rows": 4, "gone_records": 5, "refused_requests": 6, "quota_share_ratio": 0.25,
    }  # fmt: skip
    text = rendered(report, SUCCESS)
    assert read(text) == {
        **{(f"rowpatch_{name}", ""): value for name, value in single.items()},
        **{("rowpatch_rows", str(status)): counts.get(status, 0) for status in Status},
    }
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert {name: each.documentation for name, each in families.items()} == {n: m.help for n, m in METRICS.items()}
    assert {each.type for each in families.values()} == {"gauge"}


def test_what_is_not_known_has_no_sample() -> None:
    samples = read(rendered(replace(TRIPPED, quota_share=None), None))
    assert {name for name, _ in samples} == METRICS.keys() - {
        "rowpatch_last_success_timestamp_seconds",
        "rowpatch_quota_share_ratio",
    }


@given(st.text(st.sampled_from('\\\n"n{},= ') | st.characters(exclude_categories=["Cs", "Cc"])), st.floats(0, 1e10))
@example('a\\n\\\n"', 0.1)
def test_any_name_and_number_comes_back(job: str, seconds: float) -> None:
    text = rendered(NightReport(job, "finished", 0, seconds=seconds), None)
    labels = {sample.labels["job"] for family in text_string_to_metric_families(text) for sample in family.samples}
    assert labels == {job}
    assert read(text)["rowpatch_duration_seconds", ""] == seconds


def test_the_file_appears_whole_and_the_exporter_may_read_it(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, SUCCESS)
    assert path == tmp_path / "rowpatch-prices.prom"
    assert path.stat().st_mode & 0o777 == 0o644
    write(tmp_path, TRIPPED, SUCCESS)
    assert path.read_text() == rendered(TRIPPED, SUCCESS)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD, SUCCESS)
    old = path.read_text()

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("worker.notices.metrics.rendered", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, TRIPPED, SUCCESS)
    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("value", "directory"), [("/var/m", Path("/var/m")), ("", None), (None, None)])
def test_the_environment_names_the_directory(value: str | None, directory: Path | None) -> None:
    assert directory_in({} if value is None else {"ROWPATCH_METRICS_DIR": value}) == directory
