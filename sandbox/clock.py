"""The exchange's time: an epoch plus the elapsed time, times the speed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Clock:
    """Whole seconds, so that two sandboxes with the same epoch and elapsed time agree.

    `started` is on the monotonic clock. Signatures and budgets use the real time instead.
    """

    epoch_s: int
    speed: float
    started: float

    def now_s(self) -> int:
        return self.epoch_s + int((time.monotonic() - self.started) * self.speed)


def make_clock(speed: float, epoch: datetime | None, now: datetime) -> Clock:
    """Without an epoch a running exchange starts at the present moment, a frozen one stands at 00:00 UTC today.

    now: the machine's time, in UTC.
    """
    if epoch is None:
        epoch = now.replace(hour=0, minute=0, second=0, microsecond=0) if speed == 0 else now
    return Clock(int(epoch.timestamp()), speed, time.monotonic())


def parse_epoch(text: str) -> datetime:
    """An RFC 3339 time; without a zone it is UTC. Raises ValueError, also for years the generator cannot fill."""
    epoch = datetime.fromisoformat(text)
    if epoch.tzinfo is None:
        epoch = epoch.replace(tzinfo=UTC)
    if not datetime(2000, 1, 1, tzinfo=UTC) < epoch < datetime(2100, 1, 1, tzinfo=UTC) - timedelta(days=800):
        raise ValueError("the epoch must lie between 2000 and 2097")
    return epoch
