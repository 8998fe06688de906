"""How a sandbox is stranger than an API that is always up to date and always says what it did."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Strange:
    """The strange habits of a sandbox; all are off by default. Times are seconds, shares go from 0 to 1.

    Attributes:
        lands_late: a change takes effect up to so long after its request; changes of one record keep their order.
        reads_lag: a read may show a record as it was up to so long ago.
        index_lag: a list may omit a record for so long after its change.
        canonical: texts are stored, and echoed, trimmed, composed (NFC), with Unix line ends, e-mail in lower case.
        page_cap: records of a page at most, whatever `page[size]` asks for; 0 for the API's own rule.
        ignores_filters: lists show all records of the type, page by page.
        odd_replies: share of PATCHes that are answered by a 2xx that proves little, or by an error after the work.
        pauses: share of requests that are refused with a pause, told in one of the forms that APIs have.
        untold_limit: requests and seconds of a further window that no header tells.
        limits_in_body: a limit is told as a 403 whose body says so, instead of a 429.
        token_life: a token is refused so long after its issue, whatever its reply said; None for as long as it said.
        token_settles: a renewed token is refused for so long.
        bearer_errors: a token is refused as RFC 6750 says, with a body that may be anything.
    """

    lands_late: float = 0.0
    reads_lag: float = 0.0
    index_lag: float = 0.0
    canonical: bool = False
    page_cap: int = 0
    ignores_filters: bool = False
    odd_replies: float = 0.0
    pauses: float = 0.0
    untold_limit: tuple[int, float] | None = None
    limits_in_body: bool = False
    token_life: float | None = None
    token_settles: float = 0.0
    bearer_errors: bool = False


ORDINARY: Final = Strange()
"""No strange habits."""
