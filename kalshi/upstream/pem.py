r"""Private key text in every shape that people and `.env` files produce -> a key object.

Understood: real newlines, literal \n, \r\n, an n whose backslash a shell ate, everything on one line, quotes
left in place, indentation, a byte order mark, base64 of the whole PEM, the base64 body without its header
lines, DER bytes. The kind is decided by the parsed key, never by the header line. Messages name the fault and
the remedy and never contain key text.
"""

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from kalshi.errors import ConfigError

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

MIN_RSA_BITS = 2048
_BLOCK = re.compile(r"-{3,}\s*BEGIN ([A-Z0-9 ]+?)\s*-{3,}(.*?)-{3,}\s*END \1\s*-{3,}", re.DOTALL)
_NOISE = re.compile(r"[\s\"'`\\]+")
_ESCAPED_NEWLINE = re.compile(r"(?:\\+r)?\\+n|\\+r")
_PATH_LIKE = re.compile(r"^(?:[~/.]|[A-Za-z]:[\\/])|\.(?:pem|key|txt|json|crt|cer|der)$", re.IGNORECASE)
_LOST_BACKSLASHES = re.compile(r"n(?:[A-Za-z0-9+/]{64}n)*[A-Za-z0-9+/=]{1,64}n")
_DER_SEQUENCE = 0x30


def parse_private_key(data: str | bytes, *, source: str) -> PrivateKey:
    """The key in `data`. `source` names where it came from, for the message. Raises ConfigError."""
    if isinstance(data, bytes):
        if data[:1] == bytes([_DER_SEQUENCE]) and (key := _key_of_der(data)) is not None:
            return _accepted(key, source)
        data = _text(data, source)
    blocks = [block.groups() for block in _BLOCK.finditer(_ESCAPED_NEWLINE.sub("\n", data))]
    if not blocks:
        return _headerless(data, source)
    private = [block for block in blocks if block[0].endswith("PRIVATE KEY")] or blocks
    if len(private) > 1:
        raise ConfigError(f"{source} holds more than one key; keep only the one that belongs to the key id.")
    label, body = private[0]
    _refuse_label(label, body, source)
    key = _key_of_body(body)
    if key is None:
        raise ConfigError(
            f"{source} has the header of a private key, but what follows cannot be read: the text is damaged"
            " or cut off. Save the key file again as Kalshi gave it."
        )
    return _accepted(key, source)


def _text(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{source} is not a text file; a PEM private key is expected.") from None


def _headerless(text: str, source: str) -> PrivateKey:
    """Base64 of a whole PEM, or the bare body of one."""
    if "BEGIN" in text or "-----" in text:
        raise ConfigError(
            f"{source} holds only a part of a PEM key. In a .env file put the whole key in double quotes, or"
            r" write it on one line with \n between the lines, or use KALSHI_PRIVATE_KEY_PATH."
        )
    decoded = _base64(_ESCAPED_NEWLINE.sub("\n", text).lstrip("\ufeff"))
    if decoded and b"-BEGIN " in decoded:
        return parse_private_key(decoded, source=source)
    key = _key_of_der(decoded) if decoded else None
    if key is not None:
        return _accepted(key, source)
    if decoded and _is_public(decoded):
        raise ConfigError(_WRONG_KIND["PUBLIC KEY"].format(source=source))
    if _PATH_LIKE.search(text.strip().strip("\"'")):
        raise ConfigError(f"{source} seems to hold a path; a path belongs in KALSHI_PRIVATE_KEY_PATH.")
    raise ConfigError(f"{source} holds no private key: a PEM text that starts with -----BEGIN is expected.")


_WRONG_KIND = {
    "PUBLIC KEY": "{source} holds a public key; the private key is needed, shown once on creation.",
    "CERTIFICATE": "{source} holds a certificate; Kalshi's API needs the private key of an API key.",
    "ENCRYPTED": "{source} holds a private key that is locked with a password; store it unlocked, mode 600.",
    "OPENSSH": "{source} holds an SSH key; Kalshi's API needs the PEM private key of an API key.",
    "EC": "{source} holds an elliptic-curve (EC) key; Kalshi takes RSA and Ed25519 keys only.",
    "DSA": "{source} holds a DSA key; Kalshi takes RSA and Ed25519 keys only.",
}


def _refuse_label(label: str, body: str, source: str) -> None:
    for words, message in _WRONG_KIND.items():
        if label.startswith(words) or label.endswith(words):
            raise ConfigError(message.format(source=source))
    if "ENCRYPTED" in body:
        raise ConfigError(_WRONG_KIND["ENCRYPTED"].format(source=source))
    if not label.endswith("PRIVATE KEY"):
        raise ConfigError(f"{source} holds a PEM block that is no private key.")


def _base64(text: str) -> bytes | None:
    compact = _NOISE.sub("", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _key_of_body(body: str) -> object | None:
    der = _base64(body)
    key = _key_of_der(der) if der else None
    if key is None and _LOST_BACKSLASHES.fullmatch(body.strip()):
        lines = re.findall(r"n([A-Za-z0-9+/=]{1,64})(?=n)", body)
        der = _base64("".join(lines))
        key = _key_of_der(der) if der else None
    return key


def _key_of_der(der: bytes) -> object | None:
    try:
        return load_der_private_key(der, password=None)
    except TypeError:
        return "locked"
    except (ValueError, UnsupportedAlgorithm):
        return None


def _is_public(der: bytes) -> bool:
    try:
        load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _accepted(key: object, source: str) -> PrivateKey:
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, RSAPrivateKey):
        if key.key_size < MIN_RSA_BITS:
            raise ConfigError(
                f"{source} holds an RSA key of {key.key_size} bits; at least {MIN_RSA_BITS} are needed."
            )
        return key
    if key == "locked":
        raise ConfigError(_WRONG_KIND["ENCRYPTED"].format(source=source))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(_WRONG_KIND["EC"].format(source=source))
    if isinstance(key, dsa.DSAPrivateKey):
        raise ConfigError(_WRONG_KIND["DSA"].format(source=source))
    raise ConfigError(f"{source} holds a key of a kind that Kalshi does not take; RSA and Ed25519 are taken.")
