#!/usr/bin/env python3
"""Check this installation: one line per check, what was found, and what to do about a fault.

    python3 verify_setup.py [--json]

Exit code 0 when nothing failed, else 1. Makes and changes nothing. Needs no running server, except the sandbox's where
there are no credentials. Runs with any Python: it goes on with that of .venv when its own has no Django.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"


def main() -> int:
    parser = argparse.ArgumentParser(description="Check this installation.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    as_json = parser.parse_args().json
    if sys.version_info < (3, 11) or importlib.util.find_spec("django") is None:
        return elsewhere(as_json=as_json)
    from dashboard.output import ends_with_its_reader
    from kalshi.services import verify_findings

    # What a request function prints when it is imported is no part of the output.
    with contextlib.redirect_stdout(sys.stderr):
        findings = verify_findings.without_secrets(*verified())
    with ends_with_its_reader():
        if as_json:
            print(json.dumps(verify_findings.as_json(findings)))
        else:
            print("\n".join(map(verify_findings.as_line, findings)))
    return 0 if verify_findings.all_good(findings) else 1


def elsewhere(*, as_json: bool) -> int:
    """Go on with the Python of .venv. Returns only when there is none, or when it is no better."""
    python = VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != VENV:
        os.execv(python, [str(python), __file__, *sys.argv[1:]])  # noqa: S606 - our own environment
    found, remedy = "this Python has no Django", "Run `make run`, which sets everything up."
    check = {"name": "dependencies", "status": "fail", "found": found, "remedy": remedy}
    print(
        json.dumps({"ok": False, "checks": [check]})
        if as_json
        else f"fail  dependencies  {found} -> {remedy}"
    )
    return 1


def verified() -> tuple[list[Any], list[str]]:
    """The findings, and the secrets that must not stand in them."""
    from kalshi.services import verify_findings, verify_versions

    findings = [verify_versions.python(), verify_versions.dependencies(ROOT / "requirements.txt")]
    secrets: list[str] = []
    try:
        setup = configured(secrets)
    except Exception as problem:  # noqa: BLE001 - any of them means that nothing else can be looked at
        findings.append(settings_fault(problem))
        return findings + verify_findings.after_settings_failed(), secrets
    from kalshi.services import verify, verify_secrets

    secrets += verify_secrets.known(setup)
    from django.conf import settings

    return findings + verify.run(setup, settings.DATA_DIR), secrets


def configured(secrets: list[str]) -> Any:
    """Set Django up and return the app's set-up; puts into `secrets` what must not be shown even when that fails."""
    import django

    from dashboard import data_dir, env

    data_dir.only_look()
    secrets += env.secrets(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()
    logging.disable()
    from kalshi import conf

    return conf.setup()


def settings_fault(problem: Exception) -> Any:
    from django.core.exceptions import ImproperlyConfigured

    from kalshi.services import verify_findings, verify_versions

    if isinstance(problem, ImproperlyConfigured):
        return verify_findings.fail("settings", str(problem), "Correct it in the environment or in .env.")
    if isinstance(problem, ImportError):
        return verify_findings.fail(
            "settings", f"{problem.name} cannot be imported", verify_versions.MAKE_RUN
        )
    found = f"reading them failed ({type(problem).__name__})"
    return verify_findings.fail("settings", found, "Please report this as a bug of the product.")


if __name__ == "__main__":
    sys.exit(main())
