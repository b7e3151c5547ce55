"""Private keys in PEM files: read, or made and written for the owner alone."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey
KINDS: dict[str, type[PrivateKey]] = {"rsa": RSAPrivateKey, "ed25519": Ed25519PrivateKey}


class KeysError(Exception):
    """The folder cannot be used; the text is one sentence for the person who started the sandbox."""


def load_or_make_key(path: Path, kind: type[PrivateKey]) -> PrivateKey:
    """Raises KeysError for a spoiled file, OSError for one that cannot be read or written."""
    if path.exists():
        try:
            # Proving that an RSA key's numbers are prime takes 0.1 s, and these keys were made here.
            key = serialization.load_pem_private_key(
                path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True
            )
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise KeysError(
                f"{path} is no readable private key; delete it to have a new one made."
            ) from problem
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey) or not isinstance(key, kind):
            raise KeysError(f"{path} holds a key of another kind; delete it to have a new one made.")
        return key
    key = generate_private_key(65537, 2048) if kind is RSAPrivateKey else Ed25519PrivateKey.generate()
    write_private(path, key)
    return key


def write_private(path: Path, key: PrivateKey) -> None:
    """Readable for the owner alone from its first byte on."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
