"""`make test-demo` itself, with the sandbox in the place of the demo exchange."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from kalshi.tests.demo import handed
from kalshi.tests.gateway.test_walk import OPERATIONS
from kalshi.tests.servers import ROOT, Sandbox, bare_environment, running


def make_test_demo(env: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """options: of make."""
    command = ["make", "--no-print-directory", "--assume-old=.venv/development", *options, "test-demo"]
    return subprocess.run(
        command, cwd=ROOT, env=env, text=True, capture_output=True, timeout=110, check=False
    )


def test_every_operation_is_read_and_fits(tmp_path: Path) -> None:
    with running(lambda folder: Sandbox(folder, "--tier", "prime")) as exchange:
        done = make_test_demo(bare_environment(tmp_path) | exchange.environment() | {"KALSHI_ENV": "demo"})
        arrived = exchange.stats()["requests"]
    assert done.returncode == 0, done.stdout
    found = re.search(r"(\d+) passed, (\d+) skipped in", done.stdout)
    assert found, done.stdout
    passed, skipped = map(int, found.groups())
    assert passed + skipped == len(OPERATIONS) and skipped < 4, done.stdout
    # What the sandbox refuses to ordinary accounts is said, not passed over.
    assert "NOT TESTED: get_portfolio_resting_order_total_value: the exchange says 403" in done.stdout
    assert len(arrived) >= len(OPERATIONS)


def test_a_body_that_does_not_fit_fails_it_by_name(tmp_path: Path) -> None:
    replayed = tmp_path / "replayed"
    replayed.mkdir()
    (replayed / "get_exchange_status.json").write_text(json.dumps({"exchange_active": "yes"}))
    with running(lambda folder: Sandbox(folder, "--tier", "prime", "--replay", str(replayed))) as exchange:
        env = bare_environment(tmp_path) | exchange.environment() | {"KALSHI_ENV": "demo"}
        done = make_test_demo(env, "TESTS=-k get_exchange_status")
    assert done.returncode != 0
    assert "FAILED" in done.stdout and "test_the_body_fits_its_schema[get_exchange_status]" in done.stdout


def test_without_a_demo_key_it_says_loudly_that_nothing_was_tested(tmp_path: Path) -> None:
    done = make_test_demo(bare_environment(tmp_path) | {"KALSHI_ENV": "demo"})
    assert done.returncode == 0, done.stdout
    assert handed.WANTED in done.stdout
    assert "passed" not in done.stdout


@pytest.mark.parametrize(
    ("changed", "enough"),
    [
        ({}, True),
        ({"KALSHI_PRIVATE_KEY_PATH": "", "KALSHI_PRIVATE_KEY": "a PEM"}, True),
        ({"KALSHI_PRIVATE_KEY_PATH": ""}, False),
        ({"KALSHI_API_KEY_ID": ""}, False),
        ({"KALSHI_ENV": ""}, False),
        ({"KALSHI_ENV": "prod"}, False),
    ],
)
def test_a_whole_demo_key_is_enough_and_the_real_exchange_is_never_tested(
    changed: dict[str, str], enough: bool
) -> None:
    whole = {"KALSHI_ENV": "demo", "KALSHI_API_KEY_ID": "any", "KALSHI_PRIVATE_KEY_PATH": "any.pem"}
    given = {name: value for name, value in (whole | changed).items() if value}
    assert handed.are_enough(given) == enough


def test_no_other_run_collects_it(pytestconfig: pytest.Config) -> None:
    reads = Path(__file__).with_name("reads.py")
    assert reads.exists()
    assert not any(reads.match(pattern) for pattern in pytestconfig.getini("python_files"))
