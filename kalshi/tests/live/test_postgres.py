"""The whole product on PostgreSQL and Redis, as a larger installation runs it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from kalshi.server.lines import EACH
from kalshi.tests.live.cable import Cable
from kalshi.tests.servers import Gateway, Sandbox, csrf_field, running, wait_until

API = "/api/v1/kalshi/"


@pytest.fixture(scope="module")
def cable(postgres_url: str) -> Iterator[Cable]:
    """What connects the product with PostgreSQL."""
    made = Cable(urlsplit(postgres_url).port or 0)
    yield made
    made.cut()


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox, cable: Cable, postgres_url: str, redis_url: str) -> Iterator[Gateway]:
    env = sandbox.environment() | {
        "DATABASE_URL": postgres_url.replace(str(urlsplit(postgres_url).port), str(cable.port)),
        "REDIS_URL": redis_url,
        "KALSHI_TIMEOUT_S": "5",
    }
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


def test_it_is_ready_and_answers_tokens_and_sessions(gateway: Gateway) -> None:
    assert gateway.get(API + "balance/").status_code == 200
    with gateway.sign_in() as browser:
        assert browser.get(gateway.base_url + API + "balance/", timeout=10).status_code == 200


def test_a_character_that_postgresql_cannot_hold_is_refused_wherever_it_stands(gateway: Gateway) -> None:
    with gateway.sign_in(gateway.manage("sign_in_link").strip()) as browser:
        for path in (
            "admin/search/?s=%00",
            "admin/kalshi/virtualkey/?key_type=%00",
            "admin/kalshi/account/?environment=%00",
            "admin/kalshi/apitoken/%00/change/",
            "admin/cache/?account=%00",
            "audit.csv?account=%00",
        ):
            assert browser.get(f"{gateway.base_url}/{path}", timeout=10).status_code == 400, path
        page = f"{gateway.base_url}/admin/kalshi/apitoken/"
        form = csrf_field(browser.get(page, timeout=10).text) | {"index": "0", "action": "delete_selected"}
        assert browser.post(page, data=form | {"_selected_action": "\0"}, timeout=10).status_code == 400
    for path in ("", "admin/", "api/v1/status/", "api/v1/kalshi/balance/", "trade-api/v2/portfolio/balance"):
        stranger = requests.get(
            gateway.base_url + "/" + path,
            headers={"Cookie": 'sessionid="\\000' + "a" * 31 + '"'},
            timeout=10,
            allow_redirects=False,
        )
        assert stranger.status_code in {302, 401}, (path, stranger.text)


def test_pages_of_one_person_that_are_opened_at_once_show_one_app(
    gateway: Gateway, postgres_url: str
) -> None:
    with gateway.sign_in(gateway.manage("sign_in_link").strip()) as browser:
        cookies = browser.cookies.get_dict()

    def shown(_: int) -> tuple[int, list[str]]:
        page = requests.get(f"{gateway.base_url}/you/second-factor/", cookies=cookies, timeout=20)
        return page.status_code, re.findall(r"<code>([A-Z2-7 ]+)</code>", page.text)

    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'kalshi_authenticator'::regclass"
    )
    with ThreadPoolExecutor(10) as threads, psycopg.connect(postgres_url, autocommit=True) as watch:
        watch.execute("DELETE FROM kalshi_authenticator")
        with psycopg.connect(postgres_url) as held:
            # As many of theirs as are worked on at a time find that there is none yet, and none can add one.
            held.execute("LOCK TABLE kalshi_authenticator IN EXCLUSIVE MODE")
            pages = [threads.submit(shown, number) for number in range(10)]
            wait_until(
                lambda: (watch.execute(waiting).fetchone() or (0,))[0] == EACH, what="pages that add one"
            )
        answers = [page.result() for page in pages]
    assert answers[0][0] == 200 and answers[0][1]
    assert answers == answers[:1] * 10


def test_a_saved_setting_is_in_force_within_two_seconds(gateway: Gateway) -> None:
    gateway.set_policies(fresh_s=77)
    assert "max-age=77," in gateway.get(API + "positions/").headers["Cache-Control"]


@pytest.mark.parametrize("verb", ["UPDATE {} SET actor = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_to_change_the_audit_log(postgres_url: str, gateway: Gateway, verb: str) -> None:
    with (
        psycopg.connect(postgres_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        connection.execute(verb.format("kalshi_auditevent"))


def test_callers_who_wait_for_kalshi_hold_no_database_connection(gateway: Gateway, sandbox: Sandbox) -> None:
    # Many more callers than the pool has connections (16), and none may wait for one.
    sandbox.fault("hang", operations=["get_orders"])
    with ThreadPoolExecutor(60) as threads:
        callers = [threads.submit(gateway.get, f"{API}orders/?limit={n % 5 + 1}") for n in range(60)]
        wait_until(lambda: sandbox.arrivals("get_orders") > 0, 20, "the first caller")
        for _ in range(10):
            started = time.monotonic()
            assert gateway.get("/api/v1/status/").status_code == 200
            assert time.monotonic() - started < 2.0
        sandbox.heal()
        assert {caller.result().status_code for caller in callers} <= {200, 503}


def test_while_the_database_is_away_callers_are_told_so_and_afterwards_served(
    gateway: Gateway, cable: Cable
) -> None:
    assert gateway.get(API + "balance/").status_code == 200
    cable.cut()
    try:
        # Every connection of the pool fails once; whoever comes after that waits for a new one, in vain.
        for number in range(20):
            started = time.monotonic()
            answer = gateway.get("/api/v1/status/", headers={"X-Request-ID": f"database-away-{number}"})
            took_s = time.monotonic() - started
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert answer.headers["Retry-After"] == str(answer.json()["retry_after_s"])
            if took_s > 1:
                break
        assert 1 < took_s < 5, took_s
        assert requests.get(f"{gateway.base_url}/healthz", timeout=5).status_code == 200
        started = time.monotonic()
        ready = requests.get(f"{gateway.base_url}/readyz", timeout=15)
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, False)
        assert time.monotonic() - started < 5
    finally:
        cable.mend()
    wait_until(lambda: gateway.get("/api/v1/status/").status_code == 200, 20, "service as before")
    lines = [json.loads(line) for line in gateway.process.lines if "database-away-0" in line]
    (line,) = [line for line in lines if line["event"] != "request"]
    assert (line["level"], line["event"]) == ("error", "the database does not answer (OperationalError)")
    assert "Traceback" not in gateway.process.output
