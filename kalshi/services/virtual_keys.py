"""Virtual keys: the gateway's own key pairs, with which existing Kalshi clients sign their requests to it.

The private half is made here, handed out once and forgotten; the row keeps the public half.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.core.exceptions import ValidationError
from django.utils import timezone

from kalshi.errors import BadRequest
from kalshi.models import Account, Grant, VirtualKey
from kalshi.services import access
from kalshi.upstream.endpoints import ENDPOINTS

RSA_BITS = 2048
# What Kalshi's own RSA keys look like; Ed25519 knows PKCS#8 only.
_RSA_FORM, _ED25519_FORM = pem.PrivateFormat.TraditionalOpenSSL, pem.PrivateFormat.PKCS8


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key. `private_key`: PEM, unlocked; this is the only moment at which it exists here."""

    key: VirtualKey
    private_key: str = field(repr=False)


def operations() -> list[str]:
    """The operations that a key can allow."""
    return sorted(operation for operation, endpoint in ENDPOINTS.items() if endpoint.route is not None)


def issue(
    user: Any,
    account: Account,
    label: str,
    *,
    key_type: str = VirtualKey.KeyType.RSA,
    allowed: Sequence[str] = (),
    requests_per_s: float | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """A new key of `user` for `account`. Raises BadRequest with a sentence about what is not allowed.

    allowed: names of operations; none: all. Whether the person who asks may give keys is not judged here.
    """
    if not access.may(user, account, Grant.Role.VIEWER):
        raise BadRequest(f"{user} may not see the account {account.slug}; grant it first.")
    unknown = sorted(set(allowed) - set(operations()))
    if unknown:
        raise BadRequest(f"There is no operation {unknown[0][:60]!r}; known are {', '.join(operations())}.")
    if expires_at is not None and expires_at <= timezone.now():
        raise BadRequest("The expiry lies in the past.")
    if requests_per_s is not None and not math.isfinite(requests_per_s):
        raise BadRequest("requests_per_s: a number is needed.")
    private_key, public_key = _key_pair(key_type)
    key = VirtualKey(
        user=user,
        account=account,
        label=label.strip(),
        key_type=key_type,
        public_key=public_key,
        operations=sorted(set(allowed)),
        requests_per_s=requests_per_s,
        expires_at=expires_at,
    )
    try:
        key.full_clean()
    except ValidationError as problem:
        name, messages = next(iter(problem.message_dict.items()))
        raise BadRequest(f"{name}: {messages[0]}") from None
    key.save()
    return Issued(key, private_key)


def _key_pair(key_type: str) -> tuple[str, str]:
    """Private and public half, both PEM."""
    if key_type not in VirtualKey.KeyType.values:
        raise BadRequest(f"The key type must be one of {', '.join(VirtualKey.KeyType.values)}.")
    is_rsa = key_type == VirtualKey.KeyType.RSA
    private = generate_private_key(65537, RSA_BITS) if is_rsa else Ed25519PrivateKey.generate()
    form = _RSA_FORM if is_rsa else _ED25519_FORM
    secret = private.private_bytes(pem.Encoding.PEM, form, pem.NoEncryption())
    public = private.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), public.decode()


def revoke(key: VirtualKey) -> None:
    """For good; in force everywhere within two seconds. A key that is revoked already keeps its moment."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])


def named(key_id: str) -> VirtualKey | None:
    """The key of this id, good or not, with its owner and account. Only the one spelling that was handed out counts."""
    try:
        known = uuid.UUID(key_id)
    except ValueError:
        return None
    if str(known) != key_id:
        return None
    return VirtualKey.objects.select_related("user", "account").filter(key_id=known).first()


def listed(user: Any | None = None) -> list[VirtualKey]:
    """All keys, or those of one person, newest first."""
    rows = VirtualKey.objects.select_related("user", "account")
    return list(rows if user is None else rows.filter(user=user))


def state(key: VirtualKey) -> str:
    """In a word: good, blocked, revoked or expired."""
    if key.revoked_at is not None:
        return "revoked"
    if key.blocked:
        return "blocked"
    return "good" if key.is_good else "expired"
