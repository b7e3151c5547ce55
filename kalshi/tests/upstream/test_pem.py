import base64
import textwrap
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import ConfigError
from kalshi.upstream.pem import PrivateKey, parse_private_key

PLAIN = serialization.NoEncryption()


def pkcs8(key: object, encryption: serialization.KeySerializationEncryption = PLAIN) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()  # type: ignore[attr-defined]


def traditional(key: PrivateKey) -> str:
    if isinstance(key, Ed25519PrivateKey):  # has no traditional form
        return pkcs8(key)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, PLAIN).decode()


def body(pem: str) -> str:
    return "".join(pem.strip().splitlines()[1:-1])


SHAPES: dict[str, Callable[[str], str | bytes]] = {
    "as Kalshi gives it": lambda pem: pem,
    "as bytes": str.encode,
    "without the last newline": str.strip,
    "carriage returns": lambda pem: pem.replace("\n", "\r\n"),
    "old Mac newlines": lambda pem: pem.replace("\n", "\r"),
    r"literal \n": lambda pem: pem.replace("\n", r"\n"),
    r"literal \r\n": lambda pem: pem.replace("\n", r"\r\n"),
    r"doubly escaped \n": lambda pem: pem.replace("\n", r"\\n"),
    "the backslashes of \\n eaten by a shell": lambda pem: pem.replace("\n", "n"),
    "one line with spaces": lambda pem: pem.replace("\n", " "),
    "one line without anything": lambda pem: pem.replace("\n", ""),
    "double quotes left in place": lambda pem: f'"{pem}"',
    "single quotes left in place": lambda pem: f"'{pem}'",
    "quoted and escaped": lambda pem: '"' + pem.replace("\n", r"\n") + '"',
    "each line quoted": lambda pem: "\n".join(f'"{line}"' for line in pem.splitlines()),
    "line continuations": lambda pem: pem.replace("\n", "\\\n"),
    "indented": lambda pem: textwrap.indent(pem, "    "),
    "indented with tabs": lambda pem: textwrap.indent(pem, "\t"),
    "trailing blanks": lambda pem: pem.replace("\n", "   \n") + "\n\n",
    "blank lines between": lambda pem: pem.replace("\n", "\n\n"),
    "a byte order mark": lambda pem: "\ufeff" + pem,
    "a byte order mark in a file": lambda pem: pem.encode("utf-8-sig"),
    "UTF-16 of a Windows editor": lambda pem: pem.encode("utf-16"),
    "base64 of it all": lambda pem: base64.b64encode(pem.encode()).decode(),
    "base64 of it all in lines": lambda pem: base64.encodebytes(pem.encode()).decode(),
    "base64 of it all without padding": lambda pem: base64.b64encode(pem.encode()).decode().rstrip("="),
    "URL-safe base64 of it all": lambda pem: base64.urlsafe_b64encode(pem.encode()).decode(),
    "the body alone": body,
    "the body alone in lines": lambda pem: "\n".join(pem.strip().splitlines()[1:-1]),
    "the body alone, quoted": lambda pem: f'"{body(pem)}"',
    "DER": lambda pem: base64.b64decode(body(pem)),
    "a comment before it": lambda pem: f"# my key\n{pem}",
    "a public key after it": lambda pem: pem + "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("form", [pkcs8, traditional], ids=["pkcs8", "traditional"])
def test_it_reads_every_mangled_shape(
    key: PrivateKey, shape: Callable[[str], str | bytes], form: Callable[[PrivateKey], str]
) -> None:
    found = parse_private_key(shape(form(key)), source="KALSHI_PRIVATE_KEY")
    assert type(found) is type(key)
    assert pkcs8(found) == pkcs8(key)


def test_the_kind_is_decided_by_the_key_and_not_by_the_header(key: PrivateKey) -> None:
    mislabelled = pkcs8(key).replace("PRIVATE KEY", "RSA PRIVATE KEY")
    assert pkcs8(parse_private_key(mislabelled, source="it")) == pkcs8(key)


def public(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


REFUSALS: dict[str, tuple[Callable[[PrivateKey], str | bytes], str]] = {
    "a public key": (public, "public key"),
    "the body of a public key": (lambda key: body(public(key)), "public key"),
    "an encrypted key": (
        lambda key: pkcs8(key, serialization.BestAvailableEncryption(b"x")),
        "locked with a password",
    ),
    "an encrypted key's body": (
        lambda key: body(pkcs8(key, serialization.BestAvailableEncryption(b"x"))),
        "locked with a password",
    ),
    "an old encrypted key": (
        lambda key: (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAAAA"
            "\n-----END RSA PRIVATE KEY-----"
        ),
        "locked with a password",
    ),
    "an SSH key": (
        lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, PLAIN).decode(),
        "SSH key",
    ),
    "only the first line": (lambda key: pkcs8(key).splitlines()[0], "only a part"),
    "cut off before the end": (lambda key: pkcs8(key)[:-30], "only a part"),
    "a damaged body": (lambda key: pkcs8(key).replace("MC", "!!").replace("MII", "!!!"), "damaged"),
    "half the body": (
        lambda key: f"-----BEGIN PRIVATE KEY-----\n{body(pkcs8(key))[:30]}\n-----END PRIVATE KEY-----",
        "damaged",
    ),
    "two keys": (lambda key: pkcs8(key) * 2, "more than one key"),
    "binary rubbish": (lambda key: b"\x00\xff\xfe\x80" * 40, "not a text file"),
    "words": (lambda key: "please insert key here", "no private key"),
    "a path": (lambda key: "/etc/kalshi/key.pem", "KALSHI_PRIVATE_KEY_PATH"),
    "a home path": (lambda key: "~/kalshi.pem", "KALSHI_PRIVATE_KEY_PATH"),
    "a Windows path": (lambda key: r"C:\new\rsa.key", "KALSHI_PRIVATE_KEY_PATH"),
}


@pytest.mark.parametrize(("make", "told"), REFUSALS.values(), ids=REFUSALS.keys())
def test_it_says_what_is_wrong_without_repeating_it(
    key: PrivateKey, make: Callable[[PrivateKey], str | bytes], told: str
) -> None:
    bad = make(key)
    with pytest.raises(ConfigError) as refusal:
        parse_private_key(bad, source="KALSHI_PRIVATE_KEY")
    message = refusal.value.message
    assert told in message
    assert message.startswith("KALSHI_PRIVATE_KEY") and message.endswith(".") and "\n" not in message
    text = bad if isinstance(bad, str) else bad.decode("latin-1")
    for line in text.splitlines():
        assert len(line) < 12 or line not in message


OTHER_KINDS: dict[str, tuple[Callable[[], object], str]] = {
    "EC": (lambda: ec.generate_private_key(ec.SECP256R1()), "elliptic-curve"),
    "DSA": (lambda: dsa.generate_private_key(1024), "DSA"),
    "X25519": (x25519.X25519PrivateKey.generate, "RSA and Ed25519 are taken"),
    "short RSA": (lambda: rsa.generate_private_key(65537, 1024), "1024 bits"),
}


@pytest.mark.parametrize(("make", "told"), OTHER_KINDS.values(), ids=OTHER_KINDS.keys())
def test_it_takes_no_other_kind_of_key(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_private_key(pkcs8(make()), source="the file")


def test_it_names_an_ec_key_by_its_old_header_too() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, PLAIN).decode()
    with pytest.raises(ConfigError, match="elliptic-curve"):
        parse_private_key(pem, source="the file")


def test_it_names_a_certificate(keys: dict[str, PrivateKey]) -> None:
    from datetime import UTC, datetime

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, keys["rsa"].public_key(), 1, now, now.replace(year=2027))
    certificate = builder.sign(keys["rsa"], hashes.SHA256())
    with pytest.raises(ConfigError, match="certificate"):
        parse_private_key(certificate.public_bytes(Encoding.PEM), source="the file")


@given(
    st.text()
    | st.binary()
    | st.text().map(lambda text: f"-----BEGIN PRIVATE KEY-----{text}-----END PRIVATE KEY-----")
)
def test_any_other_text_is_a_config_error(text: str | bytes) -> None:
    with pytest.raises(ConfigError):
        parse_private_key(text, source="it")
