"""An open session alone changes nothing of how its owner signs in: each form asks for all that signing in asks for."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from kalshi.services import engine, second_factor
from kalshi.tests.sign_in.people import PASSWORD, current_code, signed_in, turn_on, wrong_code

pytestmark = pytest.mark.django_db

NEW = {"new_password1": "q8w7e6r5t4", "new_password2": "q8w7e6r5t4"}
PASSWORD_FORM, ADD = "/you/password/", "/you/second-factor/"
CODES, REMOVE = "/you/recovery-codes/", "/you/second-factor/remove/"
NEITHER, BY_PASSWORD, BY_CODE, BOTH = (False, False), (True, False), (False, True), (True, True)
# By form and by what the person has, a password and a second factor: what the form asks for. The code of ADD is one of
# the new app. What is not here leads back to /you/.
ASKED: dict[tuple[str, tuple[bool, bool]], set[str]] = {
    (PASSWORD_FORM, NEITHER): set(),
    (PASSWORD_FORM, BY_PASSWORD): {"password"},
    (PASSWORD_FORM, BY_CODE): {"code"},
    (PASSWORD_FORM, BOTH): {"password", "code"},
    (ADD, NEITHER): {"code"},
    (ADD, BY_PASSWORD): {"password", "code"},
    (CODES, BY_CODE): {"code"},
    (CODES, BOTH): {"password", "code"},
    (REMOVE, BY_CODE): {"code"},
    (REMOVE, BOTH): {"password", "code"},
}
CASES = [
    (path, has, given)
    for path, has in ASKED
    for given in chain.from_iterable(combinations(("password", "code"), count) for count in range(3))
]
SPENDS_ANOTHER = {"/you/", "/you/sign-out-everywhere/"}


def make(person: Any, has: tuple[bool, bool]) -> list[str]:
    """Give the person what they have, and return the recovery codes."""
    has_password, has_factor = has
    if not has_password:
        person.set_unusable_password()
        person.save()
    return turn_on(person) if has_factor else []


def at_the_page(person: Any) -> Client:
    """Somebody who is offered an app, where none is on."""
    client = signed_in(person)
    client.get(ADD)
    return client


def is_done(client: Client, person: Any, path: str, form: dict[str, str]) -> bool:
    """Whether the form did what it is for."""
    before, was_on = type(person).objects.get(pk=person.pk).password, second_factor.is_on(person)
    client.force_login(person)
    page = client.post(path, form).content.decode()
    done = {
        PASSWORD_FORM: type(person).objects.get(pk=person.pk).password != before,
        ADD: second_factor.is_on(person) and not was_on,
        CODES: page.count("<li><code>") == 10,
        REMOVE: was_on and not second_factor.is_on(person),
    }
    assert sum(done.values()) <= 1 or path == ADD
    return done[path]


@pytest.mark.parametrize(("path", "has", "given"), CASES)
def test_a_form_does_what_it_is_for_with_all_that_it_asks_for_and_not_with_less(
    person: Any, path: str, has: tuple[bool, bool], given: tuple[str, ...]
) -> None:
    make(person, has)
    client = at_the_page(person)
    right = {"password": PASSWORD, "code": current_code(person)}
    form = NEW | {name: right[name] for name in given}
    assert is_done(client, person, path, form) is (ASKED[path, has] <= set(given))


@pytest.mark.parametrize(
    ("path", "has", "wrong"), [(*case, one) for case, all_ in ASKED.items() for one in sorted(all_)]
)
def test_nothing_wrong_is_taken_for_what_is_asked_for(
    person: Any, path: str, has: tuple[bool, bool], wrong: str
) -> None:
    make(person, has)
    client = at_the_page(person)
    no_code = wrong_code(person)
    right = {"password": PASSWORD, "code": current_code(person)}
    form = NEW | right | {wrong: {"password": "wrong", "code": no_code}[wrong]}
    assert not is_done(client, person, path, form)


@pytest.mark.parametrize("path", [PASSWORD_FORM, CODES, REMOVE])
@pytest.mark.parametrize("has", [BY_CODE, BOTH])
def test_a_recovery_code_is_as_good_as_one_of_the_app(person: Any, path: str, has: tuple[bool, bool]) -> None:
    code = make(person, has)[0]
    assert is_done(Client(), person, path, NEW | {"password": PASSWORD, "code": code})


@pytest.mark.parametrize("mistake", [{"password": "wrong"}, {"new_password2": "another one"}])
def test_a_form_with_another_mistake_spends_no_code(person: Any, mistake: dict[str, str]) -> None:
    code = make(person, BOTH)[0]
    form = NEW | {"password": PASSWORD, "code": code}
    assert not is_done(Client(), person, PASSWORD_FORM, form | mistake)
    assert second_factor.recovery_codes_left(person) == 10
    assert is_done(Client(), person, PASSWORD_FORM, form)


@pytest.mark.parametrize(("path", "has"), ASKED)
def test_a_page_shows_a_field_for_all_that_it_asks_for_and_for_nothing_else(
    person: Any, path: str, has: tuple[bool, bool]
) -> None:
    make(person, has)
    client = Client()
    client.force_login(person)
    page = client.get(path).content.decode()
    assert {name for name in ("password", "code") if f'name="{name}"' in page} == ASKED[path, has]


@pytest.mark.parametrize("has", [NEITHER, BY_PASSWORD, BY_CODE, BOTH])
def test_every_page_about_oneself_stands_in_the_table(person: Any, has: tuple[bool, bool]) -> None:
    make(person, has)
    client = Client()
    client.force_login(person)
    routes = [f"/{one.pattern}" for one in get_resolver("kalshi.page_urls").url_patterns]
    for path in {route for route in routes if route.startswith("/you/")} - SPENDS_ANOTHER:
        asked = ASKED.get((path, has))
        answer = client.get(path)
        assert (answer.status_code, answer.get("Location")) == (
            (302, "/you/") if asked is None else (200, None)
        )


def test_an_owner_who_came_by_the_first_link_keeps_the_second_factor(person: Any) -> None:
    """Whoever finds that session open cannot set a password and take the factor away with it."""
    person.is_superuser = True
    person.save()
    make(person, BY_CODE)
    found = Client()
    found.force_login(person)
    found.post(PASSWORD_FORM, NEW)
    for path in (CODES, REMOVE, f"/admin/auth/user/{person.pk}/second-factor/"):
        assert "<li><code>" not in found.post(path, {"password": NEW["new_password1"]}).content.decode()
    own = f"/admin/auth/user/{person.pk}/password/"
    passwords = {
        "password1": NEW["new_password1"],
        "password2": NEW["new_password1"],
        "usable_password": "true",
    }
    assert found.get(own)["Location"] == found.post(own, passwords)["Location"] == PASSWORD_FORM
    assert second_factor.is_on(person)
    assert second_factor.recovery_codes_left(person) == 10
    assert not type(person).objects.get(pk=person.pk).has_usable_password()


def test_a_superuser_still_helps_others_who_lost_everything(person: Any, django_user_model: Any) -> None:
    make(person, BOTH)
    root = Client()
    root.force_login(django_user_model.objects.create_superuser("root"))
    engine.close()
    assert root.post(f"/admin/auth/user/{person.pk}/second-factor/").status_code == 302
    assert not second_factor.is_on(person)
