from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from kalshi.models import Account, ApiToken, Grant, SignInCode


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_create_token_prints_the_token_alone(exchange, user) -> None:
    printed = run("create_token", "--user", "ada", "--name", "laptop")
    token = printed.strip()
    assert printed == token + "\n"
    answer = Client().get("/api/v1/kalshi/balance/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200


def test_names_of_tokens_need_not_be_unique(user) -> None:
    run("create_token", "--user", "ada", "--name", "laptop", "--days", "1")
    run("create_token", "--user", "ada", "--name", "laptop")
    rows = ApiToken.objects.order_by("expiry")
    assert [round((row.expiry - row.created).total_seconds() / 86_400) for row in rows] == [1, 365]


def test_a_token_for_somebody_without_a_grant_is_made_with_a_warning(exchange, user, capsys) -> None:
    assert capsys.readouterr().err == ""
    run("create_token", "--user", "ada", "--name", "laptop")
    assert "opens nothing" not in capsys.readouterr().err
    Grant.objects.all().delete()
    token = run("create_token", "--user", "ada", "--name", "laptop").strip()
    assert "manage.py accounts grant default --user ada" in capsys.readouterr().err
    answer = Client().get("/api/v1/kalshi/balance/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    run("accounts", "grant", "default", "--user", "ada")
    assert Client().get("/api/v1/kalshi/balance/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200


def test_a_token_for_one_account_opens_no_other(exchange, user) -> None:
    fund = Account.objects.create(slug="fund", label="The fund", environment="demo")
    Grant.objects.create(user=user, account=fund)
    token = run("create_token", "--user", "ada", "--name", "laptop", "--account", "default").strip()
    for path, status in (
        ("balance/", 200),
        ("balance/?account=default", 200),
        ("balance/?account=fund", 403),
    ):
        answer = Client().get(f"/api/v1/kalshi/{path}", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == status, path
    with pytest.raises(CommandError, match="no account 'nowhere'"):
        run("create_token", "--user", "ada", "--name", "laptop", "--account", "nowhere")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--user", "nobody", "--name", "x"), "no active user 'nobody'"),
        (("--user", "ada", "--name", "x", "--days", "0"), "allowed: 1 to 3650"),
        (("--user", "ada", "--name", "x", "--days", "4000"), "allowed: 1 to 3650"),
        (("--user", "ada", "--name", "  "), "1 to 100 characters"),
    ],
)
def test_create_token_says_what_is_wrong(user, arguments, sentence) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create_token", *arguments)
    assert not ApiToken.objects.exists()


def test_a_sign_in_link_works_once_and_looking_at_it_does_not_spend_it(user) -> None:
    path = run("sign_in_link", "--user", "ada").strip().removeprefix("http://127.0.0.1:8000")
    assert Client().get(path).status_code == 200
    assert Client().head(path).status_code == 200
    first, second = Client(), Client()
    assert first.post(path).status_code == 302
    assert first.get("/").status_code == 200
    assert second.post(path).status_code == 410
    assert second.get("/").status_code == 302


def test_a_link_expires_after_ten_minutes(user) -> None:
    path = run("sign_in_link", "--user", "ada").strip().removeprefix("http://127.0.0.1:8000")
    code = SignInCode.objects.get()
    code.expires_at -= timedelta(minutes=10)
    code.save()
    assert Client().post(path).status_code == 410


def test_codes_are_hashed_at_rest(user) -> None:
    code = SignInCode.issue(user)
    assert code not in SignInCode.objects.get().digest


def test_a_link_for_nobody_is_an_error(db) -> None:
    with pytest.raises(CommandError, match="no active user"):
        run("sign_in_link", "--user", "nobody")


def test_signing_out_empties_the_browsers_cache(user) -> None:
    client = Client()
    client.force_login(user)
    answer = client.post("/sign-out/")
    assert answer["Clear-Site-Data"] == '"cache"'
    assert client.get("/").status_code == 302
