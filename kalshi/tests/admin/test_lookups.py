"""What can be asked of a list in its address: what its own filters ask, and nothing else, whatever the value."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory
from django.urls import reverse

from kalshi.admin.site import site
from kalshi.models import Account, ApiToken, AuditEvent
from kalshi.tests.admin.conftest import World

LOOKUPS = ("regex", "iregex", "startswith", "in")
SECRETS = {
    AuditEvent: ("actor", "details__token"),
    ApiToken: ("digest", "token_key", "user__password", "account__sealed_key"),
    Account: ("key_id", "sealed_key", "grants__user__password", "virtual_keys__public_key"),
    get_user_model(): ("password", "kalshi_grants__account__sealed_key", "auth_token_set__digest"),
}
MODELS = list(site._registry)


def address(model: Any, **asked: str) -> str:
    meta = model._meta
    return f"{reverse(f'admin:{meta.app_label}_{meta.model_name}_changelist')}?{urlencode(asked)}"


def columns(model: Any) -> set[str]:
    """Each column of the list's own table, and what hides behind its relations."""
    return {field.name for field in model._meta.get_fields()} | set(SECRETS.get(model, ()))


# Values of what the filters ask themselves, and of what Django takes in a list's address.
NASTY = ("[", "9999", "9" * 30, "0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59-23:59")
LONG = ("9" * 60_000, "a " * 1_500)
OWN = {"p", "o", "_to_field"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_no_list_can_be_asked_what_none_of_its_filters_asks(world: World, model: Any) -> None:
    client, answered = world.client("superuser"), []
    for column in columns(model):
        for lookup in LOOKUPS:
            answer = client.get(address(model, **{f"{column}__{lookup}": "["}))
            if answer.status_code != 400:
                answered.append(f"{column}__{lookup}: {answer.status_code}")
    assert answered == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_no_value_breaks_a_list(world: World, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client, broken = world.client("superuser"), []
    monkeypatch.setattr(site._registry[model], "list_per_page", 1)  # longer ones only take longer
    request = RequestFactory().get("/")
    request.user = world.people["superuser"]
    names = site._registry[model].offered_lookups(request) | OWN
    asked = [(name, value) for name in sorted(names) for value in NASTY] + [("q", word) for word in LONG]
    for name, value in asked:
        answer = client.get(address(model, **{name: value}))
        if answer.status_code not in {200, 302, 400}:
            broken.append(f"{name}={value[:40]}: {answer.status_code}")
    assert broken == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_each_filter_of_a_list_is_answered(world: World, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above do not pass because nothing is answered at all."""
    client = world.client("superuser")
    monkeypatch.setattr(site._registry[model], "list_per_page", 1)
    page = client.get(address(model))
    links = {
        choice["query_string"]
        for spec in page.context["cl"].filter_specs
        for choice in spec.choices(page.context["cl"])
    }
    for link in links:
        assert client.get(f"{page.request['PATH_INFO']}{link}").status_code == 200, link
    day = site._registry[model].date_hierarchy
    assert (
        not day
        or client.get(address(model, **{f"{day}__year": "2026", f"{day}__month": "2"})).status_code == 200
    )


def test_a_long_word_finds_nothing_and_breaks_nothing(world: World) -> None:
    for word in LONG:
        answer = world.client("superuser").get("/admin/search/", {"s": word})
        assert answer.status_code == 200
