"""Tells how a night ended: notices for people, metrics for programs, and a file for the next night of the job."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from worker.events import Observer
from worker.exit_statuses import DONE
from worker.files.atomic import replacing
from worker.notices import metrics, sending
from worker.notices.report import NightReport, from_document
from worker.operations.nights.job import Job
from worker.settings import ConfigError

_LAST: Final = "last.json"
"""File beside the memory with the report of the last night."""


async def tell(job: Job, report: NightReport, environment: Mapping[str, str], observer: Observer) -> None:
    """Send the notices that are due, and write the metrics; neither changes how the night ended."""
    last, success = _last(job.state)
    await sending.send(job.notices, report, last, environment, observer)
    if report.state == "busy":
        return
    if report.exit_status == DONE:
        success = report.started + report.seconds
    with suppress(OSError, ConfigError):
        if place := metrics.directory_in(environment):
            metrics.write(place, report, success)
    if job.state.is_dir():
        with suppress(OSError), replacing(job.state, (_LAST,)) as (file,):
            file.write(json.dumps({**report.document(), "last_success": success}))


def last_night(state: Path) -> NightReport | None:
    """Return how the last night of the job with this memory ended; None if that is not known."""
    return _last(state)[0]


def _last(state: Path) -> tuple[NightReport | None, float | None]:
    """Return how the last night ended, and when one last ended well; None for what is not known."""
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        document = json.loads((state / _LAST).read_text(encoding="utf-8"))
    last = success = None
    with suppress(ValueError, KeyError, TypeError):
        last = from_document(document)
    with suppress(ValueError, KeyError, TypeError):
        success = float(document["last_success"])
    return last, success
