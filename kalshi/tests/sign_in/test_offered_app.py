"""An app that is offered and not confirmed yet: it is of one session, and of some minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kalshi.models import Authenticator
from kalshi.services import second_factor
from kalshi.tests.sign_in.people import PASSWORD, current_code, shown_key, signed_in

ADD = "/you/second-factor/"
NEW = "another long password"


def change_password(client: Client) -> None:
    form = {"password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/you/password/", form)["Location"] == "/you/"


def sign_out_everywhere(client: Client) -> None:
    client.post("/you/sign-out-everywhere/")
    client.force_login(Authenticator.objects.get().user)


def let_it_grow_old(client: Client) -> None:
    Authenticator.objects.update(created_at=timezone.now() - timedelta(seconds=second_factor.OFFERED_S + 1))


def set_the_clock_back(client: Client) -> None:
    Authenticator.objects.update(created_at=timezone.now() + timedelta(hours=1))


def test_a_page_that_is_opened_again_shows_the_same_key(person: Any) -> None:
    client = signed_in(person)
    assert shown_key(client) == shown_key(client)


def test_what_one_browser_was_shown_is_not_offered_to_another(person: Any) -> None:
    thief, owner = signed_in(person), signed_in(person)
    assert shown_key(thief) != shown_key(owner)
    code = current_code(person)
    thief.post(ADD, {"password": PASSWORD, "code": code})
    assert not second_factor.is_on(person)


@pytest.mark.parametrize("after", [change_password, sign_out_everywhere, let_it_grow_old, set_the_clock_back])
def test_a_key_is_made_anew(person: Any, after: Callable[[Client], None]) -> None:
    client = signed_in(person)
    before = shown_key(client)
    after(client)
    assert shown_key(client) != before


def test_a_key_that_counts_no_more_is_not_turned_on_and_the_page_says_so(person: Any) -> None:
    client = signed_in(person)
    before = shown_key(client)
    code = current_code(person)
    let_it_grow_old(client)
    page = client.post(ADD, {"password": PASSWORD, "code": code}).content.decode()
    assert "counts no more" in page and before not in page
    assert not second_factor.is_on(person)
    answer = client.post(ADD, {"password": PASSWORD, "code": current_code(person)})
    assert second_factor.is_on(person), answer.content.decode()


def test_a_page_that_is_opened_while_the_key_is_turned_on_shows_no_other(
    person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(person)
    key = shown_key(client)
    form = {"password": PASSWORD, "code": current_code(person)}
    client.post(ADD, form)
    assert second_factor.is_on(person)
    monkeypatch.setattr(second_factor, "is_on", lambda _: False)  # as the page found when it was asked for
    page = client.get(ADD)
    assert page.status_code == 503
    assert "Open this page again" in page.content.decode() and key not in page.content.decode()


def test_pressing_the_button_twice_turns_it_on_once(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(person)
    shown_key(client)
    confirm = second_factor.confirm

    def after_the_first_press(*arguments: Any) -> Any:
        confirm(*arguments)
        return confirm(*arguments)

    monkeypatch.setattr(second_factor, "confirm", after_the_first_press)
    answer = client.post(ADD, {"password": PASSWORD, "code": current_code(person)})
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/you/")
    assert Authenticator.objects.filter(user=person, confirmed=True).count() == 1
