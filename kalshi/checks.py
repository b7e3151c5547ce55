"""System checks with stable ids. Each says the fault and, as its hint, the remedy.

kalshi.E001  settings.KALSHI is incomplete or has unknown names
kalshi.E002  the credentials are incomplete, unreadable or unsafe
kalshi.E003  the request function cannot be imported
kalshi.E004  an upstream address is not allowed
kalshi.E005  settings.CACHES lacks the cache for upstream answers
kalshi.E006  the proxy or the file of certificates cannot be used
kalshi.E007  the database does not answer (asked with --database default)
kalshi.E008  the database is of a newer version of this program (asked with --database default, and by migrate)
kalshi.W001  no credentials: only public data can be read
kalshi.W002  the key of an account or a second factor cannot be opened (asked with --database default, and by migrate)
kalshi.W003  second factors stand unsealed in the database (asked likewise)
"""

import os
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from kalshi import conf
from kalshi.errors import ConfigError
from kalshi.models import Account, Authenticator
from kalshi.services import engine, health, key_ring
from kalshi.upstream.hosts import checked_base_url, checked_ws_url
from kalshi.upstream.request_function import load_function
from kalshi.upstream.route import VARIABLES, choose

Messages = list[checks.CheckMessage]


@checks.register("kalshi")
def check_setup(**_: Any) -> Messages:
    try:
        setup = conf.setup()
    except ImproperlyConfigured as problem:
        hint = "Correct settings.KALSHI; INTEGRATION.md lists every name."
        return [checks.Error(str(problem), hint=hint, id="kalshi.E001")]
    return [
        *_check_credentials(setup),
        *_check_function(setup),
        *_check_addresses(setup),
        *_check_cache(setup),
        *_check_route(setup),
    ]


@checks.register("kalshi", checks.Tags.database)
def check_database(databases: Collection[str] | None = None, **_: Any) -> Messages:
    if not databases:
        return []
    answers = health.database()
    if not answers.ok:
        return [checks.Error(f"The database is {answers.found}.", hint=answers.remedy, id="kalshi.E007")]
    try:
        newer = health.newer_database()
    except DatabaseError:
        return []  # no table yet
    return [checks.Error(newer, hint=health.NEWER_REMEDY, id="kalshi.E008")] if newer else []


@checks.register("kalshi", checks.Tags.database)
def check_sealed_keys(databases: Collection[str] | None = None, **_: Any) -> Messages:
    """Warnings: all other accounts, and public data, can be read."""
    if not databases:
        return []
    try:
        held = key_ring.look(conf.setup())
    except (ImproperlyConfigured, DatabaseError):
        return []  # there is a check for that, or no table yet
    return [*_check_accounts(held), *_check_second_factors(held)]


def _check_accounts(held: list[key_ring.Held]) -> Messages:
    hint = "Put back the key ring with which it was sealed, or enter the private key again; see README.md, Accounts."
    faults = [one.fault for one in held if one.fault and isinstance(one.row, Account)]
    return [checks.Warning(fault, hint=hint, id="kalshi.W002") for fault in faults]


def _check_second_factors(held: list[key_ring.Held]) -> Messages:
    """One line, however many people there are."""
    factors = [one for one in held if isinstance(one.row, Authenticator)]
    faults = [one.fault for one in factors if one.fault]
    found: Messages = []
    if faults:
        hint = "Put back the key ring with which it was sealed, or remove it: manage.py sign_out --user NAME --factor."
        text = (
            faults[0] if len(faults) == 1 else f"{len(faults)} second factors cannot be opened. {faults[0]}"
        )
        found.append(checks.Warning(text, hint=hint, id="kalshi.W002"))
    plain = sum(not one.sealed for one in factors)
    if plain:
        text = f"{plain} second factors stand unsealed in the database."
        found.append(checks.Warning(text, hint=key_ring.UNSEALED, id="kalshi.W003"))
    return found


def _check_credentials(setup: conf.Setup) -> Messages:
    try:
        credentials = engine.load_credentials(setup)
    except ConfigError as problem:
        hint = "README.md, section Credentials, shows every accepted form."
        return [checks.Error(problem.message, hint=hint, id="kalshi.E002")]
    if credentials is None and setup.request_function is None and setup.sandbox_keys_dir is None:
        hint = "Set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH to read the account."
        return [checks.Warning("No Kalshi credentials are configured.", hint=hint, id="kalshi.W001")]
    return []


def _check_function(setup: conf.Setup) -> Messages:
    if setup.request_function is None:
        return []
    try:
        load_function(setup.request_function)
    except ConfigError as problem:
        hint = "Name an importable function f(method, path, params) in KALSHI_REQUEST_FUNCTION."
        return [checks.Error(problem.message, hint=hint, id="kalshi.E003")]
    return []


def _check_addresses(setup: conf.Setup) -> Messages:
    faults = []
    try:
        checked_base_url(setup.base_url)
    except ConfigError as problem:
        faults.append((problem.message, "KALSHI_BASE_URL"))
    try:
        if setup.ws_url:
            checked_ws_url(setup.ws_url)
    except ConfigError as problem:
        faults.append((problem.message, "KALSHI_WS_URL"))
    return [
        checks.Error(message, hint=f"Leave {name} out to use the address of KALSHI_ENV.", id="kalshi.E004")
        for message, name in faults
    ]


def _check_cache(setup: conf.Setup) -> Messages:
    if setup.cache_alias in settings.CACHES:
        return []
    hint = 'Add CACHES["kalshi"] = kalshi.cache.caches.cache_settings(redis_url).'
    return [checks.Error(f"settings.CACHES has no {setup.cache_alias!r}.", hint=hint, id="kalshi.E005")]


def _check_route(setup: conf.Setup) -> Messages:
    if setup.request_function is not None:
        return []
    try:
        choose(checked_base_url(setup.base_url), os.environ if setup.network is None else setup.network)
    except ConfigError as problem:
        if not problem.message.startswith(VARIABLES):
            return []  # there is a check for the address
        hint = "Correct or unset it, or name the exchange's host in NO_PROXY."
        return [checks.Error(problem.message, hint=hint, id="kalshi.E006")]
    return []
