from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi.printable import printable
from kalshi.services import second_factor
from kalshi.services.signed_in import sign_out_everywhere


class Command(BaseCommand):
    help = "End all sessions and open sign-in links of a person, in force within two seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="user name")
        parser.add_argument(
            "--credentials", action="store_true", help="also revoke all tokens and keys, for good"
        )

        parser.add_argument(
            "--factor",
            action="store_true",
            help="also remove the second factor: the telephone is lost",
        )

    def handle(self, *, user: str, credentials: bool, factor: bool, **_: Any) -> None:
        person = get_user_model().objects.filter(username=user).first()
        if person is None:
            raise CommandError(f"There is no user {user!r}.")
        if factor:
            second_factor.remove(person)
        sign_out_everywhere(person, credentials=credentials)
        self.stdout.write(printable(f"{user} is signed out everywhere."))
