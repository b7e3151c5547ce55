"""What is done to people in one process holds in all of them, the edge included."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
import requests

from kalshi.tests.servers import Gateway, wait_until

BALANCE = "/api/v1/kalshi/balance/"


def test_signed_out_in_another_process_a_session_ends_within_two_seconds(gateway: Gateway) -> None:
    with gateway.sign_in() as browser:

        def status() -> int:
            return browser.get(gateway.base_url + BALANCE, timeout=10).status_code

        for _ in range(3):
            assert status() == 200
        gateway.manage("sign_out", "--user", "owner")
        wait_until(lambda: status() == 401, 2.0, "the end of the session")
    assert gateway.get(BALANCE).status_code == 200


def test_the_audit_log_tells_of_it_and_cannot_be_changed(gateway: Gateway) -> None:
    told = gateway.manage("audit", "--action", "sign-out-everywhere")
    assert told.split()[1:4] == ["-", "sign-out-everywhere", "owner"]
    with contextlib.closing(sqlite3.connect(gateway.data_dir / "db.sqlite3", timeout=10)) as connection:
        for change in ("DELETE FROM kalshi_auditevent", "UPDATE kalshi_auditevent SET actor = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(change)


def test_the_address_of_a_token_is_that_which_the_server_sees(gateway: Gateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}", "X-Forwarded-For": "203.0.113.9"}
    assert requests.get(gateway.base_url + BALANCE, headers=headers, timeout=10).status_code == 200
    told = gateway.manage("audit", "--action", "new-address").splitlines()
    assert [line.split()[-1] for line in told] == ["127.0.0.1"]
