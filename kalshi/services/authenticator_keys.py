"""The keys of authenticator apps, sealed and opened with this installation's key ring."""

from __future__ import annotations

from kalshi import conf
from kalshi.accounts import totp
from kalshi.accounts.ring import KeyRing, WrongRing
from kalshi.models import Authenticator
from kalshi.services import sealing_ring


def seal(device: Authenticator, key: bytes, ring: KeyRing | None = None) -> None:
    """Lay the key into the row, sealed for its `uid` and user; the caller saves the row.

    Raises ConfigError, of which NoRing and WrongRing are kinds.
    """
    ring = ring or sealing_ring.to_seal_with(conf.setup())
    device.sealed_key = totp.seal(ring, uid=str(device.uid), user=str(device.user_id), key=key)


def opened(device: Authenticator, setup: conf.Setup) -> bytes:
    """The key. Raises ConfigError, of which WrongRing is one, naming the remedy."""
    plain = totp.plain_key(device.sealed_key)
    if plain is not None:
        return plain
    ring = sealing_ring.to_open_with(setup)
    try:
        return totp.unseal(ring, device.sealed_key, uid=str(device.uid), user=str(device.user_id))
    except WrongRing as problem:
        raise WrongRing(f"The second factor of {device.user} cannot be opened. {problem.message}") from None
