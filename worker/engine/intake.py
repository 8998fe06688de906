"""Rows on their way in, each joined with what earlier processes recorded about it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from jobs.model import Edit, RowRef, Status, Unsendable, UpdateJob
from jobs.values import valueclass
from worker.journal import Planned, RowHistories
from worker.policy.lifecycle import UNTOUCHED, Recovery, recover
from worker.policy.row import InFlightRow
from worker.policy.sequencer import Refused, refusal
from worker.policy.verdict import Settle


def no_target(_row: int) -> str:
    """Return an empty id: no earlier process looked up the row's record."""
    return ""


@valueclass(frozen=True, slots=True)
class Intake:
    """Joins the rows of the input with the history of the run.

    Attributes:
        rows: to be run, in file order.
        histories: history of the rows, None for a new run.
        resend_unknown: send rows again that may have been applied and are not safe to repeat.
        expected: returns the plan of a row; None without a plan.
        as_planned: rows that the plan settled without sending end as it says, and are not read again.
        target: returns the id that an earlier process found for a row with a reference; empty if none did.
    """

    rows: Iterator[UpdateJob | Unsendable]
    histories: RowHistories | None = None
    resend_unknown: bool = False
    expected: Callable[[int], Planned | None] | None = None
    as_planned: bool = False
    target: Callable[[int], str] = no_target

    def __iter__(self) -> Iterator[InFlightRow | Refused]:
        """Yield, in file order, the rows to run, the refused ones to report, and those that hold others back."""
        for row in self.rows:
            joined = self._joined(row)
            if joined is not None:
                yield joined

    def _joined(self, row: UpdateJob | Unsendable) -> InFlightRow | Refused | None:
        if isinstance(row, Unsendable):
            return self._unsendable(row)
        number = row.ref.row
        known = self.target(number) if not row.id else ""
        job = replace(row, id=known) if known else row
        if self.histories is not None and self.histories.unknown(number):
            return InFlightRow(job, job.type, stands=True)
        history = self.histories.of(number) if self.histories is not None else UNTOUCHED
        recovery = recover(history, replay_safe=job.replay_safe, resend_unknown=self.resend_unknown)
        if recovery is Recovery.SKIP:
            return None
        planned = self.expected(number) if self.expected is not None else None
        if self.as_planned and planned is not None and planned.status is not Status.PENDING and not history.doubtful:
            settled = Settle(planned.reason, planned.message, planned.fields)
            return Refused(job, settled, self._spent(job.ref))
        return InFlightRow(
            job, job.type, self._expected(planned), self._doubt(number) if history.doubtful else "",
            recovery is not Recovery.READ_BACK, history.settled,
            image=self._image(number), attempts=self._spent(job.ref),
            answered=self._answered(job.ref, doubtful=history.doubtful) if job.replay_safe else 0,
        )  # fmt: skip

    def _unsendable(self, row: Unsendable) -> Refused | None:
        """Settle a row that cannot be sent, unless an earlier process already knows more about it."""
        history = self.histories.of(row.ref.row) if self.histories is not None else UNTOUCHED
        if not history.doubtful and history.settled and not history.redo:
            return None
        return refusal(row, self._doubt(row.ref.row) if history.doubtful else "", self._spent(row.ref))

    def _doubt(self, row: int) -> str:
        return self.histories.reasons.get(row, "interrupted") if self.histories is not None else ""

    def _spent(self, ref: RowRef) -> int:
        return self.histories.earlier.get(ref.row, 0) if self.histories is not None else 0

    def _answered(self, ref: RowRef, *, doubtful: bool) -> int:
        """Return the number of the row's last attempt that the server answered: all of them, unless it is in doubt."""
        if self.histories is None or not doubtful:
            return self._spent(ref)
        return self.histories.answered.get(ref.row, 0)

    def _image(self, row: int) -> tuple[Edit, ...]:
        image = self.histories.images.get(row) if self.histories is not None else None
        return image.edits if image else ()

    def _expected(self, planned: Planned | None) -> tuple[Edit, ...] | None:
        if self.expected is None:
            return None
        return planned.edits if planned else ()
