"""The tests again on other days: under faketime, and in front of exchanges that begin at other moments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kalshi.tests.epochs import EPOCHS
from kalshi.tests.servers import ROOT

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]

DATES = {
    "the end of a month": "2026-11-30 23:58:30",
    "the end of a year": "2026-12-31 23:58:30",
    "a new year": "2027-01-01 00:00:00",
    "the end of February": "2027-02-28 23:58:30",
    "the eve of 29 February": "2028-02-28 23:58:30",
    "29 February": "2028-02-29 23:58:30",
    "clocks go back in New York": "2026-11-01 05:58:30",
    "clocks go forward in New York": "2027-03-14 06:58:30",
    "the pause on Thursdays": "2026-12-03 09:00:00",
    "a Sunday": "2026-12-06 15:00:00",
    "midnight in New York": "2026-12-09 04:58:30",
    "a day long ago": "2024-05-17 12:00:00",
}
"""In UTC. Those that end in :30 are passed while the tests run."""
KNOW_DATES = (
    # What ends or grows old: sign-ins, codes, locks, keys, copies.
    "dashboard/tests/test_pages.py",
    "kalshi/tests/admin/test_cache_and_engine.py",
    "kalshi/tests/admin/test_locked.py",
    "kalshi/tests/edge/test_checks.py",
    "kalshi/tests/gateway/test_callers.py",
    "kalshi/tests/gateway/test_key_usage.py",
    "kalshi/tests/gateway/test_virtual_keys.py",
    "kalshi/tests/sign_in",
    "kalshi/tests/test_second_factor.py",
    # What is searched or cut by time.
    "kalshi/tests/audit",
    "kalshi/tests/test_history_api.py",
    "kalshi/tests/test_history_cutoff.py",
    # Signatures, certificates and the correction of our clock.
    "kalshi/tests/gateway/test_signed_requests.py",
    "kalshi/tests/upstream/test_clock.py",
    "kalshi/tests/upstream/test_false_dates.py",
    "kalshi/tests/upstream/test_transport.py",
    "kalshi/tests/verify_setup/test_exchange.py::test_a_wrong_clock_is_told_from_a_wrong_key",
    "sandbox/tests/test_auth.py",
    # The only exchange of the tests that lives on the day of the run.
    "dashboard/tests/test_launch.py::TestWithoutCredentials",
)
LIVE = "kalshi/tests/live"
LIVE_EPOCHS = (
    "a position of 0 contracts",
    "an archive of more than 20 pages",
    "29 February",
    "the end of a year",
)
DATED = Path(__file__).with_name("dated")


def run(*command: str, **env: str) -> None:
    """pytest in a process of its own; all of its tests have to pass."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_CORE_"))
    }
    options = ("-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider")
    done = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env=ours | env,
        text=True,
        capture_output=True,
        timeout=1700,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.parametrize("date", DATES.values(), ids=DATES.keys())
def test_what_knows_dates_is_right_on_any_day(date: str) -> None:
    faketime = shutil.which("faketime")
    assert faketime, "faketime is not on PATH; on Debian: apt-get install faketime"
    # Only the wall clock is moved: a monotonic one that is, too, hangs Python's waits, and moved times of files would
    # have every module compiled anew.
    moved = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "TZ": "UTC", "PYTHONPATH": str(DATED)}
    run(faketime, date, sys.executable, "-m", "pytest", *KNOW_DATES, **moved)


@pytest.mark.parametrize("epoch", LIVE_EPOCHS)
def test_the_whole_product_is_right_at_any_moment_of_the_exchange(epoch: str) -> None:
    # Those that bear nothing beside them judge by time alone, whatever the exchange says.
    run(sys.executable, "-m", "pytest", "-m", "not chaos and not alone", LIVE, "--epoch", EPOCHS[epoch])
