"""The character NUL in addresses and forms; PostgreSQL's own test has the cookies."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.tests.test_json_errors import BROWSER, told

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/sign-in/?next=%00", "/sign-in/?%00", "/sign-in/%00/", "/nope%00", "/admin/?a=1&a=%00"]
)
def test_an_address_with_a_nul_is_a_bad_request_in_the_shape_that_was_asked_for(path: str) -> None:
    assert told(Client().get(path, headers={"Accept": "application/json"})) == (400, "bad_request")
    page = Client().get(path, headers={"Accept": BROWSER})
    assert page.status_code == 400 and page["Content-Type"].startswith("text/plain")
    assert "Content-Security-Policy" in page and "X-Request-ID" in page


def test_a_form_with_a_nul_is_a_bad_request() -> None:
    for form in ({"username": "ow\0ner", "password": "x"}, {"a\0": "x"}):
        assert Client().post("/sign-in/", form).status_code == 400
    assert Client().post("/sign-in/", {"username": "owner", "password": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"), [("balance/?subaccount=%00", 400), ("markets/%00/", 404), ("balance%00/", 404)]
)
def test_the_apis_answer_a_nul_as_any_other_bad_value(path: str, status: int, django_user_model: Any) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("owner"))
    assert (
        client.get(f"/api/v1/kalshi/{path}").json()["code"] == {400: "bad_request", 404: "not_found"}[status]
    )
