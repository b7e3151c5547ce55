"""The key ring of this installation: which one it is, and when it may seal something."""

from __future__ import annotations

from kalshi import conf
from kalshi.accounts import ring as rings
from kalshi.accounts.ring import KeyRing, NoRing, WrongRing
from kalshi.accounts.totp import PLAIN
from kalshi.models import Account, Authenticator


def in_use(setup: conf.Setup) -> KeyRing | None:
    """None when there is none. Raises ConfigError or WrongRing for one that cannot be used."""
    if setup.key_ring:
        return rings.from_text(setup.key_ring, source="KALSHI_KEY_RING")
    return None if setup.key_ring_file is None else rings.from_file(setup.key_ring_file)


def to_open_with(setup: conf.Setup) -> KeyRing:
    """Raises WrongRing, naming the remedy, when there is none."""
    ring = in_use(setup)
    if ring is None:
        raise WrongRing(
            "There is no key ring, so what was sealed cannot be opened. Put back the one with which it was sealed: "
            f"KALSHI_KEY_RING, or the file {setup.key_ring_file}."
        )
    return ring


def to_seal_with(setup: conf.Setup) -> KeyRing:
    """The ring, made when nothing was ever sealed. One that does not open what is there seals nothing more.

    Raises NoRing when none is configured, WrongRing for one that is missing or does not fit.
    """
    ring = in_use(setup)
    sealed = _examples()
    if ring is None and sealed:
        raise WrongRing(
            "The key ring is missing, and keys of accounts or second factors are sealed with it: none is made anew. "
            f"Put it back (KALSHI_KEY_RING, or the file {setup.key_ring_file}), or remove what was sealed."
        )
    if ring is None:
        if setup.key_ring_file is None:
            raise NoRing("There is no key ring: set KALSHI_KEY_RING, or KEY_RING_FILE in settings.KALSHI.")
        return rings.make_file(setup.key_ring_file)
    for text in sealed:
        ring.open(text)
    return ring


def _examples() -> list[str]:
    """One sealed text of each kind."""
    accounts = Account.objects.exclude(sealed_key="")
    factors = Authenticator.objects.exclude(sealed_key__startswith=PLAIN)
    return [
        *accounts.values_list("sealed_key", flat=True)[:1],
        *factors.values_list("sealed_key", flat=True)[:1],
    ]
