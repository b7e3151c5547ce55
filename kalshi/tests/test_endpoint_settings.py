"""The admin's settings of endpoints: refused when out of range, in force soon when saved."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from kalshi import conf
from kalshi.models import EndpointPolicy, PolicyGeneration
from kalshi.upstream.endpoints import ENDPOINTS


@pytest.fixture
def admin_site(db, admin_user) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


def row(operation: str = "get_balance") -> EndpointPolicy:
    return EndpointPolicy.objects.get(operation=operation)


def change(client: Client, policy: EndpointPolicy, **fields):
    form = {"fresh_s": "", "keep_s": "", "patience_s": "", "enabled": "on"} | fields
    if form["enabled"] is None:
        del form["enabled"]
    return client.post(f"/admin/kalshi/endpointpolicy/{policy.pk}/change/", form)


@pytest.mark.django_db
def test_every_endpoint_of_our_api_has_a_row() -> None:
    wanted = {e.operation for e in ENDPOINTS.values() if e.route}
    assert set(EndpointPolicy.objects.values_list("operation", flat=True)) == wanted


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"fresh_s": "0"}, "greater than or equal to 1"),
        ({"fresh_s": "86401"}, "less than or equal to 86400"),
        ({"fresh_s": "-5"}, "greater than or equal to"),
        ({"fresh_s": "soon"}, "whole number"),
        ({"keep_s": "2592001"}, "less than or equal to 2592000"),
        ({"fresh_s": "9" * 400}, "less than or equal to 86400"),
        ({"keep_s": "9" * 400}, "less than or equal to 2592000"),
        ({"keep_s": "59"}, "shorter than fresh (60 s)"),
        ({"fresh_s": "100", "keep_s": "99"}, "shorter than fresh (100 s)"),
        ({"patience_s": "10.5"}, "less than or equal to 10"),
        ({"patience_s": "-0.1"}, "greater than or equal to 0"),
        ({"patience_s": "nan"}, "Enter a number"),
    ],
)
def test_the_admin_refuses_a_value_out_of_range_with_the_reason(admin_site, fields, reason) -> None:
    before = PolicyGeneration.current()
    answer = change(admin_site, row(), **fields)
    assert answer.status_code == 200
    assert reason in answer.content.decode().replace("&lt;", "<")
    assert PolicyGeneration.current() == before


def test_a_saved_setting_is_in_force_within_two_seconds(admin_site, exchange, api, monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(conf.time, "monotonic", lambda: now[0])
    conf.forget()
    assert "max-age=60," in api("balance/")["Cache-Control"]
    assert change(admin_site, row(), fresh_s="7", keep_s="70").status_code == 302
    now[0] += 2.0
    assert api("balance/")["Cache-Control"] == "private, max-age=7, stale-if-error=70"


def test_an_endpoint_that_is_switched_off_answers_503(admin_site, exchange, api) -> None:
    change(admin_site, row(), enabled=None)
    conf.forget()
    answer = api("balance/")
    assert (answer.status_code, answer.json()["code"]) == (503, "endpoint_off")
    assert exchange.account_calls == []


def test_rows_can_be_neither_added_nor_deleted(admin_site) -> None:
    assert admin_site.get("/admin/kalshi/endpointpolicy/add/").status_code == 403
    assert admin_site.post(f"/admin/kalshi/endpointpolicy/{row().pk}/delete/").status_code == 403


@pytest.mark.django_db
def test_the_database_refuses_what_bypasses_the_form() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        EndpointPolicy.objects.filter(operation="get_balance").update(fresh_s=0)


@pytest.mark.django_db
def test_clean_names_the_field_that_is_wrong() -> None:
    policy = row()
    policy.fresh_s, policy.keep_s = 100, 50
    with pytest.raises(ValidationError) as caught:
        policy.full_clean()
    assert set(caught.value.message_dict) == {"keep_s"}


def test_reading_goes_on_when_the_settings_cannot_be_read(exchange, api, monkeypatch) -> None:
    from django.db import OperationalError

    def away() -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(PolicyGeneration, "current", away)
    conf.forget()
    assert api("balance/").status_code == 200


def test_the_list_shows_numbers_in_force(admin_site) -> None:
    EndpointPolicy.objects.filter(operation="get_balance").update(fresh_s=5)
    page = admin_site.get("/admin/kalshi/endpointpolicy/").content.decode()
    assert "30 (built-in)" in page and "/portfolio/balance" in page
