"""An account gets another key, or is bound to a subaccount, while somebody reads it: nobody sees the money of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kalshi.models import Account, Grant
from kalshi.services import account_keys, read
from kalshi.tests.fakes import FakeExchange
from kalshi.tests.live.granted import key_of_second_account
from kalshi.tests.servers import Sandbox, running

WALK = "fills/?history=true&limit="
PAGE, OTHER_PAGE = 150, 151
"""Each of several pages with either key. Another size is another document, so that nothing kept is handed out."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prime")) as server:
        yield server


@pytest.fixture(autouse=True)
def ring(exchange: FakeExchange, sandbox: Sandbox, settings: Any, tmp_path: Path) -> None:
    settings.KALSHI = {
        "ENVIRONMENT": "sandbox",
        "BASE_URL": sandbox.base_url,
        "KEY_RING_FILE": tmp_path / "key_ring",
    }


def give_key(account: Account, key_id: str, path: str | Path) -> None:
    account.key_id = key_id
    account_keys.seal(account, Path(path).read_bytes())
    account.save()


@pytest.fixture
def fund(sandbox: Sandbox, user: Any) -> Account:
    """An account with the key of the exchange's first account, which the user may see."""
    account = Account(slug="fund", label="Fund", environment="sandbox")
    give_key(account, sandbox.key_ids["rsa"], sandbox.key_path())
    Grant.objects.create(user=user, account=account)
    return account


def ids(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    assert answer.json()["history"]["complete"], answer.json()["history"]
    return {item["fill_id"] for item in answer.json()["fills"]}


@pytest.mark.parametrize("subaccount", [None, 1])
def test_a_walk_stays_with_the_key_that_it_began_with(
    subaccount: int | None,
    sandbox: Sandbox,
    fund: Account,
    api: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = ids(api(f"{WALK}{PAGE}", HTTP_X_KALSHI_ACCOUNT="fund"))
    pages: list[str] = []
    plain_read = read.read

    def changed_after_the_first_page(*arguments: Any, **options: Any) -> Any:
        found = plain_read(*arguments, **options)
        pages.append(found.identity)
        if len(pages) == 1:
            row = Account.objects.get(pk=fund.pk)
            row.subaccount = subaccount
            give_key(row, *key_of_second_account(sandbox))
            api("exchange/status/", HTTP_X_KALSHI_ACCOUNT="fund")
        return found

    monkeypatch.setattr(read, "read", changed_after_the_first_page)
    during = ids(api(f"{WALK}{OTHER_PAGE}", HTTP_X_KALSHI_ACCOUNT="fund"))
    monkeypatch.undo()
    after = ids(api(f"{WALK}{PAGE}", HTTP_X_KALSHI_ACCOUNT="fund"))
    assert len(pages) > 1
    assert during == before
    assert after != before and not after & before
