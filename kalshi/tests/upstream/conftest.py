"""Keys of both kinds and a certificate, made once for all tests of this folder."""

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi.tests.epochs import FAR_OFF, LONG_AGO
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import PrivateKey

KEY_ID = "3f0c9d1e-7a54-4b1c-9d7f-6a2b8c5e0f11"


@pytest.fixture(scope="session")
def keys() -> Mapping[str, PrivateKey]:
    return {"rsa": rsa.generate_private_key(65537, 2048), "ed25519": Ed25519PrivateKey.generate()}


@pytest.fixture(params=["rsa", "ed25519"])
def key(request: pytest.FixtureRequest, keys: Mapping[str, PrivateKey]) -> PrivateKey:
    return keys[request.param]


@pytest.fixture
def credentials(key: PrivateKey) -> Credentials:
    return Credentials(KEY_ID, key)


@pytest.fixture(scope="session")
def tls(
    tmp_path_factory: pytest.TempPathFactory, keys: Mapping[str, PrivateKey]
) -> tuple[ssl.SSLContext, Path]:
    """A server context, and the certificate file that makes it trusted."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(name, name, keys["rsa"].public_key(), 1, LONG_AGO, FAR_OFF)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
    )
    folder = tmp_path_factory.mktemp("tls")
    certificate = builder.sign(keys["rsa"], hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        keys["rsa"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"
