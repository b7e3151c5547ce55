"""What a superuser's open session cannot do to the superuser: whoever finds it open takes nothing over for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from kalshi.models import Authenticator
from kalshi.tests.admin.conftest import World

SPELLINGS = ("{}", "_2B{}", "+{}", "{}_0A", "{}_20", "_20{}", "%20{}", "0{}", "0_5F{}", "_5F{}", "_3{}")
"""How an address may write an id; Django's admin takes the quotes off, and then Python reads the number."""
FORMS: dict[str, dict[str, Any]] = {
    "password": {"password1": "hijacked pass 1", "password2": "hijacked pass 1", "usable_password": "true"},
    "delete": {"post": "yes"},
    "second-factor": {},
}


@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize("page", FORMS)
def test_nobody_takes_the_own_password_or_factor_here_however_the_id_is_written(
    world: World, page: str, spelled: str
) -> None:
    person = world.people["superuser"]
    Authenticator.objects.create(user=person, confirmed=True, sealed_key="sealed")
    answer = world.client("superuser").post(
        f"/admin/auth/user/{spelled.format(person.pk)}/{page}/", FORMS[page]
    )
    now = get_user_model().objects.get(pk=person.pk)
    assert now.password == person.password
    assert Authenticator.objects.filter(user=person).exists()
    assert answer.status_code in {302, 403, 404}


@pytest.mark.parametrize("spelled", ["{}", "_2B{}", "{}_0A"])
def test_the_own_password_is_changed_where_the_old_one_is_asked_for(world: World, spelled: str) -> None:
    person = world.people["superuser"]
    for asked in (world.client("superuser").get, world.client("superuser").post):
        answer = asked(f"/admin/auth/user/{spelled.format(person.pk)}/password/")
        assert (answer.status_code, answer.headers.get("Location")) == (302, "/you/password/")


def test_the_admins_log_out_ends_the_session_and_empties_the_browsers_cache(world: World) -> None:
    client = world.client("operator")
    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200
    answer = client.post("/admin/logout/")
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/sign-in/")
    assert answer["Clear-Site-Data"] == '"cache"'
    assert client.get("/admin/").status_code == 302
