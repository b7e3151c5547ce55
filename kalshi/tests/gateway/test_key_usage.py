"""When and how often a key was used: told without a write in any request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kalshi.models import AuditEvent, VirtualKey
from kalshi.services.key_usage import usage
from kalshi.tests.gateway.signing import ROOT, Signer, create_at, get
from kalshi.tests.servers import Gateway

Ask = Callable[..., Any]
BALANCE = f"{ROOT}/portfolio/balance"


@pytest.fixture(autouse=True)
def nothing_noted(db: None) -> None:
    usage.write()


def test_uses_are_counted_and_written_later(ask: Ask, signer: Signer) -> None:
    before = timezone.now()
    ask("/portfolio/balance")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            assert ask("/portfolio/balance").status_code == 200
    assert not [one["sql"] for one in queries if not one["sql"].startswith("SELECT")]
    assert VirtualKey.objects.get(key_id=signer.key_id).used_count == 0
    usage.write()
    row = VirtualKey.objects.get(key_id=signer.key_id)
    assert row.used_count == 4 and row.last_used_at is not None
    assert before <= row.last_used_at <= timezone.now()
    usage.write()
    assert VirtualKey.objects.get(key_id=signer.key_id).used_count == 4


def test_a_use_from_before_the_clock_was_set_back_gives_way(ask: Ask, signer: Signer) -> None:
    ahead = timezone.now() + timedelta(days=1)
    VirtualKey.objects.filter(key_id=signer.key_id).update(last_used_at=ahead)
    ask("/portfolio/balance")
    usage.write()
    row = VirtualKey.objects.get(key_id=signer.key_id)
    assert row.last_used_at is not None and row.last_used_at < ahead - timedelta(hours=23)


def test_refused_requests_are_no_use(ask: Ask, signer: Signer) -> None:
    ask("/portfolio/balance", HTTP_KALSHI_ACCESS_SIGNATURE="AAAA")
    usage.write()
    assert VirtualKey.objects.get(key_id=signer.key_id).used_count == 0


def test_what_cannot_be_written_is_not_lost(
    ask: Ask, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("/portfolio/balance")

    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update", fail)
        usage.write()
    ask("/portfolio/balance")
    usage.write()
    assert VirtualKey.objects.get(key_id=signer.key_id).used_count == 2


def test_an_older_use_never_hides_a_later_one(ask: Ask, signer: Signer) -> None:
    ask("/portfolio/balance")
    later = timezone.now()
    VirtualKey.objects.filter(key_id=signer.key_id).update(last_used_at=later)
    usage.write()
    assert VirtualKey.objects.get(key_id=signer.key_id).last_used_at == later


def test_the_first_use_from_an_address_is_told_in_the_audit_log(ask: Ask, signer: Signer) -> None:
    for address in ("192.0.2.7", "192.0.2.7", "198.51.100.9"):
        ask("/portfolio/balance", REMOTE_ADDR=address)
    told = AuditEvent.objects.filter(
        action="new-address", target=f"bot of ada (***{signer.key_id[-4:]})"
    ).order_by("id")
    assert {event.account for event in told} == {"default"}
    assert [event.address for event in told] == ["192.0.2.7", "198.51.100.9"]
    assert {event.actor for event in told} == {"ada"}


def test_a_server_that_stops_writes_what_it_noted(sandbox: Any, tmp_path: Any) -> None:
    gateway = Gateway(tmp_path, **sandbox.environment())
    try:
        signer = create_at(gateway, "--type", "ed25519")
        for _ in range(5):
            assert get(gateway, signer, BALANCE).status_code == 200
    finally:
        gateway.stop()
    assert '"used_count": 5' in gateway.manage("keys", "list", "--json")
