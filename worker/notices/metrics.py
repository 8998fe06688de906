"""A Prometheus text file for each job, for the textfile collector of the node exporter (exposition format 0.0.4)."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from jobs.model import Status
from jobs.values import valueclass
from worker.files.atomic import replacing
from worker.notices.report import NightReport

READABLE: Final = 0o644
"""Mode of the file: the exporter is another user, and nothing in it is secret."""

VARIABLE: Final = "ROWPATCH_METRICS_DIR"
"""Variable of the environment that names the directory; without it, no file is written."""

Samples = Mapping[str, float | None]
"""Values by the value of the metric's second label; the empty text where it has none. None: not known, not written."""


@valueclass(frozen=True, slots=True)
class Metric:
    """One metric; all are gauges, for each process leaves one night's numbers behind.

    Attributes:
        help: what it means, in one line.
        values: of a night; the second argument is the time of the last success, in seconds since the epoch.
        label: besides `job`; empty for none.
    """

    help: str
    values: Callable[[NightReport, float | None], Samples]
    label: str = ""


def _single(value: Callable[[NightReport], float | None]) -> Callable[[NightReport, float | None], Samples]:
    return lambda night, _: {"": value(night)}


METRICS: Final[Mapping[str, Metric]] = {
    "rowpatch_last_run_timestamp_seconds": Metric(
        "When the last run ended.", _single(lambda night: night.started + night.seconds)
    ),
    "rowpatch_last_success_timestamp_seconds": Metric(
        "When the last run with exit status 0 ended; absent before the first one.", lambda _, success: {"": success}
    ),
    "rowpatch_exit_status": Metric("Exit status of the last run.", _single(lambda night: night.exit_status)),
    "rowpatch_duration_seconds": Metric("Duration of the last run.", _single(lambda night: night.seconds)),
    "rowpatch_rows": Metric(
        "Rows of the last run by status.",
        lambda night, _: {status.value: night.counts.get(status, 0) for status in Status},
        "status",
    ),
    "rowpatch_changed_rows": Metric(
        "Rows of the last run whose record differed and was to be changed.", _single(lambda night: night.changed)
    ),
    "rowpatch_drifted_rows": Metric(
        "Rows of the last run with fields that somebody else changed, left alone.",
        _single(lambda night: night.drifted),
    ),
    "rowpatch_overwritten_rows": Metric(
        "Rows of the last run with fields that somebody else changed, sent over.",
        _single(lambda night: night.overwritten),
    ),
    "rowpatch_conflict_rows": Metric(
        "Rows of the last run with fields that both sides changed.", _single(lambda night: night.conflicts)
    ),
    "rowpatch_quarantined_rows": Metric(
        "Rows of the last run that are set aside, since they keep failing.", _single(lambda night: night.quarantined)
    ),
    "rowpatch_gone_records": Metric("Records whose row is no longer in the source.", _single(lambda night: night.gone)),
    "rowpatch_refused_requests": Metric(
        "Requests of the last run that the API refused for their pace (status 429).",
        _single(lambda night: night.refused),
    ),
    "rowpatch_quota_share_ratio": Metric(
        "Part of the API's quota that the last run's updates used while they were sent, 0 to 1; absent where none is"
        " known.",
        _single(lambda night: night.quota_share),
    ),
}
"""By name. Dashboards and alerts rely on names, labels and units: they never change."""


def directory_in(environment: Mapping[str, str]) -> Path | None:
    """Return the directory that the exporter reads, as the environment names it; None if it names none."""
    found = environment.get(VARIABLE)
    return Path(found) if found else None


def write(directory: Path, night: NightReport, last_success: float | None) -> Path:
    """Write the job's file, whole or not at all. Not for a busy night or a dry run: the numbers are of another one.

    Args:
        directory: that the exporter reads.
        night: that ended.
        last_success: seconds since the epoch when a night last ended with exit status 0, this one included.

    Returns:
        The path of the file.

    Raises:
        OSError: it cannot be written.
    """
    name = f"rowpatch-{night.job}.prom"
    with replacing(directory, [name], READABLE) as (file,):
        file.write(rendered(night, last_success))
    return directory / name


def rendered(night: NightReport, last_success: float | None) -> str:
    """Return the content of the file."""
    return "".join(f"{line}\n" for line in _lines(night, last_success))


def _lines(night: NightReport, last_success: float | None) -> Iterator[str]:
    job = _escaped(night.job)
    for name, metric in METRICS.items():
        known = {key: value for key, value in metric.values(night, last_success).items() if value is not None}
        if known:
            yield f"# HELP {name} {metric.help}"
            yield f"# TYPE {name} gauge"
        for key, value in known.items():
            also = f',{metric.label}="{_escaped(key)}"' if metric.label else ""
            yield f'{name}{{job="{job}"{also}}} {value!r}'


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
