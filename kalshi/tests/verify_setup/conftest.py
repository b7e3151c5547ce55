"""One sandbox for all tests of the checks, and a set-up that they have nothing to say about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches

from kalshi import conf
from kalshi.services import engine
from kalshi.tests.servers import Sandbox, running


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    with running(Sandbox) as server:
        yield server


def of(sandbox: Sandbox) -> dict[str, Any]:
    """The part of a set-up that names this exchange and the key for it."""
    credentials = {
        "KALSHI_API_KEY_ID": sandbox.key_ids["rsa"],
        "KALSHI_PRIVATE_KEY_PATH": str(sandbox.key_path("rsa")),
    }
    return {"BASE_URL": sandbox.base_url, "CREDENTIALS": credentials}


@pytest.fixture
def configured(settings: Any, db: None, sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A set-up whose every check is good, in force; hand a changed one to `verified`."""
    settings.KALSHI = {"ENVIRONMENT": "demo", "CREDENTIALS_HOME": tmp_path} | of(sandbox)
    caches["kalshi"].clear()
    conf.forget()
    yield settings.KALSHI
    sandbox.heal()
    engine.close()
