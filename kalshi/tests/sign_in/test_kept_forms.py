"""What is typed into a form of signing in, or about oneself, can be read nowhere later: in no table and no log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from kalshi.tests.sign_in.people import PASSWORD, try_password, turn_on

pytestmark = pytest.mark.django_db

NEW = {"new_password1": "typed-new-password", "new_password2": "typed-again"}
FORMS = [
    ("/sign-in/?next=/typed-query", {"username": "trader", "password": "typed-password"}),
    ("/sign-in/code/", {"code": "typed-code"}),
    ("/you/password/", {"password": "typed-password", "code": "typed-code", **NEW}),
    ("/you/password/", {"password": PASSWORD, "code": "typed-code", **NEW}),
    ("/you/second-factor/", {"password": "typed-password", "code": "typed-code"}),
    ("/you/second-factor/", {"password": PASSWORD, "code": "typed-code"}),
    ("/you/second-factor/remove/", {"password": "typed-password", "code": "typed-code"}),
    ("/you/recovery-codes/", {"password": "typed-password", "code": "typed-code"}),
    ("/you/sign-out-everywhere/", {"credentials": "typed-box", "more": "typed-more"}),
]


def _everything_kept() -> str:
    """All rows of all tables, and what stands in the sessions."""
    found = [repr(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [f"{table}: {row!r}" for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.parametrize("has_factor", [True, False])
@pytest.mark.parametrize(("path", "form"), FORMS)
def test_no_table_and_no_log_keeps_what_was_typed(
    person: Any, path: str, form: dict[str, str], has_factor: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if has_factor:
        turn_on(person)
    for _ in range(2):  # the second failure is added to the row of the first
        client = Client()
        if path == "/sign-in/code/":
            try_password(client)
        elif path.startswith("/you/"):
            client.force_login(person)
        client.post(path, form)
    kept = _everything_kept()
    assert "trader" in kept
    assert "typed-" not in kept
    assert "typed-" not in caplog.text
