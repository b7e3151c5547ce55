"""The app inside somebody else's Django project: a new project gets INTEGRATION.md's own snippets, and is served.

Under another prefix, in a process of its own that has never heard of the project `dashboard`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi.tests.documents import blocks, titled
from kalshi.tests.servers import (
    ROOT,
    Process,
    Sandbox,
    bare_environment,
    free_port,
    run_python,
    running,
    wait_until,
)

SANDBOX_SETTINGS = """
import os, pathlib
KALSHI |= {"ENVIRONMENT": "sandbox", "BASE_URL": os.environ["EXCHANGE_URL"]}
KALSHI |= {"SANDBOX_KEYS_DIR": pathlib.Path(os.environ["EXCHANGE_KEYS"])}
"""
OWN_VIEW = """
from mysite.views import overview
urlpatterns += [path("overview", overview)]
"""
DAEMON_SETTINGS = """
from mysite.settings import *
KALSHI |= {"SANDBOX_KEYS_DIR": None, "REQUEST_FUNCTION": "trading.client.signed_request"}
"""
DAEMON_SIGNING = """
import json, os, pathlib, time
from kalshi.upstream.credentials import load
from kalshi.upstream.signing import signature_headers
keys = pathlib.Path(os.environ["EXCHANGE_KEYS"])
key_id = json.loads((keys / "keys.json").read_text())["ed25519"]
names = {"KALSHI_API_KEY_ID": key_id, "KALSHI_PRIVATE_KEY_PATH": str(keys / "ed25519.pem")}
credentials = load(names, keys, allow_open=False)
def signed_headers(method, path):
    return signature_headers(credentials, method, path, round(time.time() * 1000))
