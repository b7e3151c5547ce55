"""The optional second factor: time-based codes (TOTP) and recovery codes, by django-otp.

Whoever has one is not signed in before a code was right; there is no half signed-in session that could do anything.
django-otp slows down guessing: after each wrong code the device refuses all for twice as long as before.
"""

from __future__ import annotations

import base64
import math
import secrets
from typing import Any

import segno
from django.db import transaction
from django.utils import timezone
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from kalshi.services.audit import Action, record

RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike
_HALF = 5  # of the ten characters of a recovery code: 49 bits


def is_on(user: Any) -> bool:
    """Whether signing in asks this person for a code."""
    found: bool = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    return found


def offered(user: Any) -> TOTPDevice:
    """The device that the person may add, the same until it is confirmed."""
    device, _ = TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "authenticator"}
    )
    return device


def qr_svg(device: TOTPDevice) -> str:
    """The device's key as an SVG for an authenticator app; without styles, scripts and addresses."""
    code = segno.make(device.config_url, error="m")
    return str(code.svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True))


def spelled(device: TOTPDevice) -> str:
    """The device's key for typing it in: groups of four characters."""
    key = base64.b32encode(device.bin_key).decode()
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def confirm(user: Any, code: str) -> list[str] | None:
    """Turn the offered device on if the code is right, and return the recovery codes; None if it is wrong."""
    device = offered(user)
    with transaction.atomic():
        if verify_token(user, device.persistent_id, _digits(code)) is None:
            return None
        device.refresh_from_db()
        device.confirmed = True
        device.save()
        return new_recovery_codes(user)


def verify(user: Any, code: str) -> bool:
    """Whether a code of the app, or a recovery code, is right. Each is good once. Wrong ones are recorded."""
    is_recovery = not _digits(code).isdigit()
    model = StaticDevice if is_recovery else TOTPDevice
    for device in model.objects.filter(user=user, confirmed=True):
        if verify_token(user, device.persistent_id, _plain(code) if is_recovery else _digits(code)):
            if is_recovery:
                left = recovery_codes_left(user)
                record(
                    Action.RECOVERY_CODE_USED, actor=user, target=user.get_username(), details={"left": left}
                )
            return True
    record(Action.SECOND_FACTOR_FAILED, actor=user, target=user.get_username())
    return False


def refused_for_s(user: Any) -> int:
    """Seconds for which every code of the app is refused because of wrong ones before; 0: none."""
    longest = 0.0
    for device in TOTPDevice.objects.filter(user=user, confirmed=True):
        allowed, why = device.verify_is_allowed()
        if not allowed and why:
            longest = max(longest, (why["locked_until"] - timezone.now()).total_seconds())
    return math.ceil(longest)


def remove(user: Any) -> None:
    """Take the second factor away, with its recovery codes."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).delete()


@transaction.atomic
def new_recovery_codes(user: Any) -> list[str]:
    """Make recovery codes, to be shown once, in place of those that were there."""
    device, _ = StaticDevice.objects.get_or_create(
        user=user, confirmed=True, defaults={"name": "recovery codes"}
    )
    device.token_set.all().delete()
    halves = [
        ["".join(secrets.choice(_ALPHABET) for _ in range(_HALF)) for _ in "12"]
        for _ in range(RECOVERY_CODES)
    ]
    StaticToken.objects.bulk_create([StaticToken(device=device, token="".join(pair)) for pair in halves])
    record(Action.RECOVERY_CODES_MADE, actor=user, target=user.get_username())
    return ["-".join(pair) for pair in halves]


def recovery_codes_left(user: Any) -> int:
    count: int = StaticToken.objects.filter(device__user=user, device__confirmed=True).count()
    return count


def _digits(code: str) -> str:
    return "".join(code.split())


def _plain(code: str) -> str:
    return _digits(code).replace("-", "").lower()[:16]
