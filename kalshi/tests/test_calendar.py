"""No expectation depends on the day: whoever reads the machine's clock in a test has a reason, which stands here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalshi.tests.servers import ROOT

SIGNS = "real servers judge signatures by the machine's clock"
AGES = "the code under test takes this time from the machine's clock and judges its age, which a constant cannot have"
KEYS = "nginx forms the keys of its cache from the machine's clock"
REASONS = {
    "kalshi/tests/admin/test_cache_and_engine.py": AGES,
    "kalshi/tests/admin/test_locked.py": AGES,
    "kalshi/tests/chaos/installation.py": SIGNS,
    "kalshi/tests/chaos/shifted/sitecustomize.py": "is itself a clock, a wrong one",
    "kalshi/tests/clients/report.py": SIGNS,
    "kalshi/tests/clients/with_kalshi_typescript.mjs": SIGNS,
    "kalshi/tests/deploy/cached.py": KEYS,
    "kalshi/tests/deploy/test_nginx_expiry.py": KEYS,
    "kalshi/tests/deploy/test_nginx_front.py": SIGNS,
    "kalshi/tests/edge/test_checks.py": SIGNS,
    "kalshi/tests/gateway/signing.py": SIGNS,
    "kalshi/tests/gateway/test_key_usage.py": AGES,
    "kalshi/tests/gateway/test_virtual_keys.py": AGES,
    "kalshi/tests/servers.py": AGES,
    "kalshi/tests/sign_in/test_guessing.py": AGES,
    "kalshi/tests/sign_in/test_half_finished.py": AGES,
    "kalshi/tests/sign_in/test_offered_app.py": AGES,
    "kalshi/tests/sign_in/test_second_factor.py": AGES,
    "kalshi/tests/test_accounts.py": AGES,
    "kalshi/tests/test_metrics.py": AGES,
    "kalshi/tests/test_mounting.py": SIGNS,
    "kalshi/tests/test_redis_damage.py": AGES,
    "kalshi/tests/verify_setup/findings.py": SIGNS,
    "sandbox/tests/client.py": SIGNS,
}
CLOCK = re.compile(
    r"""\btime\.(time|time_ns|localtime|gmtime|ctime|strftime|clock_gettime)\b
    | \bfrom\ time\ import\ .*\b(time|time_ns|localtime|gmtime|ctime)\b
    | \b(datetime|date|timezone)\.(now|utcnow|today|localdate|localtime)\b
    | \bfrom\ django\.utils\.timezone\ import\b
    | \bDate\.now\b | \bnew\ Date\(\) | \bdatetime\('now'""",
    re.VERBOSE,
)
FOLDERS = ("kalshi/tests", "dashboard/tests", "sandbox/tests", "upkeep/tests")
STARTS = re.compile(r'"-m",\s*"sandbox"')


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of all that tests run."""
    folders = (ROOT / name for name in FOLDERS)
    for file in (ROOT / "conftest.py", *(file for folder in folders for file in sorted(folder.rglob("*")))):
        if file.suffix in {".py", ".js", ".mjs", ".sh"} and "node_modules" not in file.parts:
            yield file.relative_to(ROOT).as_posix(), file.read_text()


def test_whoever_reads_the_machines_clock_has_a_reason() -> None:
    assert sorted(path for path, text in sources() if CLOCK.search(text)) == sorted(REASONS)


def test_no_test_starts_an_exchange_without_a_moment() -> None:
    starts = {path: text for path, text in sources() if STARTS.search(text)}
    assert "kalshi/tests/servers.py" in starts
    assert [path for path, text in starts.items() if '"--epoch"' not in text] == []


@pytest.mark.parametrize(
    "line",
    [
        "at = time.@time()",
        "from @time import monotonic, time",
        "clock = datetime.@now",
        "timezone.@now() - timedelta(days=1)",
        "from django.utils.timezone @import now",
        "date.@today()",
        "Date.@now() - 1",
        "new @Date()",
        "SELECT datetime(@'now')",
    ],
)
def test_each_way_to_read_the_clock_is_seen(line: str) -> None:
    """The @ keeps this file from being one of those that it looks for."""
    assert not CLOCK.search(line) and CLOCK.search(line.replace("@", ""))


@pytest.mark.parametrize(
    "line", ["time.monotonic()", "new Date(0)", "now = moment(1)", "from time import sleep"]
)
def test_other_times_are_not_seen(line: str) -> None:
    assert not CLOCK.search(line)


def test_all_folders_of_tests_are_walked() -> None:
    known = tuple(f"{folder}/" for folder in FOLDERS)
    found = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("[a-z]*/**/test_*.py")]
    assert len(found) > 100
    assert [path for path in found if not path.startswith(known)] == []
    assert all(Path(ROOT, path).exists() for path in REASONS)
