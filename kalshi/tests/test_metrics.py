"""Who may see the metrics, and that counts of several processes add up."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kalshi.errors import UnexpectedPayload, UpstreamUnavailable
from kalshi.limits.breaker import FAILURES
from kalshi.limits.shelf import Learned, Shelf
from kalshi.models import Account, ApiToken
from kalshi.services import engine, engine_parts, metrics, standing, worker_files
from kalshi.tests.test_callers import BALANCE, concrete, every_pattern, get


@pytest.fixture
def metrics_token(user: Any, capsys: pytest.CaptureFixture[str]) -> str:
    user.is_superuser = True
    user.save()
    call_command("create_token", user="ada", name="prometheus", scope="metrics")
    return capsys.readouterr().out.strip()


def test_a_token_reads_unless_another_scope_is_named(user, token) -> None:
    assert ApiToken.objects.get().scope == "read"


def test_metrics_open_to_their_token_only(exchange, token, metrics_token) -> None:
    assert get("/metrics").status_code == 401
    assert get("/metrics", f"Bearer {token}").status_code == 403
    answer = get("/metrics", f"Bearer {metrics_token}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert list(text_string_to_metric_families(answer.content.decode()))


def test_memory_that_the_system_does_not_tell_is_left_out_and_never_0(
    exchange: Any, metrics_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert b"\nkalshi_process_resident_bytes{" in get("/metrics", f"Bearer {metrics_token}").content
    monkeypatch.setattr(metrics, "Path", lambda name: Path("/nowhere"))
    assert b"\nkalshi_process_resident_bytes{" not in get("/metrics", f"Bearer {metrics_token}").content


def test_the_metrics_token_opens_nothing_else(exchange, metrics_token) -> None:
    seen = []
    for name, route in every_pattern():
        path = concrete(route)
        if name in {"healthz", "readyz", "metrics"} or not path.startswith(("/api", "/metrics")):
            continue
        answer = get(path, f"Bearer {metrics_token}")
        seen.append(path)
        if name == "docs":  # a page for people
            assert answer.headers["Location"].startswith("/sign-in/")
            continue
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "forbidden"
    assert BALANCE in seen and any("status" in path for path in seen)
    assert exchange.account_calls == []


@pytest.mark.parametrize(("superuser", "status"), [(True, 200), (False, 403)])
def test_of_people_only_a_superuser_sees_metrics(exchange, user, superuser: bool, status: int) -> None:
    user.is_superuser = superuser
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    assert get("/metrics", client=client).status_code == status


def test_a_token_for_the_metrics_ends_with_its_owners_right_to_watch(exchange, user, metrics_token) -> None:
    user.is_superuser = False
    user.save()
    answer = get("/metrics", f"Bearer {metrics_token}")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    with pytest.raises(CommandError, match="ada is no superuser"):
        call_command("create_token", user="ada", name="prometheus", scope="metrics")
    user.is_superuser, user.is_active = True, False
    user.save()
    assert get("/metrics", f"Bearer {metrics_token}").status_code == 401


def test_openmetrics_is_spoken_to_those_who_ask_for_it(exchange, metrics_token) -> None:
    answer = Client().get(
        "/metrics",
        HTTP_AUTHORIZATION=f"Bearer {metrics_token}",
        HTTP_ACCEPT="application/openmetrics-text; version=1.0.0",
    )
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


class TestBudgetsAndBreakers:
    @pytest.fixture(autouse=True)
    def fund(self, db: None) -> Account:
        """An account of the other environment."""
        return Account.objects.create(slug="fund", label="The fund", environment="prod", key_id="key-of-fund")

    def samples(self, token: str, name: str) -> list[tuple[dict[str, str], float]]:
        text = get("/metrics", f"Bearer {token}").content.decode()
        families = text_string_to_metric_families(text)
        return [
            (found.labels, found.value)
            for family in families
            for found in family.samples
            if found.name == name
        ]

    def told(self, token: str) -> set[str]:
        return {labels["account"] for labels, _ in self.samples(token, "kalshi_budget_capacity_tokens")}

    def test_budgets_are_those_of_all_accounts_or_of_the_tokens_own(
        self, exchange, metrics_token, fund: Account
    ) -> None:
        assert self.told(metrics_token) == {"default", "fund"}
        ApiToken.objects.update(account=fund)
        assert self.told(metrics_token) == {"fund"}
        Account.objects.filter(pk=fund.pk).update(enabled=False)
        assert self.told(metrics_token) == set()

    def test_each_account_shows_its_own_budget_and_scraping_builds_no_engine(
        self, exchange, metrics_token, fund: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine.current().budget.learn_limits(
            b'{"usage_tier": "prime", "read": {"refill_rate": 1000, "bucket_capacity": 2000}}'
        )
        monkeypatch.setattr(engine_parts, "build", None)
        found = {
            labels["account"]: value
            for labels, value in self.samples(metrics_token, "kalshi_budget_capacity_tokens")
        }
        assert found["default"] > found["fund"] > 0

    def test_an_account_without_an_exchange_here_is_left_out_and_counted(
        self, exchange, metrics_token, fund: Account
    ) -> None:
        Account.objects.filter(pk=fund.pk).update(environment="sandbox")
        assert self.told(metrics_token) == {"default"}
        assert self.samples(metrics_token, "kalshi_budgets_not_told") == [({}, 1)]

    def test_no_more_accounts_are_told_than_the_most(
        self, exchange, metrics_token, fund: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standing, "MAX_ACCOUNTS", 1)
        assert self.told(metrics_token) == {"default"}
        assert self.samples(metrics_token, "kalshi_budgets_not_told") == [({}, 1)]

    def test_every_exchange_shows_the_position_of_its_breaker(
        self, exchange, metrics_token, fund: Account
    ) -> None:
        for _ in range(FAILURES):
            engine.of(fund).breakers.of("get_balance").report(UpstreamUnavailable("away"), (False, False))
        positions = {
            labels["environment"]: (labels["host"], labels["position"])
            for labels, value in self.samples(metrics_token, "kalshi_breaker")
            if value == 1
        }
        assert positions == {
            "demo": ("external-api.demo.kalshi.co", "closed"),
            "prod": ("external-api.kalshi.com", "open"),
        }

    def test_an_operation_that_fails_by_itself_is_counted_for_its_account_alone(
        self, exchange, metrics_token, fund: Account
    ) -> None:
        for _ in range(FAILURES):
            engine.of(fund).breakers.of("get_orders").report(UnexpectedPayload("204"), (False, False))
        found = self.samples(metrics_token, "kalshi_operations_left_alone")
        assert {labels["account"]: value for labels, value in found} == {"default": 0, "fund": 1}
        open_hosts = [
            labels["host"]
            for labels, value in self.samples(metrics_token, "kalshi_breaker")
            if labels["position"] == "open" and value
        ]
        assert open_hosts == []

    def test_what_one_process_learned_of_an_account_every_process_tells(
        self, exchange, metrics_token, fund: Account, settings, redis_url: str
    ) -> None:
        cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis_url, "KEY_PREFIX": "told"}
        settings.CACHES = settings.CACHES | {"kalshi": cache}
        link = engine.shared().link
        assert link is not None
        limits = b'{"usage_tier": "prime", "read": {"refill_rate": 1000, "bucket_capacity": 2000}}'
        Shelf(link, engine.of(fund).scope.budget_name).put(Learned(time.time(), limits, b"{}"))
        found = self.samples(metrics_token, "kalshi_budget_capacity_tokens")
        assert ({"account": "fund"}, 2000 * engine.shared().setup.rate_share) in found


NAMES = st.sampled_from(["balance", "orders", "none"])
EVENTS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from([200, 304, 503]),
        st.sampled_from(["edge", "django"]),
        st.sampled_from([0.0, 0.0005, 0.25, 3.0, 64.0]),
    ),
    max_size=6,
)


def counted(events: list[tuple[str, int, str, float]]) -> dict[str, Any]:
    counts = metrics.Counts()
    for route, status, way, took_s in events:
        counts.request(route, status, way, took_s)
        counts.edge(route, "hit")
        counts.cache(route, "hit")
        counts.upstream(route, "ok", took_s)
    return counts.tables()


def numbers(tables: dict[str, Any]) -> dict[Any, Any]:
    rows = {(name, *key): row for name, table in tables.items() for key, row in table if any(row)}
    return {key: (row[:-1], round(row[-1], 6)) for key, row in rows.items()}


@given(EVENTS, EVENTS)
def test_two_processes_count_what_one_would(one, other) -> None:
    added = metrics.add_up([counted(one), counted(other)])
    assert numbers(added) == numbers(metrics.add_up([counted([*one, *other])]))


@given(st.floats(0, 1000))
def test_a_time_falls_into_the_bucket_that_reaches_up_to_it(took_s: float) -> None:
    ((_, row),) = counted([("balance", 200, "edge", took_s)])["requests"]
    *buckets, total_s = row
    below = [bound for bound in metrics.BOUNDS_S if bound < took_s]
    assert buckets.index(1) == len(below) and sum(buckets) == 1
    assert total_s == took_s


class TestFilesOfWorkers:
    GONE = 2**22 + 1  # above any process id of Linux

    def document(self, number: int, at: float) -> dict[str, Any]:
        return {name: [] for name in metrics.TABLES} | {
            "cache": [[["get_balance", "hit"], [number]]],
            "at": at,
        }

    def total(self, place: Path, now: float) -> int:
        running, ended = worker_files.others(place, now)
        table = metrics.add_up([*running, *ended])["cache"]
        return int(table[0][1][0]) if table else 0

    def test_a_process_that_ended_still_counts_and_its_file_goes(self, tmp_path: Path) -> None:
        for number in range(3):
            worker_files.replace(tmp_path / f"{self.GONE + number}.json", self.document(10, at=100.0))
        assert self.total(tmp_path, now=101.0) == 30
        worker_files.take_in_ended(tmp_path, metrics.add_up)
        assert self.total(tmp_path, now=101.0) == 30
        worker_files.replace(tmp_path / f"{self.GONE + 7}.json", self.document(5, at=102.0))
        worker_files.take_in_ended(tmp_path, metrics.add_up)
        assert self.total(tmp_path, now=103.0) == 35
        assert sorted(path.name for path in tmp_path.glob("*.json")) == ["ended.json"]

    def test_a_file_left_over_by_an_interrupted_clearing_counts_once(self, tmp_path: Path) -> None:
        path = tmp_path / f"{self.GONE}.json"
        worker_files.replace(path, self.document(10, at=100.0))
        left = path.read_text()
        worker_files.take_in_ended(tmp_path, metrics.add_up)
        path.write_text(left)
        assert self.total(tmp_path, now=101.0) == 10
        worker_files.take_in_ended(tmp_path, metrics.add_up)
        assert self.total(tmp_path, now=101.0) == 10

    def test_a_silent_process_counts_but_is_not_said_to_run(self, tmp_path: Path) -> None:
        worker_files.replace(tmp_path / f"{self.GONE}.json", self.document(10, at=100.0))
        running, ended = worker_files.others(tmp_path, now=100.0 + worker_files.STILL_S)
        assert running == [] and len(ended) == 1

    def test_a_file_from_ahead_of_the_clock_is_of_no_process_that_runs(self, tmp_path: Path) -> None:
        worker_files.replace(tmp_path / f"{self.GONE}.json", self.document(10, at=4000.0))
        running, ended = worker_files.others(tmp_path, now=400.0)
        assert running == [] and len(ended) == 1

    def test_a_process_does_not_count_itself_twice_and_damage_is_no_error(self, tmp_path: Path) -> None:
        worker_files.write(tmp_path, self.document(10, at=100.0))
        (tmp_path / "77.json").write_text('{"cache"')
        assert (tmp_path / f"{os.getpid()}.json").exists()
        assert worker_files.others(tmp_path, now=100.0) == ([], [])
