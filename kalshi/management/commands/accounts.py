import sys
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi import conf
from kalshi.errors import KalshiError
from kalshi.models import Account, Grant
from kalshi.printable import printable
from kalshi.services import account_keys, account_test, key_ring
from kalshi.services.verify_findings import masked_key_id
from kalshi.upstream.keyfile import MAX_BYTES, read_key_file


class Command(BaseCommand):
    help = "Add, list, test and remove accounts, and grant them. Private keys are sealed; nothing secret is printed."

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_subparsers(dest="does", required=True)
        add = does.add_parser("add", help="add an account with a key of its own")
        add.add_argument("slug", help="how callers name it: lower-case letters, digits and dashes")
        add.add_argument("--label", help="how people know it (default: the slug)")
        add.add_argument("--environment", required=True, choices=Account.Environment.values)
        add.add_argument("--key-id", required=True, help="the id that Kalshi shows beside the key")
        add.add_argument(
            "--key-file",
            type=Path,
            metavar="PATH",
            help="the private key, mode 600 (default: standard input)",
        )
        add.add_argument("--subaccount", type=int, metavar="N", help="show only this subaccount, 0 to 63")
        does.add_parser("list", help="all accounts, and whether their keys can be opened")
        does.add_parser("test", help="sign a request; show scope, tier and balance").add_argument("slug")
        does.add_parser("remove", help="remove an account with its key and all grants").add_argument("slug")
        grant = does.add_parser(
            "grant", help="let a person see an account, or change what they may do with it"
        )
        grant.add_argument("slug")
        grant.add_argument("--user", required=True)
        grant.add_argument("--role", choices=Grant.Role.values, default=Grant.Role.VIEWER)
        revoke = does.add_parser("revoke", help="take that away")
        revoke.add_argument("slug")
        revoke.add_argument("--user", required=True)

    def handle(self, *, does: str, **options: Any) -> None:
        try:
            getattr(self, f"_{does}")(**options)
        except KalshiError as problem:
            raise CommandError(printable(problem.message)) from None

    def _add(
        self,
        *,
        slug: str,
        label: str | None,
        environment: str,
        key_id: str,
        key_file: Path | None,
        subaccount: int | None,
        **_: Any,
    ) -> None:
        account = Account(
            slug=slug, label=label or slug, environment=environment, key_id=key_id, subaccount=subaccount
        )
        try:
            account.full_clean()
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from None
        account_keys.setup_of(account, conf.setup())  # there is such an exchange
        account_keys.seal(account, _pem(key_file))
        account.save()
        self.stdout.write(f"Added: {slug}. Try it: manage.py accounts test {slug}")

    def _list(self, **_: Any) -> None:
        looked = key_ring.look(conf.setup())
        faults = {held.row.pk: held.fault for held in looked if isinstance(held.row, Account)}
        for account in Account.objects.all():
            if account.from_environment:
                key, environment = "key of the environment", conf.setup().environment
            else:
                fault = faults.get(account.pk, "no private key")
                key = f"key {masked_key_id(account.key_id)}, {fault or 'can be opened'}"
                environment = account.environment
            words = [account.slug, environment, key, account.label]
            if account.subaccount is not None:
                words.append(f"subaccount {account.subaccount}")
            self.stdout.write(printable("  ".join([*words, *([] if account.enabled else ["off"])])))

    def _test(self, *, slug: str, **_: Any) -> None:
        findings = account_test.run(_account(slug))
        for finding in findings:
            self.stdout.write(f"{finding.status:4}  {finding.name}: {finding.found}")
            if finding.remedy:
                self.stdout.write(f"      {finding.remedy}")
        if any(finding.status == "fail" for finding in findings):
            raise CommandError(f"The account {slug} cannot be read.")

    def _remove(self, *, slug: str, **_: Any) -> None:
        account = _account(slug)
        if account.from_environment:
            raise CommandError("The default account is that of the environment; switch it off in the admin.")
        account.delete()
        self.stdout.write(f"Removed: {slug}, with its key and all grants.")

    def _grant(self, *, slug: str, user: str, role: str, **_: Any) -> None:
        grant, _made = Grant.objects.update_or_create(
            user=_person(user), account=_account(slug), defaults={"role": role}
        )
        self.stdout.write(printable(f"{grant}."))

    def _revoke(self, *, slug: str, user: str, **_: Any) -> None:
        grant = Grant.objects.filter(user=_person(user), account=_account(slug)).first()
        if grant is None:
            raise CommandError(printable(f"{user} has no grant for {slug}."))
        grant.delete()
        self.stdout.write(
            printable(f"{user} may not see {slug} any more. In force everywhere within two seconds.")
        )


def _account(slug: str) -> Account:
    account = Account.objects.filter(slug=slug).first()
    if account is None:
        raise CommandError(f"There is no account {slug!r}.")
    return account


def _person(name: str) -> Any:
    person = get_user_model().objects.filter(username=name).first()
    if person is None:
        raise CommandError(f"There is no user {name!r}.")
    return person


def _pem(path: Path | None) -> bytes:
    if path is not None:
        return read_key_file(path, source=str(path), allow_open=conf.setup().allow_open_key_file)
    return sys.stdin.buffer.read(MAX_BYTES)
