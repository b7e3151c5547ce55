"""The checks of the verify script, in their order, each on its own: one that fails or hangs stops no other.

Needs Django set up, no running server. Bounded: a check gets CHECK_S, all together TOTAL_S. Makes nothing.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import unquote, urlsplit

from django.db import DEFAULT_DB_ALIAS, connections

from kalshi import conf
from kalshi.errors import ConfigError, EndpointOff, KalshiError
from kalshi.services import engine, health
from kalshi.services.verify_exchange import RUN_SANDBOX, Exchange, Untested
from kalshi.services.verify_findings import Finding, fail, masked_key_id, ok, warn
from kalshi.upstream.request_function import load_function
from kalshi.upstream.route import choose

SHOWN = 4
CHECK_S = 15.0
TOTAL_S = 50.0
MAKE_RUN = "Run `make run`, which makes it"

Check = Callable[[], Finding]


def run(setup: conf.Setup, data_dir: Path) -> list[Finding]:
    """All findings but those about Python, packages and the output itself. data_dir: where everything is kept."""
    make_no_database()
    deadline = time.monotonic() + TOTAL_S
    exchange = Exchange(setup)
    findings = []
    for name, check in checks(setup, exchange, data_dir):
        limit_s = min(CHECK_S, deadline - time.monotonic())
        findings.append(bounded(name, guarded(name, check, exchange), limit_s))
    engine.close()
    return findings


def checks(setup: conf.Setup, exchange: Exchange, data_dir: Path) -> Sequence[tuple[str, Check]]:
    return (
        ("settings", lambda: settings_in_force(setup)),
        ("data folder", lambda: data_folder(data_dir)),
        ("key file", lambda: key_file(setup)),
        ("key id", lambda: key_id(setup)),
        ("clock", exchange.clock),
        ("signature", exchange.signature),
        ("scope", exchange.scope),
        ("balance", exchange.balance),
        ("positions", exchange.positions),
        ("cached call", exchange.cached_call),
        ("cache", lambda: of_health(health.cache())),
        ("database", database),
        ("migrations", lambda: of_health(health.migrations())),
        ("request function", lambda: request_function(setup)),
    )


def make_no_database() -> None:
    """Have SQLite open what is there and no more; by itself it makes an empty file of any name."""
    default = connections.settings[DEFAULT_DB_ALIAS]
    path = sqlite_path()
    if path is not None:
        default["NAME"] = f"{path.absolute().as_uri()}?mode=rw"
        # It would turn the file into one with a write-ahead log.
        default["OPTIONS"].pop("init_command", None)


def sqlite_path() -> Path | None:
    """The file of the database; None when it is none, or in memory."""
    default = connections.settings[DEFAULT_DB_ALIAS]
    name = str(default["NAME"])
    if not default["ENGINE"].endswith("sqlite3") or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(unquote(urlsplit(name).path)) if name.startswith("file:") else Path(name)


def guarded(name: str, check: Check, exchange: Exchange) -> Check:
    """The check, with a finding in place of an exception."""

    def guard() -> Finding:
        try:
            return check()
        except Untested as gap:
            return fail(name, f"not tested: {gap.reason}", gap.remedy)
        except EndpointOff as problem:
            return warn(name, problem.message, "Switch it on in the admin, unless it is off on purpose.")
        except KalshiError as problem:
            return fail(name, problem.message, exchange.remedy(problem))
        except Exception as problem:  # noqa: BLE001 - the others must go on, and the text may hold a secret
            kind = type(problem).__name__
            return fail(
                name, f"the check itself failed ({kind})", "Please report this as a bug of the product."
            )

    return guard


def bounded(name: str, check: Check, limit_s: float) -> Finding:
    """What the check finds within `limit_s`; it runs in a thread of its own, which is left behind when it hangs."""
    results: SimpleQueue[Finding] = SimpleQueue()

    def work() -> None:
        try:
            results.put(check())
        finally:
            connections.close_all()

    threading.Thread(target=work, name=f"verify-{name}", daemon=True).start()
    try:
        return results.get(timeout=max(0.1, limit_s))
    except Empty:
        return fail(
            name, "no result in time", "Look at what it needs: network, name server, database, Redis."
        )


def settings_in_force(setup: conf.Setup) -> Finding:
    route = choose(setup.base_url, os.environ if setup.network is None else setup.network)
    through = f" through the proxy {route.shown}" if route.proxy else ""
    return ok("settings", f"{setup.environment}, {setup.base_url}{through}")


def data_folder(path: Path) -> Finding:
    name = "data folder"
    if not path.exists():
        return fail(name, f"{path} does not exist", f"{MAKE_RUN}, or correct DATA_DIR.")
    opened = [file.name for file in path.iterdir() if file.is_file() and file.lstat().st_mode & 0o077]
    if opened:
        names = ", ".join(sorted(opened)[:SHOWN])
        return warn(name, f"{path}, where other users can read {names}", "Run chmod 600 on them.")
    return ok(name, str(path))


def key_file(setup: conf.Setup) -> Finding:
    name = "key file"
    try:
        credentials = engine.load_credentials(setup)
    except ConfigError as problem:
        return fail(name, problem.message, "README.md, section Credentials, shows every accepted form.")
    if credentials is None:
        return _without_credentials(name, setup)
    kind = {"rsa": "RSA", "ed25519": "Ed25519"}[credentials.kind]
    found = f"{kind} key from {credentials.source}"
    try:
        engine.load_credentials(replace(setup, allow_open_key_file=False))
    except ConfigError:
        return warn(name, f"{found}, which other users can read", "Run chmod 600 on it.")
    return ok(name, found)


def key_id(setup: conf.Setup) -> Finding:
    name = "key id"
    try:
        credentials = engine.load_credentials(setup)
    except ConfigError:
        return fail(name, "not tested: there is no usable credential", "See the line `key file`.")
    if credentials is None:
        return _without_credentials(name, setup)
    shown = masked_key_id(credentials.key_id)
    try:
        uuid.UUID(credentials.key_id)
    except ValueError:
        return warn(
            name, f"{shown} is no UUID, as Kalshi's key ids are", "Copy the key id from Kalshi again."
        )
    return ok(name, shown)


def _without_credentials(name: str, setup: conf.Setup) -> Finding:
    if setup.request_function is not None:
        return ok(name, "none needed: the request function signs")
    if setup.sandbox_keys_dir is not None:
        return fail(
            name, f"no credentials, and no sandbox has run yet in {setup.sandbox_keys_dir}", RUN_SANDBOX
        )
    return fail(name, "no credentials", "Set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH.")


def request_function(setup: conf.Setup) -> Finding:
    name = "request function"
    if setup.request_function is None:
        return ok(name, "none configured, none needed")
    try:
        load_function(setup.request_function)
    except ConfigError as problem:
        return fail(name, problem.message, "Correct KALSHI_REQUEST_FUNCTION, or unset it.")
    return ok(name, f"{setup.request_function} imports")


def database() -> Finding:
    path = sqlite_path()
    if path is not None and not path.exists():
        return fail("database", f"{path} does not exist", f"{MAKE_RUN}, or correct DATA_DIR or DATABASE_URL.")
    finding = of_health(health.database())
    if finding.status == "ok" or path is None:
        return finding
    return replace(finding, remedy=f"Restore {path} from a backup, or move it away and run `make run`.")


def of_health(check: health.Check) -> Finding:
    return ok(check.name, check.found) if check.ok else fail(check.name, check.found, check.remedy)
