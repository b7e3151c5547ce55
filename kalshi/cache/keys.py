"""Cache keys: money of one environment, host, account or API key can never answer for another. Pure.

    kalshi:1:<environment>:<host>:<public | account.fingerprint>:<operation>:<path?params>

Every part is percent-encoded, so the separators are unambiguous and only safe characters remain. Keys
longer than MAX_LENGTH carry the SHA-256 of what did not fit, after a `*`, which encoding never yields.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from kalshi.redis_link import PREFIX

MAX_LENGTH = 200
PARTS = 5
"""Of a key after the prefix: environment, host, owner, operation, question."""
_PUBLIC = "public"
_FINGERPRINT = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data: environment ("prod"), upstream host, our account's immutable id, fingerprint of the API
    key.

    key_fingerprint: the first 8 hex digits of SHA-256 of the key id, or "" without credentials. Anything
    else is refused, because a key id handed over by mistake would end up in the cache.
    """

    environment: str
    host: str
    account: str
    key_fingerprint: str

    def __post_init__(self) -> None:
        if self.key_fingerprint and not _FINGERPRINT.fullmatch(self.key_fingerprint):
            raise ValueError("key_fingerprint is the first 8 hex digits of SHA-256 of the key id")

    @property
    def host_name(self) -> str:
        """The host and its environment, as they stand in keys."""
        return f"{_part(self.environment)}:{_part(self.host)}"

    @property
    def account_name(self) -> str:
        """The account and its key, as they stand in keys."""
        return f"{self.host_name}:{_part(self.account)}.{self.key_fingerprint}"

    @property
    def budget_name(self) -> str:
        """Whose budget it is, as it stands in keys: Kalshi counts by key, whichever of our accounts uses it."""
        return f"{self.host_name}:key.{self.key_fingerprint}"

    @property
    def public_name(self) -> str:
        """What needs no key, as it stands in keys."""
        return f"{self.host_name}:{_PUBLIC}"


def cache_key(
    scope: Scope, operation: str, signed: bool, path: str, params: Iterable[tuple[str, str]] = ()
) -> str:
    """The key of one call. path: filled in, without prefix; params: normalised and sorted.

    Unsigned operations are shared by all accounts. ValueError for a signed one without a fingerprint: nobody
    could tell whose data it is.
    """
    if signed and not scope.key_fingerprint:
        raise ValueError(f"{operation} is signed, and the scope names no API key")
    owner = scope.account_name if signed else scope.public_name
    head = f"{PREFIX}:{owner}:{_part(operation)}"
    query = "&".join(f"{_part(name)}={_part(value)}" for name, value in params)
    tail = f"{quote(path, safe='/', errors='surrogatepass')}?{query}"
    for key in (f"{head}:{tail}", f"{head}:{_digest(tail)}"):
        if len(key) <= MAX_LENGTH:
            return key
    return f"{PREFIX}:{_digest(f'{head}:{tail}')}"


def owner_of(name: str) -> str:
    """Whose memory an entry takes: "" for public ones, else the account's immutable id, whatever its key. name: the
    key, as it is or behind what a Django cache puts before it. "?" for a key that does not tell.
    """
    parts = name.partition(f"{PREFIX}:")[2].split(":")
    if len(parts) != PARTS:
        return "?"
    return "" if parts[2] == _PUBLIC else parts[2].rpartition(".")[0]


def _part(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _digest(text: str) -> str:
    return f"*{sha256(text.encode()).hexdigest()}"
