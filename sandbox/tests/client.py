"""A sandbox process and a signing client for it."""

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).parents[2]
PREFIX = "/trade-api/v2"
EPOCH = "2026-11-21T12:00:00Z"
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


@dataclass
class Sandbox:
    """`get` signs with the first account's Ed25519 key unless told otherwise; paths are those after /trade-api/v2.

    The other keys are named by their files' stems (`second-rsa`, `first-write`).
    """

    process: subprocess.Popen[str]
    origin: str
    keys_dir: Path
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.accounts = json.loads((self.keys_dir / "accounts.json").read_text())["accounts"]
        keys = [key for account in self.accounts for key in account["keys"]]
        self.ids = {key["file"].removesuffix(".pem"): key["api_key_id"] for key in keys}
        self.private = {name: self.read_key(name) for name in self.ids}

    def read_key(self, name: str) -> Any:
        return serialization.load_pem_private_key((self.keys_dir / f"{name}.pem").read_bytes(), None)

    @property
    def port(self) -> int:
        return int(self.origin.rsplit(":", 1)[1])

    def headers(
        self, path: str, *, key: str = "ed25519", shift_s: float = 0, method: str = "GET"
    ) -> dict[str, str]:
        """The three headers for a path with its prefix, without a query."""
        timestamp = str(int((time.time() + shift_s) * 1000))
        message = f"{timestamp}{method}{path}".encode()
        private = self.private[key]
        signature = (
            private.sign(message)
            if isinstance(private, Ed25519PrivateKey)
            else private.sign(message, PSS, hashes.SHA256())
        )
        return {
            "KALSHI-ACCESS-KEY": self.ids[key],
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def get(
        self, path: str, *, key: str | None = "ed25519", method: str = "GET", **options: Any
    ) -> requests.Response:
        full = f"{PREFIX}{path}"
        headers = self.headers(full.partition("?")[0], key=key, method=method) if key else {}
        return self.session.request(
            method, f"{self.origin}{full}", headers=headers, timeout=10, allow_redirects=False, **options
        )

    def body(self, path: str, *, key: str = "ed25519") -> Any:
        answer = self.get(path, key=key)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return answer.json()

    def pages(self, path: str, name: str, *, key: str = "ed25519") -> list[list[dict[str, Any]]]:
        """One array of all pages of a list."""
        found: list[list[dict[str, Any]]] = []
        cursor = ""
        while True:
            joint = "&" if "?" in path else "?"
            body = self.body(path + (f"{joint}cursor={cursor}" if cursor else ""), key=key)
            found.append(body[name])
            cursor = body.get("cursor") or body.get("next_cursor") or ""
            if not cursor:
                return found
            assert len(found) < 200

    def everything(self, path: str, name: str, *, key: str = "ed25519") -> list[dict[str, Any]]:
        return [item for page in self.pages(path, name, key=key) for item in page]

    def control(self, method: str, name: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.origin}/sandbox/{name}", timeout=10, **options)

    def fault(self, **described: Any) -> None:
        answer = self.control("POST", "faults", json=described)
        assert answer.status_code == 200, answer.text

    def heal(self) -> None:
        assert self.control("DELETE", "faults").status_code == 200

    def stats(self) -> Any:
        return self.control("GET", "stats").json()

    def stop(self) -> int:
        self.session.close()
        self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.process.communicate()


def start(keys_dir: Path, *arguments: str, measured: bool = False) -> Sandbox:
    """It begins at EPOCH. measured: whether the process counts for the coverage, which doubles its time."""
    env = {k: v for k, v in os.environ.items() if measured or not k.startswith("COVERAGE_PROCESS")}
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--keys-dir", str(keys_dir), "--epoch", EPOCH]
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    words = line.split()
    assert words[:2] == ["Sandbox", "ready"], line
    return Sandbox(process, words[2].removesuffix(PREFIX), keys_dir)
