from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from kalshi.models import SignInCode


class Command(BaseCommand):
    help = "Print a link that signs a user in once, within ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", default="owner", help="user name (default: owner)")
        parser.add_argument(
            "--base", default=None, help="scheme, host and port of the link, if not the local ones"
        )

    def handle(self, *, user: str, base: str | None, **_: Any) -> None:
        person = get_user_model().objects.filter(username=user, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active user {user!r}.")
        root = base or str(getattr(settings, "PUBLIC_BASE_URL", "http://127.0.0.1:8000"))
        self.stdout.write(root.rstrip("/") + reverse("sign-in-link", args=[SignInCode.issue(person)]))
