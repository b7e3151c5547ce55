"""What each account is read with, and what accounts share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from kalshi import conf
from kalshi.errors import Forbidden, NoCredentials
from kalshi.kalshi_client import get_client
from kalshi.models import Account
from kalshi.services import account_keys, engine, subaccounts
from kalshi.tests.private_keys import new_pem
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.hosts import REST_BASE
from kalshi.upstream.params import Call


@pytest.fixture(autouse=True)
def ring(exchange: Any, settings: Any, tmp_path: Path) -> None:
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": tmp_path / "key_ring"}


def an_account(
    slug: str, *, key_id: str = "", environment: str = "demo", subaccount: int | None = None
) -> Account:
    account = Account(
        slug=slug, label=slug, environment=environment, key_id=key_id or f"key-{slug}", subaccount=subaccount
    )
    account_keys.seal(account, new_pem().encode())
    account.save()
    return account


def a_call(operation: str, *query: tuple[str, str]) -> Call:
    return params.validate(ENDPOINTS[operation], query, {}, api=True)


def test_the_default_account_is_that_of_the_settings() -> None:
    assert engine.of(None) is engine.of(Account.objects.get(from_environment=True)) is engine.current()


def test_accounts_have_clients_budgets_and_cache_keys_of_their_own_and_share_the_rest() -> None:
    one, other = engine.of(an_account("one")), engine.of(an_account("other"))
    assert one is not other
    assert one.client is not other.client
    assert one.budget is not other.budget
    assert one.breakers is not other.breakers
    assert one.breakers.host is other.breakers.host
    assert one.cache is other.cache is engine.current().cache
    call = a_call("get_balance")
    keys = {engine.key_of(running, call) for running in (one, other, engine.current())}
    assert len(keys) == 3
    public = a_call("get_exchange_status")
    assert engine.key_of(one, public) == engine.key_of(other, public)


def test_two_accounts_with_one_key_share_its_budget_and_no_answers() -> None:
    one = engine.of(an_account("one", key_id="same", subaccount=1))
    other = engine.of(an_account("other", key_id="same", subaccount=2))
    assert one.budget is other.budget
    call = a_call("get_balance")
    assert engine.key_of(one, call) != engine.key_of(other, call)


def test_environments_never_mix() -> None:
    demo, prod = engine.of(an_account("demo")), engine.of(an_account("prod", environment="prod"))
    assert prod.setup.base_url == REST_BASE["prod"]
    assert prod.breakers.host is not demo.breakers.host
    public = a_call("get_exchange_status")
    assert engine.key_of(prod, public) != engine.key_of(demo, public)
    assert "kalshi.com" in engine.key_of(prod, public)


def test_an_account_of_an_exchange_that_is_not_here_is_refused() -> None:
    with pytest.raises(NoCredentials):
        engine.of(an_account("play", environment="sandbox"))


def test_a_sandbox_account_never_goes_to_a_real_exchange(settings: Any) -> None:
    settings.KALSHI = settings.KALSHI | {"ENVIRONMENT": "sandbox"}
    with pytest.raises(NoCredentials):
        engine.of(an_account("play", environment="sandbox"))
    settings.KALSHI = settings.KALSHI | {"BASE_URL": "http://127.0.0.1:8001/trade-api/v2"}
    running = engine.of(an_account("again", environment="sandbox"))
    assert running.setup.base_url == "http://127.0.0.1:8001/trade-api/v2"


def give_another_key(account: Account) -> None:
    account.key_id = "another"
    account_keys.seal(account, new_pem().encode())
    account.save()


def key_id(account: Account) -> str:
    credentials = engine.of(account).credentials
    assert credentials is not None
    return credentials.key_id


def test_a_row_that_changed_gets_a_new_engine_and_an_older_copy_of_it_keeps_its_own() -> None:
    account = an_account("fund")
    old_row = Account.objects.get(pk=account.pk)
    first = engine.of(account)
    assert engine.of(Account.objects.get(pk=account.pk)) is first
    give_another_key(account)
    second = engine.of(account)
    assert (key_id(account), key_id(old_row)) == ("another", "key-fund")
    assert engine.of(account) is second, "whoever comes with the older copy does not take the engine away"
    account.label = "Another label"
    account.save()
    assert engine.of(account) is second


def test_a_new_key_counts_also_for_an_account_that_was_saved_while_the_clock_was_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = an_account("fund")
    Account.objects.update(updated_at=timezone.now() + timedelta(hours=1))
    assert key_id(Account.objects.get(pk=account.pk)) == "key-fund"
    give_another_key(account)
    ended: list[str] = []
    monkeypatch.setattr(engine.shared().cache, "close_lane", ended.append)
    conf.forget()
    assert key_id(Account.objects.get(pk=account.pk)) == "another"
    assert ended == [str(account.uid)]


def test_the_engine_of_an_account_that_is_gone_is_ended_with_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = []
    gone, stays = an_account("gone"), an_account("stays")
    lane = engine.of(gone).lane
    cache = engine.of(stays).cache
    monkeypatch.setattr(cache, "close_lane", ended.append)
    gone.delete()
    conf.forget()
    engine.of(stays)
    assert ended == [lane]


def test_the_number_of_engines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_ENGINES", 2)
    accounts = [an_account(f"account-{number}") for number in range(3)]
    conf.forget()
    first, second, _ = [engine.of(account) for account in accounts]
    assert engine.of(accounts[1]) is second
    assert engine.of(accounts[0]) is not first


def test_the_python_client_of_an_account_that_is_switched_off_reads_nothing() -> None:
    account = an_account("fund")
    client = get_client(account)
    Account.objects.filter(pk=account.pk).update(enabled=False)
    with pytest.raises(Forbidden, match="switched off"):
        client.get_balance()


def test_a_subaccount_is_asked_for_by_itself() -> None:
    account = an_account("third", subaccount=3)
    for query in ((), (("subaccount", "3"),)):
        assert ("subaccount", "3") in subaccounts.within(a_call("get_balance", *query), account).params
    with pytest.raises(Forbidden, match="shows no other"):
        subaccounts.within(a_call("get_balance", ("subaccount", "0")), account)
    public = a_call("get_exchange_status")
    assert subaccounts.within(public, account) is public
    whole = a_call("get_balance")
    assert subaccounts.within(whole, an_account("all")) is whole


def test_no_signed_operation_shows_more_than_the_subaccount() -> None:
    account = an_account("third", subaccount=0)
    for endpoint in ENDPOINTS.values():
        if not endpoint.signed:
            continue
        call = Call(endpoint, endpoint.path, ())
        try:
            bound = subaccounts.within(call, account)
        except Forbidden:
            assert all(param.name != "subaccount" for param in endpoint.query_params)
        else:
            assert ("subaccount", "0") in bound.params
