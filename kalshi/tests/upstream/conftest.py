"""Keys of both kinds, made once for all tests of this folder."""

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
