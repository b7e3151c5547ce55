"""`/metrics` for Prometheus: what all processes of this server counted, and where this one stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

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

from kalshi.services import engine, metrics
from kalshi.views.authentication import MetricsBearer
from kalshi.views.base import ReadView

BREAKER = ("closed", "half_open", "open")


class MayWatch(BasePermission):
    """A token of the right scope, or a superuser who is signed in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None or bool(request.user and request.user.is_superuser)


class MetricsView(ReadView):
    authentication_classes = (MetricsBearer, SessionAuthentication)
    permission_classes = (MayWatch,)  # type: ignore[assignment]

    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry()
        registry.register(Numbers())
        encode, content_type = choose_encoder(request.META.get("HTTP_ACCEPT", ""))
        return HttpResponse(
            encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"}
        )


class Numbers(Collector):
    """The tables as metric families."""

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
        yield from _limits()
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


def _limits() -> Iterator[Metric]:
    running = engine.current()
    budget = running.budget.snapshot()
    yield GaugeMetricFamily("kalshi_budget_level_tokens", "What is left of our share.", value=budget["level"])
    yield GaugeMetricFamily("kalshi_budget_capacity_tokens", "Size of our share.", value=budget["capacity"])
    yield GaugeMetricFamily(
        "kalshi_budget_refill_tokens_per_second", "Speed at which it fills.", value=budget["refill_per_s"]
    )
    breaker = GaugeMetricFamily("kalshi_breaker", "1 for the position that it is in.", labels=["position"])
    position = running.breaker.snapshot()
    for name in BREAKER:
        breaker.add_metric([name], float(name == position))
    yield breaker


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
        memory.add_metric(pid, document["resident_bytes"])
        started.add_metric(pid, document["started_at"])
    yield from (memory, started)
