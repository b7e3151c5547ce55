"""The moments at which the exchanges of tests begin, so that no expectation depends on the day of the run.

Only the world begins there: prices, positions, the archive. Signatures and budgets go by the machine's clock, as the
gateway's own times do, or no real server could sign. Each moment is one at which something once went wrong, or might.
"""

from datetime import UTC, datetime

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
FAR_OFF = datetime(2100, 1, 1, tzinfo=UTC)
"""Before and after whatever the machine's clock shows."""

ORDINARY = "2026-11-21T12:00:00Z"
SOLD_OUT = "2026-11-20T12:00:00Z"
LONG_ARCHIVE = "2026-11-28T03:00:00Z"

EPOCHS = {
    "an ordinary day": ORDINARY,
    "a position of 0 contracts": SOLD_OUT,
    "an archive of more than 20 pages": LONG_ARCHIVE,
    "the end of a month": "2026-11-30T23:59:50Z",
    "the end of a year": "2026-12-31T23:59:50Z",
    "29 February": "2028-02-29T12:00:00Z",
    "clocks go back in New York": "2026-11-01T05:59:50Z",
    "clocks go forward in New York": "2027-03-14T06:59:50Z",
    "the pause on Thursdays": "2026-11-19T09:00:00Z",
    "a Sunday": "2026-11-22T15:00:00Z",
    "midnight": "2026-12-08T00:00:00Z",
}
