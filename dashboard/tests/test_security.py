"""Every address: who gets in, and what the browser is told to forbid; and what Django says of a production set-up."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern, URLResolver
from django.utils.regex_helper import normalize

from kalshi.errors import UpstreamTimeout
from kalshi.services import read
from kalshi.tests.servers import bare_environment

pytestmark = pytest.mark.django_db

# What a stranger may open: probes, and what leads to a sign-in.
OPEN = {"/healthz", "/readyz", "/sign-in/", "/sign-in/1/"}
# The admin's own start sends on to the same page.
SENDS_TO_SIGN_IN = re.compile(r"/(sign-in/|admin/login/|admin/\Z)")


def addresses(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """An address for every pattern of the project."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern.pattern, RegexPattern):
            template, names = normalize(pattern.pattern.regex.pattern)[0]
            here = before + template % dict.fromkeys(names, "1")
        else:
            here = before + re.sub(r"<[^>]+>", "1", str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield here
        else:
            yield from addresses(pattern, here)


ADDRESSES = sorted(set(addresses()))


@pytest.fixture
def owner(django_user_model: Any) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("owner"))
    return client


def test_the_walk_finds_the_addresses() -> None:
    wanted = {"/", "/audit.csv", "/you/", "/admin/kalshi/auditevent/", "/api/v1/kalshi/balance", "/metrics"}
    assert wanted - {address.rstrip("/") for address in ADDRESSES} - set(ADDRESSES) == set()
    assert len(ADDRESSES) > 60


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_gets_nowhere(method: str) -> None:
    client = Client()
    let_in = {}
    for address in ADDRESSES:
        answer = getattr(client, method)(address)
        refused = answer.status_code in {401, 403, 404, 405} or (
            answer.status_code in {301, 302} and SENDS_TO_SIGN_IN.match(answer["Location"])
        )
        if not refused and address not in OPEN:
            let_in[address] = answer.status_code
    assert let_in == {}


def forbids(headers: Mapping[str, str]) -> bool:
    """Whether an answer's headers forbid all that no answer of ours needs."""
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers.get("Content-Security-Policy", "").split(";")
    )
    return (
        policy.get("frame-ancestors") == "'none'"
        and "'unsafe-inline'" not in policy.get("script-src", "")
        and "'unsafe-inline'" not in policy.get("style-src", "")
        and policy.get("default-src") in {"'self'", "'none'"}
        and headers.get("X-Content-Type-Options") == "nosniff"
        and headers.get("X-Frame-Options") == "DENY"
        and headers.get("Referrer-Policy") in {"same-origin", "strict-origin"}
        and headers.get("Cross-Origin-Opener-Policy") == "same-origin"
        and "camera=()" in headers.get("Permissions-Policy", "")
    )


def test_every_answer_forbids_what_it_does_not_need(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise UpstreamTimeout("The exchange does not answer.")

    monkeypatch.setattr(read, "read", away)
    lacking = {}
    for address in ADDRESSES:
        for answer in (owner.get(address), Client().get(address)):
            policy = answer.get("Content-Security-Policy", "")
            good = forbids(answer.headers) and ("'unsafe-eval'" in policy) <= address.startswith("/admin/")
            if not good:
                lacking[address] = dict(answer.items())
    assert lacking == {}


def test_pages_and_json_have_policies_of_their_own(owner: Client) -> None:
    page, json = owner.get("/"), owner.get("/api/v1/nothing")
    for part in ("connect-src 'self'", "form-action 'self'", "base-uri 'none'", "object-src 'none'"):
        assert part in page["Content-Security-Policy"]
    assert sorted(json["Content-Security-Policy"].split("; ")) == [
        "default-src 'none'",
        "frame-ancestors 'none'",
    ]
    assert "'unsafe-eval'" in owner.get("/admin/")["Content-Security-Policy"]


def test_a_file_that_somebody_uploads_is_not_kept(tmp_path: Path) -> None:
    assert settings.FILE_UPLOAD_HANDLERS == ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
    answer = Client().post("/sign-in/", {"username": "x" * 200_000, "password": "x"})
    assert answer.status_code == 400


# Production


def production(folder: Path, **changes: str) -> dict[str, str]:
    return bare_environment(folder) | {
        "DATA_DIR": str(folder),
        "DJANGO_ALLOWED_HOSTS": "dash.example.com",
        "TRUSTED_PROXIES": "127.0.0.1",
        "DJANGO_HTTPS_ONLY": "1",
        "COVERAGE_PROCESS_START": "",
        **changes,
    }


def manage(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=production(folder, **changes),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_django_has_nothing_to_say_about_a_production_set_up(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    # Only what the domain's owner has to decide is left out.
    assert settings.SILENCED_SYSTEM_CHECKS == ["security.W005", "security.W021"]
    assert done.stdout == "System check identified no issues (2 silenced).\n"


def test_https_only_without_a_trusted_proxy_is_refused(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", TRUSTED_PROXIES="")
    assert done.returncode != 0
    assert "DJANGO_HTTPS_ONLY is 1, but TRUSTED_PROXIES is not set" in done.stderr + done.stdout


@pytest.fixture
def https_only(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


@pytest.mark.usefixtures("https_only")
def test_with_https_only_plain_http_is_sent_on_and_probes_are_answered() -> None:
    answer = Client().get("/sign-in/?next=/you/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/sign-in/?next=/you/")
    assert Client().get("/healthz").status_code == 200
    over_tls = Client().get("/sign-in/", secure=True)
    assert over_tls["Strict-Transport-Security"] == "max-age=31536000"
    assert over_tls.cookies["csrftoken"]["secure"] is True


def test_over_tls_cookies_are_secure_even_without_the_setting() -> None:
    assert Client().get("/sign-in/", secure=True).cookies["csrftoken"]["secure"] is True
    assert Client().get("/sign-in/").cookies["csrftoken"]["secure"] == ""
