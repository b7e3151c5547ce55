from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi import conf
from kalshi.errors import KalshiError
from kalshi.printable import printable
from kalshi.services import key_ring


class Command(BaseCommand):
    help = (
        "Seal the private keys of all accounts, and second factors, anew with the first key of the key ring. A ring "
        "that is a file gets a new first key before; to KALSHI_KEY_RING you add it yourself, in front, and restart all "
        "processes first. All or nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; tell what is sealed with which key"
        )

    def handle(self, *, check: bool, **_: Any) -> None:
        if check:
            self._check()
            return
        try:
            done = key_ring.rotate()
        except KalshiError as problem:
            raise CommandError(printable(f"Nothing was changed. {problem.message}")) from None
        self.stdout.write(
            f"{done.accounts} keys of accounts and {done.second_factors} second factors are sealed with the first key "
            f"of {done.source}."
        )
        self.stdout.write(
            "Store the ring anew, away from backups of the database. Its older keys are needed for backups made before."
        )

    def _check(self) -> None:
        held = key_ring.look(conf.setup())
        for one in held:
            sealed = "sealed with the first key" if one.newest else "sealed with an older key"
            self.stdout.write(
                printable(f"{one.name}: {one.fault or (sealed if one.sealed else 'not sealed')}")
            )
        if not held:
            self.stdout.write("No account and no second factor has a key here.")
        if any(one.fault for one in held):
            raise CommandError("Not every key can be opened. Put back the ring with which they were sealed.")
