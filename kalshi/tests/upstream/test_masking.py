"""Key ids and signatures in what the exchange sends: gone in every spelling, and nothing else is."""

import base64
import html
import json
import random
import re
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi.errors import UpstreamRefused
from kalshi.upstream.error_bodies import MAX_ERROR_BODY, error_of

KEY_ID = "3f0c9d1e-7a54-4b1c-9d7f-6a2b8c5e0f11"


def in_lines(length: int, end: str) -> Callable[[str], str]:
    return lambda text: end.join(text[at : at + length] for at in range(0, len(text), length))


def each(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(char)) for char in text)


def as_named(text: str) -> str:
    return text.replace("+", "&plus;").replace("/", "&sol;").replace("=", "&equals;")


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "numbered entities": each("&#{};"),
    "entities in hex": each("&#x{:02X};"),
    "named entities": as_named,
    "escaped entities": lambda text: html.escape(as_named(text)),
    "entities as Go writes them": lambda text: each("&#{};")(text).replace("&", "\\u0026"),
    "lines of 64": in_lines(64, "\\n"),
    "lines of 76": in_lines(76, "\\r\\n"),
    "lines in URLs": lambda text: quote(in_lines(64, "\r\n")(text), safe=""),
    "lines in HTML": in_lines(76, "&#10;"),
    "groups": in_lines(4, " "),
    "slashes": lambda text: text.replace("/", "\\/"),
    "JSON in JSON": lambda text: text.replace("/", "\\\\\\/"),
    "escapes": each("\\u{:04x}"),
    "escapes in JSON in JSON": each("\\\\u{:04x}"),
    "bytes": each("\\\\x{:02x}"),
    "URL": lambda text: quote(text, safe=""),
    "URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "all of it as a URL": each("%{:02X}"),
    "as old scripts": each("%u{:04x}"),
    "other signs": lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
    "a form": lambda text: text.replace("+", " "),
}
CUT: dict[str, Callable[[str], str]] = {
    "without its end": lambda text: text.rstrip("=")[:-5],
    "without its beginning": lambda text: text[5:],
    "without both": lambda text: text[3:-6],
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@settings(max_examples=20)
@given(seed=st.integers(min_value=0), size=st.sampled_from([64, 256]))
def test_a_signature_is_masked_however_it_is_spelt(
    spelling: Callable[[str], str], seed: int, size: int
) -> None:
    signature = base64.b64encode(random.Random(seed).randbytes(size)).decode()
    assert seen(spelling(signature), signature) == "no *** here"


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_key_id_is_masked_however_it_is_spelt(spelling: Callable[[str], str]) -> None:
    assert seen(spelling(KEY_ID), KEY_ID) == "no *** here"


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT.keys())
@given(seed=st.integers(min_value=0), size=st.sampled_from([64, 256]))
def test_a_signature_that_was_cut_off_is_masked_too(cut: Callable[[str], str], seed: int, size: int) -> None:
    signature = base64.b64encode(random.Random(seed).randbytes(size)).decode()
    # A letter beside it may pass for the one that is missing.
    assert re.fullmatch(r"n?o? ?\*\*\* ?h?e?r?e?", seen(cut(signature), signature))


def seen(spelt: str, secret: str) -> str:
    body = f'{{"error":{{"code":"x","message":"no {spelt} here"}}}}'.encode()
    error = error_of(400, {}, body, secrets=["", secret])
    message = " ".join(json.loads(error.upstream_body)["error"]["message"].split())
    assert isinstance(error, UpstreamRefused) and message in error.message
    return message


def test_two_secrets_and_each_of_their_occurrences_are_masked() -> None:
    other = "".join(f"{number**2:x}" for number in range(100, 120))
    body = f'{{"msg":"{KEY_ID},{other} {other};{KEY_ID}"}}'.encode()
    assert error_of(400, {}, body, secrets=[other, KEY_ID]).upstream_body == b'{"msg":"***,*** ***;***"}'


@given(text=st.text(st.characters(codec="utf-8")))
def test_what_holds_no_secret_stays_byte_for_byte(text: str) -> None:
    body = json.dumps({"msg": text}).encode()
    assert error_of(400, {}, body, secrets=[KEY_ID]).upstream_body == body[:MAX_ERROR_BODY]


@given(body=st.binary(), secret=st.text())
def test_no_body_and_no_secret_make_it_raise(body: bytes, secret: str) -> None:
    error_of(400, {}, body, secrets=[secret])


@pytest.mark.parametrize(
    "part",
    [
        b"\\",
        b"&",
        b"&amp;",
        b"amp;",
        b"%",
        b"%25",
        b"25",
        b"&#0",
        b"0",
        b"\\u0026",
        b"-",
        KEY_ID[:-9].encode(),
        b"a",
    ],
)
def test_no_body_keeps_it_busy(part: bytes) -> None:
    body = part * (2**20 // len(part))
    began = time.process_time()
    error_of(400, {}, body, secrets=[KEY_ID, "a" * 300])
    assert time.process_time() - began < 5
