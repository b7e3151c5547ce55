"""Somebody with a password, and with a second factor; nobody has tried to sign in yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kalshi.accounts import recovery
from kalshi.services import engine
from kalshi.tests.sign_in.people import PASSWORD, turn_on


@pytest.fixture(autouse=True)
def _nobody_tried() -> Iterator[None]:
    engine.close()
    yield
    engine.close()


@pytest.fixture(autouse=True)
def _sealing(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key ring of this test alone; hashes that take no time."""
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": tmp_path / "key_ring"}
    monkeypatch.setattr(recovery, "COST", 2)


@pytest.fixture
def person(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("trader", password=PASSWORD, is_staff=True)


@pytest.fixture
def codes(person: Any) -> list[str]:
    """The recovery codes of a person whose second factor is on."""
    return turn_on(person)
