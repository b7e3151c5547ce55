"""The optional second factor: time-based codes (TOTP) of an app, and recovery codes.

Whoever has one is not signed in before a code was right; there is no half signed-in session that could do anything.
django-otp computes the codes and slows guessing down: after each wrong one all are refused for twice as long as before.
"""

from __future__ import annotations

import base64
import logging
import math
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import segno
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP

from kalshi import conf
from kalshi.accounts.ring import NoRing
from kalshi.errors import ConfigError
from kalshi.models import Authenticator
from kalshi.services import authenticator_keys, recovery_codes
from kalshi.services.audit import Action, record

ISSUER = "Kalshi gateway"
"""What the app shows beside the name."""
KEY_BYTES = 20  # as long as the output of SHA-1, which RFC 4226 recommends
DIGITS = 6
OFFERED_S = 600
PENDING = 64
"""Keys whose picture is kept, some 20 KB each: it takes 20 ms to make, and is shown until the app is confirmed."""
TOLERANCE = 1  # steps of 30 s by which the app's clock may be off, each way

log = logging.getLogger("kalshi.second_factor")


class Unavailable(Exception):
    """An app cannot be set up or checked now: the key ring cannot seal or open its key, or another request sets one up.
    The message is for the person; the log has the details of a ring.
    """


class NoLongerOffered(Exception):
    """The app was offered too long ago, to another session, or never."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The key that an app may be given."""

    user: Any
    key: bytes = field(repr=False)

    @property
    def spelled(self) -> str:
        """For typing it in: groups of four characters."""
        text = base64.b32encode(self.key).decode()
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    @property
    def qr_svg(self) -> str:
        """An SVG for the app's camera; without styles, scripts and addresses."""
        return _qr_svg(self._url())

    def _url(self) -> str:
        """As https://github.com/google/google-authenticator/wiki/Key-Uri-Format has it."""
        query = {"secret": base64.b32encode(self.key).decode(), "issuer": ISSUER}
        return f"otpauth://totp/{quote(f'{ISSUER}:{self.user.get_username()}')}?{urlencode(query, quote_via=quote)}"


@lru_cache(PENDING)
def _qr_svg(url: str) -> str:
    code = segno.make(url, error="m")
    return str(code.svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True))


def is_on(user: Any) -> bool:
    """Whether signing in asks this person for a code."""
    found: bool = Authenticator.objects.filter(user=user, confirmed=True).exists()
    return found


def offered(user: Any, session: str) -> Offer:
    """What the person may add in this session, the same for OFFERED_S. Raises Unavailable.

    session: its key. What another session was shown before is not offered any more: whoever found that one open has
    seen it.
    """
    with _ring_needed("A second factor cannot be set up now"):
        theirs = Authenticator.objects.filter(user=user, confirmed=False)
        device = theirs.filter(_of(user, session)).first()
        if device is None:
            theirs.exclude(_of(user, session)).delete()
            made = Authenticator(user=user, uid=_uid(user, session))
            authenticator_keys.seal(made, secrets.token_bytes(KEY_BYTES))
            # Of several pages that are opened at once all show what the database took from the first.
            try:
                device, _ = theirs.get_or_create(
                    user=user, confirmed=False, uid=made.uid, defaults={"sealed_key": made.sealed_key}
                )
            except IntegrityError:  # of another session, or turned on meanwhile
                raise Unavailable(
                    "One was set up in another window just now. Open this page again."
                ) from None
        return Offer(user, authenticator_keys.opened(device, conf.setup()))


def confirm(user: Any, session: str, code: str) -> list[str] | None:
    """Turn on the app that this session was offered if the code is right, and return the recovery codes; None if it is
    wrong.

    Raises NoLongerOffered and Unavailable.
    """
    with _ring_needed("A second factor cannot be set up now"), transaction.atomic():
        theirs = Authenticator.objects.select_for_update().filter(user=user, confirmed=False)
        device = theirs.filter(_of(user, session)).first()
        if device is None:
            raise NoLongerOffered
        if not _is_right(device, code):
            return None
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        return new_recovery_codes(user)


