"""The account's two API keys, made once and kept in a folder."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey


class KeysError(Exception):
    """The folder cannot be used; the text is one sentence for the person who started the sandbox."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Key ids by name (`rsa`, `ed25519`) and public keys by key id; private keys stay in their files."""

    ids: dict[str, str]
    public: dict[str, PublicKey]


def load_or_make(folder: Path) -> ApiKeys:
    """Read the keys of a folder, making what is missing (private keys with mode 600). Raises KeysError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ids = load_ids(folder / "keys.json")
        keys = {
            "rsa": load_key(folder / "rsa.pem", RSAPrivateKey),
            "ed25519": load_key(folder / "ed25519.pem", Ed25519PrivateKey),
        }
    except OSError as problem:
        raise KeysError(
            f"The keys folder {folder} cannot be used: {problem.strerror or problem}."
        ) from problem
    return ApiKeys(ids, {ids[name]: key.public_key() for name, key in keys.items()})


def load_ids(path: Path) -> dict[str, str]:
    if path.exists():
        try:
            ids = json.loads(path.read_text())
            return {name: str(uuid.UUID(ids[name])) for name in ("rsa", "ed25519")}
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise KeysError(
                f"{path} does not hold the two key ids; delete it to have new ones made."
            ) from problem
    ids = {name: str(uuid.uuid4()) for name in ("rsa", "ed25519")}
    path.write_text(json.dumps(ids, indent=1) + "\n")
    return ids


def load_key(path: Path, kind: type[PrivateKey]) -> PrivateKey:
    if path.exists():
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
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
