"""Which signatures the gateway takes. Whatever is changed about a signed request, it is no longer one."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from hypothesis import assume, given
from hypothesis import strategies as st

from kalshi.services.signed_requests import fault, parsed, verifier

NOW_MS = 1_795_187_045_123
METHOD, PATH, TIMESTAMP = b"GET", b"/trade-api/v2/portfolio/orders", b"1795187045123"
RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()
COVERED = METHOD + PATH
KEYS: dict[str, RSAPrivateKey | Ed25519PrivateKey] = {"rsa": RSA, "ed25519": ED25519}


def signed(key: RSAPrivateKey | Ed25519PrivateKey, message: bytes, salt: int = 32) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return base64.b64encode(key.sign(message))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    return base64.b64encode(key.sign(message, pss, hashes.SHA256()))


def public_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    form = pem.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(pem.Encoding.PEM, form).decode()


GOOD = {kind: signed(key, TIMESTAMP + METHOD + PATH) for kind, key in KEYS.items()}


@pytest.mark.parametrize("kind", KEYS)
def test_a_signature_as_kalshi_wants_it_is_taken_each_time(kind: str) -> None:
    verify = verifier(parsed(public_pem(KEYS[kind])))
    for _ in range(2):
        assert fault(verify, COVERED, TIMESTAMP, GOOD[kind], now_ms=NOW_MS) is None


@pytest.mark.parametrize(
    ("skew_ms", "expected"), [(-15_000, None), (15_000, None), (-15_001, "late"), (15_001, "late")]
)
def test_a_timestamp_may_be_fifteen_seconds_off(skew_ms: int, expected: str | None) -> None:
    verify = verifier(ED25519.public_key())
    assert fault(verify, COVERED, TIMESTAMP, GOOD["ed25519"], now_ms=NOW_MS + skew_ms) == expected


@pytest.mark.parametrize("text", ["", "now", "-1", "1795187045.1", "1" * 400, "١٧٩٥", " 1795187045123"])
def test_a_timestamp_that_is_no_number_is_late(text: str) -> None:
    verify, sent = verifier(ED25519.public_key()), text.encode()
    assert fault(verify, COVERED, sent, signed(ED25519, sent + COVERED), now_ms=NOW_MS) == "late"


@pytest.mark.parametrize("salt", [0, 20, 222])
def test_another_salt_length_is_refused(salt: int) -> None:
    signature = signed(RSA, TIMESTAMP + METHOD + PATH, salt)
    assert fault(verifier(RSA.public_key()), COVERED, TIMESTAMP, signature, now_ms=NOW_MS) == "wrong"


def test_the_old_padding_and_the_other_key_are_refused() -> None:
    old = base64.b64encode(RSA.sign(TIMESTAMP + METHOD + PATH, padding.PKCS1v15(), hashes.SHA256()))
    for key, signature in ((RSA, old), (RSA, GOOD["ed25519"]), (ED25519, GOOD["rsa"])):
        assert fault(verifier(key.public_key()), COVERED, TIMESTAMP, signature, now_ms=NOW_MS) == "wrong"


PIECES = st.sampled_from(["method", "path", "timestamp", "signature"])


@given(kind=st.sampled_from(sorted(KEYS)), piece=PIECES, data=st.data())
def test_no_change_of_any_part_passes(kind: str, piece: str, data: st.DataObject) -> None:
    parts = {"method": METHOD, "path": PATH, "timestamp": TIMESTAMP, "signature": GOOD[kind]}
    good = parts[piece]
    at = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(at, min(len(good), at + 3)))
    near = st.sampled_from([b"", *(bytes([code]) for code in range(256)), b"==", b"%2F", b"//", b"0"])
    changed = good[:at] + data.draw(near | st.binary(max_size=4)) + good[end:]
    assume(changed != good)
    parts[piece] = changed
    found = fault(
        verifier(KEYS[kind].public_key()),
        parts["method"] + parts["path"],
        parts["timestamp"],
        parts["signature"],
        now_ms=NOW_MS,
    )
    assert found is not None


@pytest.mark.parametrize("kind", KEYS)
def test_a_signature_has_one_spelling(kind: str) -> None:
    # In the last character before the padding some bits mean nothing.
    body = GOOD[kind].rstrip(b"=")
    padding_ = GOOD[kind][len(body) :]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    verify = verifier(KEYS[kind].public_key())
    spellings = [body[:-1] + bytes([char]) + padding_ for char in alphabet]
    taken = [fault(verify, COVERED, TIMESTAMP, text, now_ms=NOW_MS) is None for text in spellings]
    assert sum(taken) == 1
