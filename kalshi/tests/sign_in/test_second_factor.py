"""Signing in with a second factor, adding it and removing it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp

from kalshi.models import Authenticator, SignInCode
from kalshi.services import second_factor
from kalshi.services.audit import Action
from kalshi.tests.sign_in.people import (
    PASSWORD,
    current_code,
    is_signed_in,
    key_of,
    told,
    try_password,
    wrong_code,
)
from kalshi.views import attempts

pytestmark = pytest.mark.django_db


def test_with_a_second_factor_the_password_alone_opens_nothing(person: Any, codes: list[str]) -> None:
    client = Client()
    assert try_password(client)["Location"] == "/sign-in/code/"
    for path in ("/", "/admin/", "/you/", "/you/second-factor/remove/", "/audit.csv"):
        assert client.get(path, follow=True).redirect_chain[-1][0].startswith("/sign-in/?next="), path
    assert client.get("/api/v1/status").status_code == 401
    assert told(Action.SIGNED_IN) == []

    answer = client.post("/sign-in/code/", {"code": current_code(person)})
    assert answer["Location"] == "/"
    assert is_signed_in(client)
    assert told(Action.SIGNED_IN)[0].details == {"with": "password", "second factor": True}


def test_signing_in_with_a_code_leads_where_the_person_wanted_to_go(person: Any, codes: list[str]) -> None:
    client = Client()
    client.post("/sign-in/", {"username": "trader", "password": PASSWORD, "next": "/you/"})
    assert client.post("/sign-in/code/", {"code": current_code(person)})["Location"] == "/you/"


def test_a_wrong_code_is_refused_recorded_and_slows_the_next_one_down(person: Any, codes: list[str]) -> None:
    client = Client()
    try_password(client)
    answer = client.post("/sign-in/code/", {"code": wrong_code(person)})
    assert "This code is not right" in answer.content.decode()
    assert told(Action.SECOND_FACTOR_FAILED)[0].target == "trader"
    Authenticator.objects.update(throttling_failure_count=6, throttling_failure_timestamp=timezone.now())
    code = f"{totp(key_of(Authenticator.objects.get())):06d}"
    again = client.post("/sign-in/code/", {"code": code})
    assert again.status_code == 429
    assert 25 <= int(again["Retry-After"]) <= 32
    assert "Too many wrong codes" in again.content.decode()
    assert not is_signed_in(client)


def test_a_code_is_good_once(person: Any, codes: list[str]) -> None:
    first, second, code = Client(), Client(), current_code(person)
    for client in (first, second):
        try_password(client)
        client.post("/sign-in/code/", {"code": code})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


@pytest.mark.parametrize("spelling", [str, str.upper, lambda code: code.replace("-", " ")])
def test_a_recovery_code_signs_in_once(person: Any, codes: list[str], spelling: Any) -> None:
    assert len(set(codes)) == 10
    for expected in (True, False):
        client = Client()
        try_password(client)
        client.post("/sign-in/code/", {"code": spelling(codes[3])})
        assert is_signed_in(client) is expected
    assert second_factor.recovery_codes_left(person) == 9
    assert told(Action.RECOVERY_CODE_USED)[0].details["left"] == 9


def test_recovery_codes_stay_good_whoever_tries_wrong_codes_elsewhere(person: Any, codes: list[str]) -> None:
    guesser, owner = Client(REMOTE_ADDR="192.0.2.1"), Client(REMOTE_ADDR="192.0.2.2")
    wrong = [wrong_code(person), "abcdef-ghjkmn"] * 7
    for client in (guesser, owner):
        try_password(client)
    for code in wrong:
        assert "code" in guesser.post("/sign-in/code/", {"code": code}).content.decode()
    refused = owner.post("/sign-in/code/", {"code": f"{totp(key_of(Authenticator.objects.get())):06d}"})
    assert refused.status_code == 429
    assert "or use a recovery code" in refused.content.decode()
    assert owner.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/"
    assert is_signed_in(owner)
    assert len(told(Action.SECOND_FACTOR_FAILED)) == 15


def test_recovery_codes_cannot_be_guessed_faster_than_passwords(
    person: Any, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 4)
    monkeypatch.setattr(attempts, "ATTEMPTS_PER_S", 0.001)
    client = Client(REMOTE_ADDR="192.0.2.1")
    try_password(client)
    tried = [client.post("/sign-in/code/", {"code": f"abcdef-{number}"}).status_code for number in range(4)]
    assert tried == [200] * 3 + [429]
    assert client.post("/sign-in/code/", {"code": codes[0]}).status_code == 429
    assert not is_signed_in(client)


def test_a_link_asks_for_the_code_too_but_not_for_a_superuser(person: Any, codes: list[str]) -> None:
    client = Client()
    link = reverse("sign-in-link", args=[SignInCode.issue(person)])
    assert client.post(link)["Location"] == "/sign-in/code/"
    assert not is_signed_in(client)
    person.is_superuser = True
    person.save()
    client.post(reverse("sign-in-link", args=[SignInCode.issue(person)]))
    assert is_signed_in(client)


def test_adding_one_needs_the_password_and_a_right_code_and_ends_other_sessions(person: Any) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        try_password(client)
    html = here.get("/you/second-factor/").content.decode()
    assert "<svg" in html and "style=" not in html
    spelled = re.search(r"<code>([A-Z2-7 ]+)</code>", html)
    assert spelled and len(spelled[1].replace(" ", "")) == 32

    code = current_code(person)
    for form in ({"code": code, "password": "wrong"}, {"code": wrong_code(person), "password": PASSWORD}):
        here.post("/you/second-factor/", form)
        assert not second_factor.is_on(person)
    Authenticator.objects.update(throttling_failure_count=0)
    answer = here.post("/you/second-factor/", {"code": current_code(person), "password": PASSWORD})
    assert len(re.findall(r"<li><code>[a-z2-9]{6}-[a-z2-9]{6}</code>", answer.content.decode())) == 10
    assert "no-store" in answer["Cache-Control"]
    assert second_factor.is_on(person)
    assert (is_signed_in(here), is_signed_in(elsewhere)) == (True, False)
    assert [event.actor for event in told(Action.SECOND_FACTOR_ADDED)] == ["trader"]


def test_it_is_removed_with_the_password_and_a_code(person: Any, codes: list[str]) -> None:
    client = Client()
    client.force_login(person)
    client.post("/you/second-factor/remove/", {"password": PASSWORD})
    assert second_factor.is_on(person)
    client.post("/you/second-factor/remove/", {"password": PASSWORD, "code": codes[0]})
    assert not second_factor.is_on(person)
    assert second_factor.recovery_codes_left(person) == 0
    assert [event.target for event in told(Action.SECOND_FACTOR_REMOVED)] == ["trader"]


def test_somebody_without_a_password_confirms_with_a_code(person: Any, codes: list[str]) -> None:
    person.set_unusable_password()
    person.save()
    client = Client()
    client.force_login(person)
    client.post("/you/recovery-codes/", {"code": wrong_code(person)})
    assert second_factor.verify(person, codes[0])
    html = client.post("/you/recovery-codes/", {"code": current_code(person)}).content.decode()
    assert html.count("<li><code>") == 10
    assert not second_factor.verify(person, codes[1])


def test_nobody_without_a_second_factor_gets_recovery_codes(person: Any) -> None:
    client = Client()
    client.force_login(person)
    assert client.post("/you/recovery-codes/", {"password": PASSWORD})["Location"] == "/you/"
    assert second_factor.recovery_codes_left(person) == 0
