"""`/metrics` for Prometheus: what all processes of this server counted, and where this one stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from django.http import HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kalshi.limits.breaker import Position
from kalshi.models import Account
from kalshi.services import access, metrics, standing
from kalshi.views.authentication import MetricsBearer
from kalshi.views.base import ReadView, credential

POSITIONS = get_args(Position)


class MayWatch(BasePermission):
    """Superusers, with a session or a token of the right scope. A token ends with its owner's right."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return access.may_watch(request.user)


class MetricsView(ReadView):
    authentication_classes = (MetricsBearer, SessionAuthentication)
    permission_classes = (MayWatch,)  # type: ignore[assignment]

    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        registry.register(Numbers(access.accounts(request.user, credential(request))))
        encode, content_type = choose_encoder(request.META.get("HTTP_ACCEPT", ""))
        return HttpResponse(
            encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"}
        )


class Numbers(Collector):
    """The tables as metric families. accounts: those whose budget the caller may see."""

    def __init__(self, accounts: list[Account]) -> None:
        self._accounts = accounts

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        processes, tables = metrics.of_all_processes()
        yield from _requests(tables["requests"])
        answers = CounterMetricFamily(
            "kalshi_cache_answers",
            "Answers by operation and where they came from.",
            labels=["operation", "outcome"],
        )
        for labels, (number,) in tables["cache"]:
            answers.add_metric(labels, number)
        yield answers
        yield from _upstream(tables["upstream"])
        dropped = CounterMetricFamily("kalshi_access_log_dropped_lines", "Lines that did not fit.")
        for _, (number,) in tables["dropped"]:
            dropped.add_metric([], number)
        yield dropped
        yield from _budgets(self._accounts)
        yield _breakers()
        yield _left_alone(self._accounts)
        yield from _processes(processes)


def _requests(table: list[Any]) -> Iterator[Metric]:
    labels = ["route", "status", "way"]
    total = CounterMetricFamily(
        "kalshi_http_requests", "Answers to callers; status 0: the caller left.", labels=labels
    )
    for key, row in table:
        total.add_metric(key, sum(row[:-1]))
    yield total
    by_route = metrics.add_up_rows(((route, way), row) for (route, _, way), row in table)
    yield _histogram("kalshi_http_request_seconds", "Time to answer a caller.", ["route", "way"], by_route)


def _upstream(table: list[Any]) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "kalshi_upstream_requests", "Attempts at asking Kalshi.", labels=["operation", "outcome"]
    )
    for key, row in table:
        total.add_metric(key, sum(row[:-1]))
    yield total
    by_operation = metrics.add_up_rows(((operation,), row) for (operation, _), row in table)
    yield _histogram("kalshi_upstream_seconds", "Time that Kalshi took.", ["operation"], by_operation)


def _histogram(name: str, text: str, labels: list[str], rows: dict[tuple[str, ...], list[float]]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, row in rows.items():
        so_far, buckets = 0.0, []
        for bound, number in zip((*map(str, metrics.BOUNDS_S), "+Inf"), row[:-1], strict=True):
            so_far += number
            buckets.append((bound, so_far))
        family.add_metric(key, buckets, sum_value=row[-1])
    return family


def _budgets(accounts: list[Account]) -> Iterator[Metric]:
    level, capacity, refill = (
        GaugeMetricFamily(f"kalshi_budget_{name}", text, labels=["account"])
        for name, text in (
            ("level_tokens", "What is left of our share of the account's read budget."),
            ("capacity_tokens", "Size of our share."),
            ("refill_tokens_per_second", "Speed at which it fills."),
        )
    )
    told = standing.budgets(accounts)
    for slug, budget in told.items():
        level.add_metric([slug], budget["level"])
        capacity.add_metric([slug], budget["capacity"])
        refill.add_metric([slug], budget["refill_per_s"])
    yield from (level, capacity, refill)
    yield GaugeMetricFamily(
        "kalshi_budgets_not_told",
        "Accounts beyond the most that are told of, and those that cannot be used here.",
        value=len(accounts) - len(told),
    )


def _breakers() -> Metric:
    breaker = GaugeMetricFamily(
        "kalshi_breaker", "1 for the position that it is in.", labels=["environment", "host", "position"]
    )
    for (environment, host), position in standing.breakers().items():
        for name in POSITIONS:
            breaker.add_metric([environment, host, name], float(name == position))
    return breaker


def _left_alone(accounts: list[Account]) -> Metric:
    family = GaugeMetricFamily(
        "kalshi_operations_left_alone",
        "Operations that fail by themselves and are not asked now, as far as this process has heard.",
        labels=["account"],
    )
    for slug, operations in standing.left_alone(accounts).items():
        family.add_metric([slug], len(operations))
    return family


def _processes(documents: list[dict[str, Any]]) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kalshi_waiting_callers",
        "Callers who wait for Kalshi now.",
        value=sum(d["waiting"] for d in documents),
    )
    memory = GaugeMetricFamily("kalshi_process_resident_bytes", "Memory of a server process.", labels=["pid"])
    started = GaugeMetricFamily("kalshi_process_start_time_seconds", "Epoch seconds.", labels=["pid"])
    for document in documents:
        pid = [str(document["pid"])]
        if document["resident_bytes"] is not None:
            memory.add_metric(pid, document["resident_bytes"])
        started.add_metric(pid, document["started_at"])
    yield from (memory, started)