def verify(user: Any, code: str) -> bool:
    """Whether a code of the app, or a recovery code, is right. Each is good once. Wrong ones are recorded.

    Raises Unavailable when the key of the app cannot be opened; recovery codes need no ring.
    """
    if _digits(code).isdigit():
        found = _app_shows(user, code)
    else:
        found = recovery_codes.spend(user, code)
        if found:
            details = {"left": recovery_codes.left(user)}
            record(Action.RECOVERY_CODE_USED, actor=user, target=user.get_username(), details=details)
    if not found:
        record(Action.SECOND_FACTOR_FAILED, actor=user, target=user.get_username())
    return found


def refused_for_s(user: Any) -> int:
    """Seconds for which every code of the app is refused because of wrong ones before; 0: none."""
    longest = 0.0
    for device in Authenticator.objects.filter(user=user, confirmed=True):
        allowed, why = device.verify_is_allowed()
        if not allowed and why:
            longest = max(longest, (why["locked_until"] - timezone.now()).total_seconds())
    return math.ceil(longest)


def remove(user: Any) -> None:
    """Take the second factor away, with its recovery codes. Needs no ring."""
    Authenticator.objects.filter(user=user).delete()
    recovery_codes.remove(user)


@transaction.atomic
def new_recovery_codes(user: Any) -> list[str]:
    """Make recovery codes, to be shown once, in place of those that were there."""
    codes = recovery_codes.replace(user)
    record(Action.RECOVERY_CODES_MADE, actor=user, target=user.get_username())
    return codes


def recovery_codes_left(user: Any) -> int:
    return recovery_codes.left(user)


def _app_shows(user: Any, code: str) -> bool:
    with _ring_needed("Codes of the app cannot be checked now"), transaction.atomic():
        devices = Authenticator.objects.select_for_update().filter(user=user, confirmed=True)
        return any(_is_right(device, code) for device in devices)


def _is_right(device: Authenticator, code: str) -> bool:
    """Of a row that is locked. Raises ConfigError, before anything is written."""
    if not device.verify_is_allowed()[0]:
        return False
    codes = TOTP(authenticator_keys.opened(device, conf.setup()), digits=DIGITS, drift=device.drift)
    codes.time = time.time()
    plain = _digits(code)
    # last_t: none is good twice, nor any before it.
    right = plain.isdecimal() and codes.verify(int(plain), TOLERANCE, device.last_t + 1)
    if right:
        device.last_t, device.drift = codes.t(), codes.drift
        device.throttle_reset(commit=False)
    else:
        device.throttle_increment(commit=False)
    changed = ["last_t", "drift", "throttling_failure_count", "throttling_failure_timestamp"]
    device.save(update_fields=changed)
    return bool(right)


def _of(user: Any, session: str) -> Q:
    """Rows of what is offered to this session now."""
    now = timezone.now()
    return Q(uid=_uid(user, session), created_at__gt=now - timedelta(seconds=OFFERED_S), created_at__lte=now)


def _uid(user: Any, session: str) -> UUID:
    """Of what a session is offered. A session has another key after a new password, and none after signing out."""
    return UUID(bytes=salted_hmac(__name__, f"{user.pk} {session}", algorithm="sha256").digest()[:16])


@contextmanager
def _ring_needed(sentence: str) -> Iterator[None]:
    """Tells the person what is the matter, and only the log what stands where."""
    try:
        yield
    except NoRing as problem:
        raise Unavailable(f"{sentence}: its key is stored sealed. {problem.message}") from None
    except ConfigError as problem:
        log.error("%s: %s", sentence, problem.message)  # noqa: TRY400 - the message says it all
        raise Unavailable(
            f"{sentence}: the server's key ring does not open what it sealed. Its administrator finds more in the log."
        ) from None


def _digits(code: str) -> str:
    return "".join(code.split())