"""
SET_UP = """
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("check", databases=["default"])
User.objects.create_user("ada")
call_command("accounts", "grant", "default", user="ada", verbosity=0)
call_command("create_token", user="ada", name="tests")
"""


@dataclass
class Project:
    """A Django project made by startproject, with the app mounted under exchange/kalshi/."""

    folder: Path
    env: dict[str, str]
    base_url: str = ""
    token: str = ""

    def python(self, *arguments: str, **env: str) -> str:
        return run_python(*arguments, env=self.env | env, cwd=self.folder)

    def shell(self, code: str, **env: str) -> str:
        return self.python("manage.py", "shell", "-v", "0", "-c", code, **env)

    def get(self, path: str, method: str = "GET", *, signed_in: bool = True) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if signed_in else {}
        return requests.request(
            method, f"{self.base_url}{path}", headers=headers, timeout=20, allow_redirects=False
        )


def append(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write("\n" + text)


def make_project(folder: Path, sandbox: Sandbox) -> Project:
    env = bare_environment(folder) | {"PYTHONPATH": str(ROOT)}
    env |= {"EXCHANGE_URL": sandbox.base_url, "EXCHANGE_KEYS": str(sandbox.keys_dir)}
    project = Project(folder, env)
    project.python("-m", "django", "startproject", "mysite", ".")
    site = folder / "mysite"
    append(site / "settings.py", titled("INTEGRATION.md", "mysite/settings.py") + SANDBOX_SETTINGS)
    (site / "urls.py").write_text(titled("INTEGRATION.md", "mysite/urls.py") + OWN_VIEW)
    append(site / "views.py", titled("INTEGRATION.md", "mysite/views.py"))
    append(site / "wsgi.py", titled("INTEGRATION.md", "mysite/wsgi.py"))
    append(site / "with_daemon.py", DAEMON_SETTINGS)
    append(folder / "trading" / "client.py", titled("INTEGRATION.md", "trading/client.py"))
    append(folder / "trading" / "signing.py", DAEMON_SIGNING)
    project.token = project.shell(SET_UP).strip().splitlines()[-1]
    return project


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(lambda folder: Sandbox(folder, "--speed", "0")) as server:
        yield server


@pytest.fixture(scope="module")
def project(sandbox: Sandbox) -> Iterator[Project]:
    with tempfile.TemporaryDirectory(prefix="kalshi-mounted-") as name:
        project = make_project(Path(name), sandbox)
        port = free_port()
        command = [sys.executable, f"{name}/manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        server = Process(command, project.env)
        project.base_url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _answers(project), 20, f"an answer; it said:\n{server.output}\n")
            yield project
        finally:
            server.stop()


def _answers(project: Project) -> bool:
    with suppress(requests.ConnectionError):
        return project.get("/exchange/status", signed_in=False).status_code == 401
    return False


def some_ticker(project: Project) -> str:
    event: dict[str, Any] = project.get("/exchange/kalshi/events/?limit=1").json()["events"][0]
    return str(event["markets"][0]["ticker"])


@pytest.mark.parametrize(
    ("route", "key"),
    [
        ("balance", "balance_dollars"),
        ("positions", "market_positions"),
        ("orders", "orders"),
        ("events", "events"),
        ("markets/<ticker>", "market"),
    ],
)
def test_every_endpoint_answers_under_another_prefix(project: Project, route: str, key: str) -> None:
    path = "/exchange/kalshi/" + route.replace("<ticker>", some_ticker(project))
    for form in (path, path + "/"):
        answer = project.get(form)
        assert answer.status_code == 200, answer.text
        assert key in answer.json()
        assert answer.headers["Cache-Status"].startswith("kalshi; ")
        assert {"Age", "ETag", "Vary", "X-Request-ID"} <= set(answer.headers)


@pytest.mark.parametrize(
    ("path", "method", "signed_in", "expected"),
    [
        ("/exchange/kalshi/balance/", "GET", False, (401, "not_signed_in")),
        ("/exchange/kalshi/balance/", "POST", False, (405, "read_only")),
        ("/exchange/kalshi/nothing/", "GET", True, (404, "not_found")),
        ("/exchange/kalshi/orders/?limit=0", "GET", True, (400, "bad_request")),
        ("/exchange/status", "DELETE", True, (405, "read_only")),
    ],
)
def test_errors_are_the_documented_json(
    project: Project, path: str, method: str, signed_in: bool, expected: tuple[int, str]
) -> None:
    answer = project.get(path, method, signed_in=signed_in)
    assert (answer.status_code, answer.json()["code"]) == expected


def test_the_projects_own_paths_stay_its_own(project: Project) -> None:
    assert project.get("/api/v1/kalshi/balance/").status_code == 404
    assert project.get("/admin/").status_code == 302


def test_status_is_served_and_can_be_embedded_in_a_view_of_ones_own(project: Project) -> None:
    document = project.get("/exchange/status").json()
    assert document["environment"] == "sandbox"
    assert document["balance"]["balance_dollars"]
    assert project.get("/overview", signed_in=False).status_code == 302
    code = (
        "from django.test import RequestFactory; from django.contrib.auth.models import User; import json\n"
        "from mysite.views import overview\n"
        "request = RequestFactory().get('/')\n"
        "request.user = User.objects.get()\n"
        "print(json.loads(overview(request).content)['exchange']['environment'])"
    )
    assert project.shell(code).strip() == "sandbox"


def test_the_python_client_snippets_run(project: Project) -> None:
    snippets = [
        block.text
        for block in blocks("INTEGRATION.md", "python")
        if "get_client" in block.text and not block.title
    ]
    assert snippets
    code = "\n".join(snippets).replace("KXFED-27APR-T2.75", some_ticker(project))
    shown = project.shell(code + "\nprint(cash > 0, len(resting) > 0, len(positions) > 0, market['ticker'])")
    assert shown.split()[-4:] == ["True", "True", "True", some_ticker(project)]


def test_the_daemons_request_function_is_used_and_its_signatures_hold(
    project: Project, sandbox: Sandbox
) -> None:
    before = sandbox.stats()
    code = (
        "from kalshi.kalshi_client import get_client\n"
        "print(get_client().get_balance()['balance_dollars'], get_client().get_orders(limit=3)['cursor'] != '')"
    )
    shown = project.shell(code, DJANGO_SETTINGS_MODULE="mysite.with_daemon")
    assert float(shown.split()[-2]) > 0
    after = sandbox.stats()
    assert after["requests"]["get_orders"] > before["requests"].get("get_orders", 0)
    assert after["rejected"]["401"] == before["rejected"]["401"]
