import json
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kalshi.errors import KalshiError
from kalshi.models import Account, VirtualKey
from kalshi.printable import printable
from kalshi.services import access, virtual_keys

MAX_DAYS = 3650


class Command(BaseCommand):
    help = "Make, list and revoke virtual keys: key pairs with which Kalshi clients sign their requests to the gateway."

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_subparsers(dest="does", required=True)
        create = does.add_parser("create", help="make a key; its private half is shown only this once")
        create.add_argument("--user", required=True, help="user name of the owner")
        create.add_argument("--label", required=True, help="by which you recognise the key later")
        create.add_argument("--account", metavar="SLUG", help="the account it opens (default: the owner's)")
        create.add_argument("--type", choices=VirtualKey.KeyType.values, default=VirtualKey.KeyType.RSA)
        create.add_argument(
            "--operation", action="append", default=[], help="may be read; repeat it; default: all"
        )
        create.add_argument(
            "--per-second", type=float, metavar="N", help="most requests a second (default: no limit)"
        )
        create.add_argument(
            "--days", type=int, help=f"valid for so many days, 1 to {MAX_DAYS} (default: no end)"
        )
        create.add_argument("--json", action="store_true", help="one JSON object: key_id, private_key")
        listing = does.add_parser("list", help="all keys, newest first")
        listing.add_argument("--user", help="only those of this user")
        listing.add_argument("--json", action="store_true", help="one JSON array")
        does.add_parser("revoke", help="end a key for good").add_argument("key_id")

    def handle(self, *, does: str, **options: Any) -> None:
        try:
            match does:
                case "create":
                    self._create(**options)
                case "list":
                    self._list(**options)
                case "revoke":
                    self._revoke(**options)
        except KalshiError as problem:
            raise CommandError(printable(problem.message)) from None

    def _create(self, *, user: str, label: str, account: str | None, **options: Any) -> None:
        owner = _user(user)
        days = options["days"]
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days is {days}; allowed: 1 to {MAX_DAYS}.")
        issued = virtual_keys.issue(
            owner,
            _account(owner, account),
            label,
            key_type=options["type"],
            allowed=options["operation"],
            requests_per_s=options["per_second"],
            expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
        )
        key_id = str(issued.key.key_id)
        if options["json"]:
            self.stdout.write(json.dumps({"key_id": key_id, "private_key": issued.private_key}))
        else:
            self.stdout.write(f"Key id: {key_id}\n{issued.private_key}", ending="")
            self.stderr.write("Store the private key now: it is not kept and cannot be shown again.")

    def _list(self, *, user: str | None, **options: Any) -> None:
        keys = virtual_keys.listed(_user(user) if user is not None else None)
        rows = [_row(key) for key in keys]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            used = f"used {row['used_count']} times, last {row['last_used_at'] or 'never'}"
            words = (
                row["key_id"],
                row["state"],
                row["type"],
                row["user"],
                row["account"],
                row["label"],
                used,
            )
            self.stdout.write(printable("  ".join(words)))

    def _revoke(self, *, key_id: str, **_: Any) -> None:
        key = virtual_keys.named(key_id)
        if key is None:
            raise CommandError("There is no key of this id.")
        virtual_keys.revoke(key)
        self.stdout.write(printable(f"Revoked: {key}. In force everywhere within two seconds."))


def _user(name: str) -> Any:
    owner = get_user_model().objects.filter(username=name, is_active=True).first()
    if owner is None:
        raise CommandError(f"There is no active user {name!r}.")
    return owner


def _account(owner: Any, slug: str | None) -> Account:
    return access.choose(owner, None, slug)


def _row(key: VirtualKey) -> dict[str, Any]:
    return {
        "key_id": str(key.key_id),
        "state": virtual_keys.state(key),
        "type": key.key_type,
        "user": key.user.get_username(),
        "account": key.account.slug,
        "label": key.label,
        "operations": key.operations,
        "requests_per_s": key.requests_per_s,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(),
        "used_count": key.used_count,
    }
