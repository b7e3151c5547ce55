"""The real nginx with the files of deploy/nginx, on free ports and in a folder of its own."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import ssl
from collections.abc import Iterable, Mapping
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kalshi.tests.epochs import FAR_OFF, LONG_AGO
from kalshi.tests.servers import ROOT, Process, free_port, wait_until

FILES = ROOT / "deploy" / "nginx"
HOST = "127.0.0.1"

# What Debian's nginx.conf says around a site that could touch it, and what keeps this nginx within its folder.
AROUND = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/other-access.log;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx:
    """Running in front of the gateway at `port` of loopback. `changes`: text of the site file -> its replacement."""

    def __init__(
        self, folder: Path, port: int, *, tls: bool = True, changes: Mapping[str, str] | None = None
    ) -> None:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.fail(
                "nginx is not on PATH; install it (on Debian: apt-get install nginx-light).", pytrace=False
            )
        self.folder = folder
        self.cache = folder / "cache"
        self.port, self.http_port = free_port(), free_port()
        self.url = f"http{'s' if tls else ''}://{HOST}:{self.port}"
        self.certificate = make_certificate(folder)
        self._write_site(port, tls=tls, changes=changes or {})
        user = "user root;" if os.geteuid() == 0 else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(AROUND.format(folder=folder, user=user))
        self.process = Process([program, "-p", str(folder), "-c", str(configuration)], os.environ)
        wait_until(self._answers, 10, "nginx listening")

    def _write_site(self, port: int, *, tls: bool, changes: Mapping[str, str]) -> None:
        live = "/etc/letsencrypt/live/dash.example.com"
        site = (FILES / "kalshi-gateway.conf").read_text()
        for old, new in {
            "server 127.0.0.1:8000;": f"server {HOST}:{port};",
            "/run/kalshi-gateway-nginx": str(self.cache),
            f"{live}/fullchain.pem": str(self.certificate),
            f"{live}/privkey.pem": str(self.folder / "key.pem"),
            "/var/log/nginx/kalshi-gateway.log": f"{self.folder}/access.log",
            "/var/log/nginx/kalshi-gateway-error.log": f"{self.folder}/site-error.log",
            "listen 80;": f"listen {HOST}:{self.http_port};",
            "listen [::]:80;": "",
            "listen 443 ssl http2;": f"listen {HOST}:{self.port}{' ssl http2' if tls else ''};",
            "listen [::]:443 ssl http2;": "",
            "dash.example.com": HOST,
            **changes,
        }.items():
            assert old in site, f"{old!r} does not stand in the site file"
            site = site.replace(old, new)
        (self.folder / "site.conf").write_text(site)
        snippets = self.folder / "snippets"
        snippets.mkdir()
        cached = FILES / "kalshi-gateway-cached.conf"
        (snippets / cached.name).write_bytes(cached.read_bytes())

    def _answers(self) -> bool:
        assert self.process.popen.poll() is None, self.process.output + self.error_log()
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def get(
        self,
        path: str,
        *,
        source: str = HOST,
        method: str = "GET",
        body: str | None = None,
        twice: Iterable[tuple[str, str]] = (),
        **headers: str,
    ) -> tuple[HTTPResponse, bytes]:
        """One request on a connection of its own; redirects are not followed. Header names may have _ for -."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = HTTPSConnection(HOST, self.port, timeout=30, context=context, source_address=(source, 0))
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, text in (*headers.items(), *twice):
                connection.putheader(name.replace("_", "-"), text)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            response = connection.getresponse()
            return response, response.read()

    def access_log(self) -> str:
        """Up to a second old: it is written in blocks."""
        log = self.folder / "access.log"
        return log.read_text() if log.exists() else ""

    def error_log(self) -> str:
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else ""

    def stop(self) -> None:
        self.process.stop()

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for loopback, its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(FAR_OFF)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path
