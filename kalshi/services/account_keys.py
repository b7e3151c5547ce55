"""Where an account's credentials come from, and to which exchange they belong.

The default account: `settings.KALSHI`, which is the environment. Every other one: its row, whose private key only the
key ring opens; its exchange is that of the row's environment, whatever the settings say.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from kalshi import conf
from kalshi.accounts import sealing
from kalshi.accounts.ring import WrongRing
from kalshi.cache.keys import Scope
from kalshi.errors import ConfigError, NoCredentials
from kalshi.models import Account
from kalshi.services import sealing_ring
from kalshi.upstream import credentials as credential_files
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.hosts import REST_BASE, WS_BASE, environment_of


def configured(setup: conf.Setup) -> Credentials | None:
    """The default account's; None when nothing is configured. Raises ConfigError for half a credential or an unusable
    one.
    """
    if setup.sandbox_keys_dir is not None:
        return _sandbox_credentials(setup.sandbox_keys_dir)
    environ = os.environ if setup.credentials is None else setup.credentials
    return credential_files.load(environ, setup.credentials_home, allow_open=setup.allow_open_key_file)


def _sandbox_credentials(folder: Path) -> Credentials | None:
    """The keys that the simulated exchange of this installation wrote; None before it ran for the first time."""
    try:
        key_id = json.loads((folder / "keys.json").read_text())["rsa"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{folder / 'keys.json'} is damaged; delete the folder {folder} and start again."
        ) from None
    names = {"KALSHI_API_KEY_ID": key_id, "KALSHI_PRIVATE_KEY_PATH": str(folder / "rsa.pem")}
    return credential_files.load(names, folder, allow_open=False)


def setup_of(account: Account, setup: conf.Setup) -> conf.Setup:
    """The settings for an account with a key of its own. Raises ConfigError when it has no exchange here."""
    environment = account.environment
    base_url = REST_BASE.get(environment)
    if base_url is None:
        if environment != setup.environment or environment_of(setup.base_url) is not None:
            raise ConfigError(
                f"The account {account.slug} belongs to the environment {environment or '(none)'}, and this "
                f"installation has no such exchange: it runs in {setup.environment}. Correct the account."
            )
        base_url = setup.base_url
    ws_url = WS_BASE.get(environment, setup.ws_url)
    return replace(
        setup,
        environment=environment,
        base_url=base_url,
        ws_url=ws_url,
        credentials=None,
        sandbox_keys_dir=None,
        request_function=None,
    )


def scope_of(account: Account, setup: conf.Setup) -> Scope:
    """What an account with a key of its own is called in cache keys. setup: from `setup_of`."""
    identity = credential_files.fingerprint(account.key_id) if account.key_id else ""
    return Scope(setup.environment, setup.host, str(account.uid), identity)


def credentials_of(account: Account, setup: conf.Setup) -> Credentials:
    """Those of a row with a key of its own. Raises NoCredentials, of which WrongRing is one, naming the remedy."""
    if not account.key_id or not account.sealed_key:
        raise NoCredentials(f"The account {account.slug} has no private key yet; add it in the admin.")
    ring = sealing_ring.to_open_with(setup)
    try:
        return sealing.unseal(ring, account.sealed_key, uid=str(account.uid), key_id=account.key_id)
    except WrongRing as problem:
        raise WrongRing(
            f"The key of the account {account.slug} cannot be opened. {problem.message}"
        ) from None


def seal(account: Account, pem: str | bytes) -> None:
    """Lay the private key into the row, sealed for its `uid` and `key_id`; the caller saves the row.

    pem: in any shape that a key file may have. Raises ConfigError when it is no usable key, or the key id is missing
    or malformed; WrongRing when the ring is missing although sealed keys are there.
    """
    if account.from_environment:
        raise ConfigError("The default account's key comes from the environment; it is not stored.")
    credential_files.check_key_id(account.key_id, source="The key id")
    ring = sealing_ring.to_seal_with(conf.setup())
    account.sealed_key = sealing.seal(ring, uid=str(account.uid), key_id=account.key_id, pem=pem)
