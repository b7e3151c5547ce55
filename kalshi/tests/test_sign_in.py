"""Signing in with a second factor, being slowed down, and signing out everywhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp

from kalshi import conf
from kalshi.accounts import recovery
from kalshi.models import ApiToken, AuditEvent, Authenticator, SignInCode
from kalshi.services import authenticator_keys, engine, first_step, second_factor
from kalshi.services.audit import Action
from kalshi.views import sign_in

pytestmark = pytest.mark.django_db

PASSWORD = "a long password for tests"


@pytest.fixture(autouse=True)
def _nobody_tried() -> Iterator[None]:
    engine.close()
    yield
    engine.close()


@pytest.fixture(autouse=True)
def _sealing(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key ring of this test alone; hashes that take no time."""
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": tmp_path / "key_ring"}
    monkeypatch.setattr(recovery, "COST", 2)


@pytest.fixture
def person(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("trader", password=PASSWORD, is_staff=True)


@pytest.fixture
def codes(person: Any) -> list[str]:
    """The recovery codes of a person whose second factor is on."""
    found = second_factor.confirm(person, current_code(person))
    assert found is not None
    return found


def current_code(person: Any) -> str:
    """What the app shows now, as if no code had been used in these 30 seconds."""
    Authenticator.objects.filter(user=person).update(last_t=-1, throttling_failure_count=0)
    if not Authenticator.objects.filter(user=person).exists():
        second_factor.offered(person)
    return f"{totp(key_of(Authenticator.objects.get(user=person))):06d}"


def key_of(device: Authenticator) -> bytes:
    return authenticator_keys.opened(device, conf.setup())


def wrong_code(person: Any) -> str:
    return f"{(int(current_code(person)) + 1) % 1_000_000:06d}"


def try_password(client: Client, password: str = PASSWORD, name: str = "trader", **options: Any) -> Any:
    return client.post("/sign-in/", {"username": name, "password": password}, **options)


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def told(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


# The second factor


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


def test_it_is_removed_with_the_password(person: Any, codes: list[str]) -> None:
    client = Client()
    client.force_login(person)
    client.post("/you/second-factor/remove/", {"password": "wrong"})
    assert second_factor.is_on(person)
    client.post("/you/second-factor/remove/", {"password": PASSWORD})
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


# Guessing


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
    monkeypatch.setattr(sign_in, "ATTEMPTS", 3)
    monkeypatch.setattr(sign_in, "ATTEMPTS_PER_S", 0.01)
    client = Client(REMOTE_ADDR="192.0.2.1")
    answers = [try_password(client, "wrong", name=f"name{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert 90 <= int(answers[-1]["Retry-After"]) <= 100
    assert "Try again in 2 minutes" in answers[-1].content.decode()
    try_password(other := Client(REMOTE_ADDR="192.0.2.2"))
    assert is_signed_in(other)


# Passwords and signing out


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
