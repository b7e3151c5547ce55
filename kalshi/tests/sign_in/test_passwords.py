"""Setting passwords, and signing out everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from kalshi.models import ApiToken, SignInCode
from kalshi.services import second_factor
from kalshi.services.audit import Action
from kalshi.tests.sign_in.people import PASSWORD, is_signed_in, told, try_password

pytestmark = pytest.mark.django_db


def test_changing_the_password_keeps_this_session_and_ends_the_others(person: Any) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        try_password(client)
    form = {"password": PASSWORD, "new_password1": "q8w7e6r5t4", "new_password2": "q8w7e6r5t4"}
    assert here.post("/you/password/", form)["Location"] == "/you/"
    assert (is_signed_in(here), is_signed_in(elsewhere)) == (True, False)
    assert "Your password is saved" in here.get("/you/").content.decode()
    assert told(Action.PASSWORD_CHANGED)[0].actor == "trader"


def test_who_came_by_link_sets_a_first_password(person: Any) -> None:
    person.set_unusable_password()
    person.save()
    client = Client()
    client.post(reverse("sign-in-link", args=[SignInCode.issue(person)]))
    assert "Set a password" in client.get("/you/password/").content.decode()
    weak = {"new_password1": "12345678", "new_password2": "12345678"}
    assert "too common" in client.post("/you/password/", weak).content.decode()
    client.post("/you/password/", {"new_password1": "q8w7e6r5t4", "new_password2": "q8w7e6r5t4"})
    try_password(fresh := Client(), "q8w7e6r5t4")
    assert is_signed_in(fresh)


@pytest.mark.parametrize("credentials", [True, False])
def test_signing_out_everywhere_ends_all_sessions_and_links(
    person: Any, django_user_model: Any, credentials: bool
) -> None:
    ApiToken.objects.create(person, name="notebook")
    here, elsewhere, somebody_else = Client(), Client(), Client()
    for client in (here, elsewhere):
        try_password(client)
    somebody_else.force_login(django_user_model.objects.create_user("eve"))
    link = reverse("sign-in-link", args=[SignInCode.issue(person)])

    answer = here.post("/you/sign-out-everywhere/", {"credentials": "on"} if credentials else {})
    assert answer["Location"] == "/sign-in/"
    assert answer["Clear-Site-Data"] == '"cache"'
    assert [is_signed_in(client) for client in (here, elsewhere, somebody_else)] == [False, False, True]
    assert Client().post(link).status_code == 410
    assert ApiToken.objects.exists() is not credentials
    assert told(Action.SIGNED_OUT_EVERYWHERE)[0].actor == "trader"


def test_an_administrator_signs_somebody_out_from_the_shell(person: Any, codes: list[str]) -> None:
    client = Client()
    client.force_login(person)
    call_command("sign_out", user="trader")
    assert not is_signed_in(client)
    assert second_factor.is_on(person)
    call_command("sign_out", user="trader", factor=True)
    assert not second_factor.is_on(person)
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("sign_out", user="nobody")
