"""Whoever guesses is slowed down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kalshi.models import AuditEvent, SignInCode
from kalshi.services.audit import Action
from kalshi.tests.sign_in.people import PASSWORD, is_signed_in, told, try_password, turn_on
from kalshi.views import attempts

pytestmark = pytest.mark.django_db


def test_after_six_failures_the_name_is_refused_from_this_address_only(person: Any) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    for _ in range(5):
        assert try_password(client, "wrong").status_code == 200
    answer = try_password(client, "wrong")
    assert answer.status_code == 429
    assert 590 <= int(answer["Retry-After"]) <= 600
    assert "Try again in 10 minutes" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert try_password(client).status_code == 429
    assert not is_signed_in(client)

    elsewhere = Client(REMOTE_ADDR="192.0.2.2")
    try_password(elsewhere)
    assert is_signed_in(elsewhere)
    by_link = Client(REMOTE_ADDR="192.0.2.1")
    by_link.post(reverse("sign-in-link", args=[SignInCode.issue(person)]))
    assert is_signed_in(by_link)
    failed = told(Action.SIGN_IN_FAILED)
    assert [(event.target, event.address) for event in failed] == [("trader", "192.0.2.1")] * 6
    assert [event.target for event in told(Action.SIGN_IN_LOCKED)] == ["trader"]
    assert "wrong" not in str(list(AuditEvent.objects.values()))


def test_attempts_while_locked_do_not_prolong_it(person: Any) -> None:
    client = Client()
    for _ in range(6):
        try_password(client, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=9))
    assert int(try_password(client, "wrong")["Retry-After"]) <= 60
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=11))
    try_password(client)
    assert is_signed_in(client)


def test_passwords_cannot_be_guessed_behind_an_open_session_either(person: Any) -> None:
    client = Client()
    client.force_login(person)
    form = {"password": "wrong", "new_password1": "q8w7e6r5t4", "new_password2": "q8w7e6r5t4"}
    statuses = [client.post("/you/password/", form).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_one_address_may_not_try_many_names_quickly(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 3)
    monkeypatch.setattr(attempts, "ATTEMPTS_PER_S", 0.01)
    client = Client(REMOTE_ADDR="192.0.2.1")
    answers = [try_password(client, "wrong", name=f"name{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert 90 <= int(answers[-1]["Retry-After"]) <= 100
    assert "Try again in 2 minutes" in answers[-1].content.decode()
    try_password(other := Client(REMOTE_ADDR="192.0.2.2"))
    assert is_signed_in(other)


def test_the_addresses_of_one_ipv6_network_are_one_for_the_lock_of_a_name(person: Any) -> None:
    def statuses(network: str, password: str) -> list[int]:
        clients = [Client(REMOTE_ADDR=f"{network}::{number:x}") for number in range(1, 8)]
        return [try_password(client, password).status_code for client in clients]

    assert statuses("2001:db8:1:2", "wrong") == [200] * 5 + [429] * 2
    assert 590 <= int(try_password(Client(REMOTE_ADDR="2001:db8:1:2::ffff"), "wrong")["Retry-After"]) <= 600
    assert set(statuses("2001:db8:1:3", PASSWORD)) == {302}
    assert [event.address for event in told(Action.SIGN_IN_LOCKED)] == ["2001:db8:1:2::6"]


def test_the_addresses_of_one_ipv6_network_share_their_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ATTEMPTS", 3)
    monkeypatch.setattr(attempts, "ATTEMPTS_PER_S", 0.01)
    tried = [
        try_password(Client(REMOTE_ADDR=f"2001:db8::{number:x}"), "wrong", name=f"name{number}")
        for number in range(1, 5)
    ]
    assert [answer.status_code for answer in tried] == [200] * 3 + [429]


FORMS = ["/you/password/", "/you/second-factor/", "/you/second-factor/remove/", "/you/recovery-codes/"]


@pytest.mark.parametrize("path", FORMS)
def test_who_is_signed_in_has_few_attempts_and_leaves_those_of_the_others(
    person: Any, path: str, django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "OF_PERSON_PER_S", 0.01)
    if path.endswith(("remove/", "codes/")):
        turn_on(person)
    django_user_model.objects.create_user("other", password=PASSWORD)
    client = Client()
    client.force_login(person)
    # Right passwords, which no lock stops, and nothing that is saved.
    form = {
        "password": PASSWORD,
        "new_password1": "q8w7e6r5t4",
        "new_password2": "differs",
        "code": "nonsense",
    }
    answers = [client.post(path, form) for _ in range(40)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 30
    refused = answers[-1]
    assert 90 <= int(refused["Retry-After"]) <= 100
    assert "Try again in 2 minutes" in refused.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    elsewhere.force_login(person)
    assert elsewhere.post(path, form).status_code == 429
    assert client.get(path).status_code == 200
    assert client.get("/you/").status_code == 200
    assert try_password(Client(), name="other").status_code == 302


def test_half_a_sign_in_uses_up_nothing_of_the_person(person: Any, codes: list[str]) -> None:
    guesser, owner = Client(REMOTE_ADDR="192.0.2.1"), Client(REMOTE_ADDR="192.0.2.2")
    try_password(guesser)
    for _ in range(40):
        guesser.post("/sign-in/code/", {"code": "nonsense"})
    try_password(owner)
    assert owner.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/"
    form = {
        "password": PASSWORD,
        "new_password1": "q8w7e6r5t4",
        "new_password2": "q8w7e6r5t4",
        "code": codes[1],
    }
    assert owner.post("/you/password/", form)["Location"] == "/you/"
