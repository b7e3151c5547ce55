from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi.models import Account, ApiToken
from kalshi.models.accounts import DEFAULT_SLUG
from kalshi.printable import printable
from kalshi.services import access

MAX_DAYS = 3650


class Command(BaseCommand):
    help = (
        "Make a bearer token for a user and print it, alone, on standard output. It is shown only this once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="user name")
        parser.add_argument("--name", required=True, help="label by which you recognise the token later")
        parser.add_argument(
            "--days", type=int, default=365, help="valid for so many days (1 to 3650, default 365)"
        )
        parser.add_argument(
            "--scope",
            choices=ApiToken.Scope.values,
            default=ApiToken.Scope.READ,
            help="what it opens: read (default), or metrics, which opens /metrics and nothing else",
        )
        parser.add_argument(
            "--account",
            metavar="SLUG",
            help="the one account that it opens (default: all that the user may see)",
        )

    def handle(self, *, user: str, name: str, days: int, scope: str, account: str | None, **_: Any) -> None:
        owner = get_user_model().objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user!r}.")
        if scope == ApiToken.Scope.METRICS and not access.may_watch(owner):
            raise CommandError(
                printable(f"Only superusers may watch the whole gateway, and {user} is no superuser.")
            )
        if not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days is {days}; allowed: 1 to {MAX_DAYS}.")
        if not name.strip() or len(name) > 100:
            raise CommandError("--name must have 1 to 100 characters.")
        only = None if account is None else _account(account)
        seen = (
            access.accounts(owner) if only is None else [row for row in access.accounts(owner) if row == only]
        )
        _, token = ApiToken.objects.create(
            owner, expiry=timedelta(days=days), name=name.strip(), scope=scope, account=only
        )
        self.stdout.write(token)
        if not seen and scope == ApiToken.Scope.READ:
            slug = account or DEFAULT_SLUG
            what = "any account" if only is None else f"the account {slug}"
            self.stderr.write(
                printable(
                    f"{user} may not see {what} yet, so the token opens nothing. "
                    f"Grant it: manage.py accounts grant {slug} --user {user}"
                )
            )


def _account(slug: str) -> Account:
    account = Account.objects.filter(slug=slug).first()
    if account is None:
        raise CommandError(f"There is no account {slug!r}.")
    return account
