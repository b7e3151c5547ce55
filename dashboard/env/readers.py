"""Readers: the text of a variable, without surrounding blanks, into its value. What is allowed is their ValueError."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from kalshi.accounts.ring import from_text
from kalshi.errors import ConfigError

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
SHORTEST_SIGNING_KEY = 32
SHOWN_CHARACTERS = 80
SWITCH_WORDS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


class Refused(ValueError):
    """A value that is best told by what is wrong with it. `found` follows the variable's name and holds no secret."""

    def __init__(self, found: str, allowed: str) -> None:
        super().__init__(allowed)
        self.found = found


def without_password(value: str) -> str:
    """The beginning of a value, for a sentence; what stands before an @ in an address is masked."""
    return re.sub(r"(//|^)[^/]*@", r"\1***@", value)[:SHOWN_CHARACTERS]


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    try:
        expanded = Path(value).expanduser()
    except RuntimeError:  # ~somebody, whom this machine does not know
        raise ValueError("a path; ~ stands for the home folder") from None
    if "\0" in value:
        raise ValueError("a path")
    return expanded


def switch(value: str) -> bool:
    if value.lower() not in SWITCH_WORDS:
        raise ValueError("1 or 0 (also true, false, yes, no, on, off)")
    return SWITCH_WORDS[value.lower()]


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        # float() alone would take nan, inf and digits of every script.
        if not re.fullmatch(r"[0-9]{0,9}\.?[0-9]{1,9}", value) or not low <= float(value) <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def choice(*options: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in options:
            raise ValueError("one of " + ", ".join(options))
        return value.lower()

    return read


def signing_key(value: str) -> str:
    # Who guesses it signs in as anybody; the prefix marks those of published examples.
    if len(value) < SHORTEST_SIGNING_KEY or value.startswith("django-insecure-"):
        raise ValueError(
            f"at least {SHORTEST_SIGNING_KEY} random characters that do not begin with django-insecure-; "
            "leave it out to have one generated"
        )
    return value


def key_ring(value: str) -> str:
    try:
        from_text(value, source="KALSHI_KEY_RING")
    except ConfigError:
        raise ValueError(
            "different keys of 44 characters (32 random bytes in URL-safe base64), separated by commas"
        ) from None
    return value


def dotted(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value):
        raise ValueError("a dotted path such as daemon.client.signed_request")
    return value


def listen_address(value: str) -> str:
    if not is_address(value) and not HOST_NAME.fullmatch(value):
        raise ValueError("an IP address or host name of this machine, such as 127.0.0.1 or 0.0.0.0")
    return value


def several(read_one: Callable[[str], str], allowed: str) -> Callable[[str], tuple[str, ...]]:
    """Values separated by commas, each as `read_one` gives it; its ValueError needs no words."""

    def read(value: str) -> tuple[str, ...]:
        words = [word.strip() for word in value.split(",") if word.strip()]
        if not words:
            raise ValueError(f"{allowed}, separated by commas")
        found = []
        for word in words:
            try:
                found.append(read_one(word))
            except ValueError:
                raise Refused(f"has {without_password(word)!r}", f"{allowed}, separated by commas") from None
        return tuple(dict.fromkeys(found))

    return read


def is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def network(value: str) -> str:
    ipaddress.ip_network(value)
    return value
