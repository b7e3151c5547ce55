"""The first of two steps counts for a while, for one password, and for nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from kalshi.models import SignInCode
from kalshi.services import first_step
from kalshi.tests.sign_in.people import current_code, is_signed_in, try_password

pytestmark = pytest.mark.django_db


def test_the_first_step_counts_for_five_minutes_and_for_this_password(
    person: Any, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, changed = Client(), Client()
    try_password(late)
    try_password(changed)
    code = current_code(person)
    with monkeypatch.context() as later:
        now = time.time()
        later.setattr(first_step.time, "time", lambda: now + 301)
        assert late.post("/sign-in/code/", {"code": code})["Location"] == "/sign-in/"
    person.set_password("another long password")
    person.save()
    assert changed.post("/sign-in/code/", {"code": code})["Location"] == "/sign-in/"
    assert Client().get("/sign-in/code/")["Location"] == "/sign-in/"


def _by_command(person: Any) -> None:
    call_command("sign_out", user="trader")


def _by_themselves(person: Any) -> None:
    client = Client()
    client.force_login(person)
    client.post("/you/sign-out-everywhere/")


def _by_an_administrator(person: Any) -> None:
    client = Client()
    client.force_login(type(person).objects.create_superuser("root"))
    assert client.post(f"/admin/auth/user/{person.pk}/sign-out/").status_code == 302


def _by_a_new_password(person: Any) -> None:
    person.set_password("another long password")
    person.save()


def _by_switching_off_and_on_again(person: Any) -> None:
    for is_active in (False, True):
        person.is_active = is_active
        person.save()


def _by_other_rights(person: Any) -> None:
    person.is_superuser = not person.is_superuser
    person.save()


@pytest.mark.parametrize("step", ["password", "link"])
@pytest.mark.parametrize(
    "end",
    [
        _by_command,
        _by_themselves,
        _by_an_administrator,
        _by_a_new_password,
        _by_switching_off_and_on_again,
        _by_other_rights,
    ],
)
def test_what_ends_sessions_ends_half_finished_sign_ins_too(
    person: Any, codes: list[str], step: str, end: Callable[[Any], None]
) -> None:
    client = Client()
    if step == "password":
        try_password(client)
    else:
        client.post(reverse("sign-in-link", args=[SignInCode.issue(person)]))
    assert client.get("/sign-in/code/").status_code == 200
    end(person)
    assert client.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_the_session_of_a_half_finished_sign_in_lasts_no_longer_than_it(
    person: Any, codes: list[str]
) -> None:
    client = Client()
    assert try_password(client).cookies["sessionid"]["max-age"] == 300
    answer = client.post("/sign-in/code/", {"code": codes[0]})
    assert answer.cookies["sessionid"]["max-age"] > 24 * 3600


def test_whoever_is_switched_off_is_not_signed_in_when_switched_on_again(person: Any) -> None:
    client = Client()
    client.force_login(person)
    _by_switching_off_and_on_again(person)
    assert not is_signed_in(client)
