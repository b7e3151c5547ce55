"""The accounts' API keys with their scopes, made once and kept in a folder.

`keys.json` names the first account's two keys, which every reader of earlier versions knows; `accounts.json` describes
all keys of all accounts.
"""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.account.style import FIRST, HOLDERS, SECOND
from sandbox.key_files import KINDS, KeysError, PublicKey, load_or_make_key

READ, WRITE, BALANCE = "read", "write", "read::portfolio_balance"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """A key that the sandbox keeps: whose it is, what it may do, the subaccount it is bound to if any."""

    account: str
    name: str
    kind: str
    file: str
    scopes: tuple[str, ...] = (READ,)
    subaccount: int | None = None


KEYS = (
    KeySpec(FIRST, "rsa", "rsa", "rsa.pem"),
    KeySpec(FIRST, "ed25519", "ed25519", "ed25519.pem"),
    KeySpec(FIRST, "write", "ed25519", "first-write.pem", (READ, WRITE)),
    KeySpec(FIRST, "trade", "ed25519", "first-trade.pem", ("write::trade",)),
    KeySpec(FIRST, "balance", "ed25519", "first-balance.pem", (BALANCE,)),
    KeySpec(FIRST, "subaccount-1", "ed25519", "first-subaccount-1.pem", subaccount=1),
    KeySpec(SECOND, "rsa", "rsa", "second-rsa.pem", (READ, WRITE)),
    KeySpec(SECOND, "ed25519", "ed25519", "second-ed25519.pem"),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the exchange knows it: the private half stays in its file."""

    key_id: str
    spec: KeySpec
    public: PublicKey

    @property
    def account(self) -> str:
        return self.spec.account

    @property
    def subaccount(self) -> int | None:
        return self.spec.subaccount

    def allows(self, *scopes: str) -> bool:
        """Whether any of these scopes is granted, by itself or by its parent (`read` of `read::x`)."""
        granted = self.spec.scopes
        return any(scope in granted or scope.partition("::")[0] in granted for scope in scopes)

    @property
    def writes(self) -> bool:
        return any(scope.partition("::")[0] == WRITE for scope in self.spec.scopes)


ApiKeys = Mapping[str, ApiKey]


def load_or_make(folder: Path) -> ApiKeys:
    """The keys of a folder by key id, making what is missing (private keys with mode 600). Raises KeysError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ids = load_ids(folder / "keys.json")
        private = {spec: load_or_make_key(folder / spec.file, KINDS[spec.kind]) for spec in KEYS}
        ids |= further_ids(folder / "accounts.json", ids)
    except OSError as problem:
        raise KeysError(
            f"The keys folder {folder} cannot be used: {problem.strerror or problem}."
        ) from problem
    keys = [ApiKey(ids[spec.file], spec, key.public_key()) for spec, key in private.items()]
    return {key.key_id: key for key in keys}


def load_ids(path: Path) -> dict[str, str]:
    """Key ids of the first account's two keys by file name."""
    names = ("rsa", "ed25519")
    if path.exists():
        try:
            ids = json.loads(path.read_text())
            return {f"{name}.pem": str(uuid.UUID(ids[name])) for name in names}
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise KeysError(
                f"{path} does not hold the two key ids; delete it to have new ones made."
            ) from problem
    ids = {name: str(uuid.uuid4()) for name in names}
    path.write_text(json.dumps(ids, indent=1) + "\n")
    return {f"{name}.pem": key_id for name, key_id in ids.items()}


def further_ids(path: Path, ids: Mapping[str, str]) -> dict[str, str]:
    """Key ids of the other keys by file name; the description is written anew where it no longer fits."""
    text = path.read_text() if path.exists() else ""
    known = described_ids(path, text) if text else {}
    further = {spec.file: known.get(spec.file) or str(uuid.uuid4()) for spec in KEYS if spec.file not in ids}
    wanted = json.dumps(description({**further, **ids}), indent=1) + "\n"
    if wanted != text:
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(wanted)
        fresh.replace(path)
    return further


def described_ids(path: Path, text: str) -> dict[str, str]:
    try:
        accounts = json.loads(text)["accounts"]
        return {
            key["file"]: str(uuid.UUID(key["api_key_id"])) for account in accounts for key in account["keys"]
        }
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise KeysError(f"{path} does not describe the keys; delete it to have it made anew.") from problem


def description(ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "accounts": [
            {
                "account": holder.name,
                "subaccounts": list(holder.styles),
                "keys": [
                    {"api_key_id": ids[spec.file], **asdict(spec)}
                    for spec in KEYS
                    if spec.account == holder.name
                ],
            }
            for holder in HOLDERS
        ]
    }
