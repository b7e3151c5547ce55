"""Who may do what in the admin: every page and action for every role, refused unless it is listed here."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver

from kalshi.admin.site import site
from kalshi.models import (
    Account,
    ApiToken,
    AuditEvent,
    Authenticator,
    EndpointPolicy,
    Grant,
    SignInCode,
    VirtualKey,
)
from kalshi.services import second_factor
from kalshi.tests.admin.conftest import MAY_ENTER, ROLES, World

EVERYBODY = set(MAY_ENTER)
ROOT, OWNERS, OPERATORS = {"superuser"}, {"superuser", "owner"}, {"superuser", "owner", "operator"}
SETTINGS = {"superuser", "default-operator"}
GONE = {302, 403, 404}
"""How a page that is not for somebody answers: sent away, refused, or as if it were not there."""


def pages(world: World) -> dict[str, tuple[str, set[str]]]:
    """name: (path, who gets it)."""
    found: dict[str, tuple[str, set[str]]] = {
        "index": ("", EVERYBODY),
        "engine": ("engine/", EVERYBODY),
        "engine state": ("engine/state.json", EVERYBODY),
        "cache": ("cache/", EVERYBODY),
        "search": ("search/?s=fund", EVERYBODY),
        "labels": ("kalshi/", EVERYBODY),
        "accounts": ("kalshi/account/", OPERATORS | SETTINGS),
        "add an account": ("kalshi/account/add/", ROOT),
        "keys": ("kalshi/virtualkey/", OPERATORS | SETTINGS),
        "add a key": ("kalshi/virtualkey/add/", OWNERS),
        "tokens": ("kalshi/apitoken/", EVERYBODY),
        "add a token": ("kalshi/apitoken/add/", EVERYBODY),
        "policies": ("kalshi/endpointpolicy/", SETTINGS),
        "policy": (f"kalshi/endpointpolicy/{world.policy.pk}/change/", SETTINGS),
        "policy's history": (f"kalshi/endpointpolicy/{world.policy.pk}/history/", SETTINGS),
        "log": ("kalshi/auditevent/", EVERYBODY),
        "addresses": ("kalshi/seenaddress/", ROOT),
        "address": (f"kalshi/seenaddress/{world.seen.pk}/change/", ROOT),
        "people": ("auth/user/", ROOT),
        "locked sign-ins": ("locked/", ROOT),
        "add a person": ("auth/user/add/", ROOT),
    }
    for name, things, seers, owners in (
        ("our", world.ours, OPERATORS, OWNERS),
        ("their", world.theirs, ROOT, ROOT),
    ):
        account, key, event = things["account"].pk, things["key"].pk, things["event"].pk
        token, user = things["token"].pk, things["user"].pk
        found |= {
            f"{name} account": (f"kalshi/account/{account}/change/", seers),
            f"{name} account's history": (f"kalshi/account/{account}/history/", seers),
            f"{name} account's deletion": (f"kalshi/account/{account}/delete/", ROOT),
            f"{name} account's test": (f"kalshi/account/{account}/test/", seers),
            f"{name} key": (f"kalshi/virtualkey/{key}/change/", seers),
            f"{name} key's history": (f"kalshi/virtualkey/{key}/history/", seers),
            f"{name} key's end": (f"kalshi/virtualkey/{key}/revoke/", owners),
            f"{name} key's deletion": (f"kalshi/virtualkey/{key}/delete/", set()),
            f"{name} token": (f"kalshi/apitoken/{token}/change/", owners),
            f"{name} token's history": (f"kalshi/apitoken/{token}/history/", owners),
            f"{name} token's deletion": (f"kalshi/apitoken/{token}/delete/", owners),
            f"{name} event": (f"kalshi/auditevent/{event}/change/", seers),
            f"{name} event's history": (f"kalshi/auditevent/{event}/history/", seers),
            f"{name} event's deletion": (f"kalshi/auditevent/{event}/delete/", set()),
            f"{name} person": (f"auth/user/{user}/change/", ROOT),
            f"{name} person's history": (f"auth/user/{user}/history/", ROOT),
            f"{name} person's password": (f"auth/user/{user}/password/", ROOT),
            f"{name} person's deletion": (f"auth/user/{user}/delete/", ROOT),
            f"{name} person's sign-out": (f"auth/user/{user}/sign-out/", ROOT),
        }
    return found


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_page_opens_for_those_it_is_for_and_for_nobody_else(world: World, role: str) -> None:
    client = world.client(role)
    wrong = []
    for name, (path, who) in pages(world).items():
        status = client.get(f"/admin/{path}").status_code
        if (status == 200) != (role in who) or (role not in who and status not in GONE):
            wrong.append(f"{name}: {status}")
    assert wrong == []


def test_every_page_of_the_admin_stands_in_the_table(world: World) -> None:
    """A page that somebody adds needs a line above."""
    known = {path.split("?")[0].rstrip("/").rsplit("/", 1)[-1] for path, _ in pages(world).values()}
    for path in _paths(site.get_urls()):
        last = path.rstrip("/").rsplit("/", 1)[-1]
        elsewhere = {
            "login", "logout", "password_change", "jsi18n", "autocomplete", "purge", "second-factor",
            "<path:object_id>",  # sends on to change/
        }  # fmt: skip
        assert last in known | elsewhere or "(?P<" in path, path


def _paths(patterns: list[Any], before: str = "") -> list[str]:
    found: list[str] = []
    for one in patterns:
        if isinstance(one, URLResolver):
            found += _paths(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern) and "password_change/done" not in str(one.pattern):
            found.append(before + str(one.pattern))
    return found


NO_GRANTS = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}
NO_GRANTS_OF_PERSON = {"kalshi_grants-TOTAL_FORMS": "0", "kalshi_grants-INITIAL_FORMS": "0"}


def state(world: World) -> tuple[Any, ...]:
    """All that the POSTs below could change of what belongs to others."""
    user = type(world.theirs["user"]).objects.filter(pk=world.theirs["user"].pk).values().first()
    return (
        list(Account.objects.exclude(slug="ours").values_list("slug", "label", "enabled")),
        list(Grant.objects.values_list("user__username", "account__slug", "role")),
        list(VirtualKey.objects.filter(account__slug="theirs").values_list("label", "blocked", "revoked_at")),
        list(ApiToken.objects.filter(account__slug="theirs").values_list("name", flat=True)),
        list(EndpointPolicy.objects.exclude(fresh_s=None).values_list("operation", flat=True)),
        AuditEvent.objects.filter(action="account-tested").count(),
        SignInCode.objects.filter(used_at=None).count(),
        Authenticator.objects.count(),
        get_user_model().objects.count(),
        user,
    )


def posts(world: World, pem: str) -> list[tuple[str, dict[str, Any]]]:
    things = world.theirs
    account, key, token, user = (things[name].pk for name in ("account", "key", "token", "user"))
    theirs = {"label": "mine now", "slug": "theirs", "environment": "demo", "enabled": "on"}
    granted = {"grants-TOTAL_FORMS": "1", "grants-INITIAL_FORMS": "0"}
    granted |= {"grants-0-person": "operator", "grants-0-role": "owner"}
    passwords = {"password1": "hijacked pass 1", "password2": "hijacked pass 1"}
    added = {
        "label": "x",
        "slug": "x",
        "environment": "demo",
        "new_key_id": "some-key-id",
        "private_key": pem,
    }
    chosen = {"_selected_action": [str(key)], "index": "0"}
    return [
        ("kalshi/account/add/", added | NO_GRANTS),
        (f"kalshi/account/{account}/change/", theirs | NO_GRANTS),
        (f"kalshi/account/{account}/change/", theirs | {"label": "Their fund"} | granted),
        (f"kalshi/account/{account}/delete/", {"post": "yes"}),
        (f"kalshi/account/{account}/test/", {}),
        ("kalshi/virtualkey/add/", {"label": "x", "account": account, "user": user, "kind": "ed25519"}),
        (f"kalshi/virtualkey/{key}/change/", {"label": "x", "blocked": "on"}),
        (f"kalshi/virtualkey/{key}/revoke/", {}),
        ("kalshi/virtualkey/", {"action": "block", **chosen}),
        (f"kalshi/apitoken/{token}/change/", {"name": "x"}),
        (f"kalshi/apitoken/{token}/delete/", {"post": "yes"}),
        (
            "kalshi/apitoken/",
            {"action": "delete_selected", "_selected_action": [token], "post": "yes", "index": "0"},
        ),
        (f"auth/user/{user}/change/", {"username": "x", "is_active": "on"} | NO_GRANTS_OF_PERSON),
        (f"auth/user/{user}/password/", passwords | {"usable_password": "true"}),
        (f"auth/user/{user}/delete/", {"post": "yes"}),
        (f"auth/user/{user}/sign-out/", {}),
        (f"auth/user/{user}/second-factor/", {}),
        ("auth/user/add/", {"username": "x", "usable_password": "true"} | passwords),
        (f"kalshi/endpointpolicy/{world.policy.pk}/change/", {"fresh_s": "5", "enabled": "on"}),
    ]


@pytest.fixture
def busy_world(world: World, sealing: None) -> World:
    """In which the person who is attacked has something to lose."""
    second_factor.offered(world.theirs["user"], "a session")
    Authenticator.objects.update(confirmed=True)
    SignInCode.issue(world.theirs["user"])
    return world


@pytest.mark.parametrize("role", [role for role in (*ROLES, "nobody") if role != "superuser"])
def test_no_post_changes_what_belongs_to_others(busy_world: World, role: str, pem: str) -> None:
    client, before = busy_world.client(role), state(busy_world)
    for path, form in posts(busy_world, pem):
        if "endpointpolicy" not in path or role not in SETTINGS:
            client.post(f"/admin/{path}", form)
            assert state(busy_world) == before, path


def test_the_same_posts_work_for_a_superuser(busy_world: World, pem: str) -> None:
    """So that the test before this one does not pass for a form that is misspelt."""
    before, idle = state(busy_world), []
    for path, form in posts(busy_world, pem):
        with transaction.atomic():
            busy_world.client("superuser").post(f"/admin/{path}", form)
            if state(busy_world) == before:
                idle.append(path)
            transaction.set_rollback(True)
    assert idle == []


@pytest.mark.parametrize("role", ["owner", "operator", "default-operator"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "kalshi/account/",
        "kalshi/virtualkey/",
        "kalshi/virtualkey/add/",
        "kalshi/apitoken/",
        "kalshi/apitoken/add/",
        "kalshi/auditevent/",
        "search/?s=the",
        "engine/state.json",
        "cache/",
    ],
)
def test_no_page_names_what_belongs_to_others(world: World, role: str, path: str) -> None:
    text = world.client(role).get(f"/admin/{path}").content.decode()
    for word in ("theirs", "Their fund", "other@example.org", ">other<"):
        assert word not in text


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_the_search_finds_ones_own(world: World, role: str) -> None:
    text = world.client(role).get("/admin/search/?s=our").content.decode()
    assert "Our fund" in text and "key-of-ours" in text


@pytest.mark.parametrize("role", ["owner", "operator", "viewer", "nobody"])
def test_autocompletion_tells_nobody_of_others(world: World, role: str) -> None:
    client = world.client(role)
    for model, field in (
        ("virtualkey", "account"),
        ("virtualkey", "user"),
        ("grant", "user"),
        ("apitoken", "user"),
    ):
        answer = client.get(
            "/admin/autocomplete/",
            {"app_label": "kalshi", "model_name": model, "field_name": field, "term": "the"},
        )
        assert answer.status_code in GONE or "heir" not in answer.content.decode()


def test_a_filter_cannot_spell_out_a_column_that_is_not_shown(world: World) -> None:
    client = world.client("superuser")
    for path in ("kalshi/account/?key_id__startswith=a", "auth/user/?password__startswith=p",
                 "kalshi/virtualkey/?account__sealed_key__startswith=g"):  # fmt: skip
        answer = client.get(f"/admin/{path}")
        assert (answer.status_code, answer.headers.get("Location", "")[-4:]) != (200, ""), path


@pytest.mark.parametrize("path", ["kalshi/auditevent/?action=grant-given", "kalshi/virtualkey/?account=ours"])
def test_each_filter_that_a_page_offers_is_answered(world: World, path: str) -> None:
    text = world.client("superuser").get(f"/admin/{path}").content.decode()
    assert "ours" in text and "of-theirs" not in text.replace("event-of-theirs", "")


def test_a_person_with_half_a_second_factor_does_not_enter(world: World) -> None:
    person = world.people["owner"]
    person.set_password("a long password 1")
    person.save()
    Authenticator.objects.create(user=person, confirmed=True, sealed_key="sealed")
    client = Client()
    client.post("/sign-in/", {"username": "owner", "password": "a long password 1"})
    assert client.session.get("kalshi_first_step")
    assert client.get("/admin/").status_code == 302


def test_a_grant_that_is_taken_ends_the_right_at_once(world: World) -> None:
    client = world.client("operator")
    assert client.get("/admin/search/?s=fund").content
    Grant.objects.filter(user=world.people["operator"]).delete()
    assert client.get("/admin/").status_code == 302
    assert b"Our fund" not in client.get("/admin/search/?s=fund").content


def test_whoever_may_not_enter_is_told_so_and_not_sent_around(world: World) -> None:
    client = world.client("viewer")
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403 and b"operators and owners" in answer.content
