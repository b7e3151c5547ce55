from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi.models import ApiToken

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

    def handle(self, *, user: str, name: str, days: int, scope: str, **_: Any) -> None:
        owner = get_user_model().objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user!r}.")
        if not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days is {days}; allowed: 1 to {MAX_DAYS}.")
        if not name.strip() or len(name) > 100:
            raise CommandError("--name must have 1 to 100 characters.")
        _, token = ApiToken.objects.create(owner, expiry=timedelta(days=days), name=name.strip(), scope=scope)
        self.stdout.write(token)
