"""What a caller can have written into the log: never a traceback for what is the caller's own fault."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dashboard import logs
from kalshi.admin.site import site
from kalshi.tests.admin.conftest import World

FORM = "application/x-www-form-urlencoded"
PAGES = ("/", "/sign-in/", "/sign-in/code/", "/sign-in/nothing/", "/sign-out/", "/audit.csv", "/api/v1/status/",
         "/api/v1/kalshi/balance/", "/trade-api/v2/portfolio/balance", "/static/x", "/metrics", "/nothing", "/admin/",
         "/admin/jsi18n/", "/admin/autocomplete/", "/admin/search/", "/admin/r/1/1/",
         "/admin/login/", "/admin/password_change/")  # fmt: skip
YOURS = (
    "/you/",
    "/you/password/",
    "/you/second-factor/",
    "/you/second-factor/remove/",
    "/you/recovery-codes/",
    "/you/sign-out-everywhere/",
)
QUERIES = (
    "x__y=1", "_to_field=password", "_popup=1&_to_field=x__y", "o=a.b.c", "p=-1&all=", "e=1", "action=x&account=y",
    "at__year=2026&at__month=2&at__day=31", "at__year=0&at__month=0&at__day=0", "next=//x&next=javascript:1",
    "account=" + "9" * 5000, "q=%00", "q=%ff%fe", "&".join(f"f{number}=1" for number in range(1_200)),
    "app_label=kalshi&model_name=account&field_name=user&term=x", "_changelist_filters=%25%25=x__y", "t=e",
)  # fmt: skip
BODIES = (
    (FORM, b""),
    (FORM, b"csrfmiddlewaretoken=x&action=delete_selected&_selected_action=abc&index=x&select_across=y"),
    (FORM, b"grants-TOTAL_FORMS=x&grants-INITIAL_FORMS=9999&grants-0-id=abc&_save=1"),
    (FORM, b"username=\xff%00%ff&password=%ed%a0%80&code=" + b"9" * 5000),
    (FORM, "&".join(f"f{number}=1" for number in range(1_200)).encode()),
    (FORM, b"a=" + b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)),
    (f"{FORM}; charset=utf-16", b"a=b"),
    (f"{FORM}; charset=none-such", b"a=b"),
    ("multipart/form-data", b"--x"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a; filename*=x\r\n\r\n"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"; filename="../b"\r\n\r\nx\r\n'
     * 3 + b"--x--\r\n"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
     b'Content-Transfer-Encoding: base64\r\n\r\nx\r\n--x--'),
    ("application/json", b"{"),
    ("\x01/\xff", b"x"),
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"HTTP_COOKIE": "sessionid=x; csrftoken=\xff; messages=x"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\x01"},
    {"HTTP_ACCEPT": "a/b;q=x,;;,"},
    {"HTTP_ORIGIN": "http://[x"},
    {"HTTP_REFERER": "http://[x"},
    {"HTTP_X_KALSHI_ACCOUNT": "\xff"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 600},
    {"HTTP_IF_MODIFIED_SINCE": "Mon, 99 Xxx 9999 99:99:99 GMT", "HTTP_IF_NONE_MATCH": "\xff"},
    {"HTTP_RANGE": "bytes=-9,x"},
    {"CONTENT_LENGTH": "x"},
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The lines, as the product writes them."""
    config: Any = logs.configuration((), debug=False)
    configured: Any = logging.config.DictConfigurator(config)
    handler = logs.LineHandler(stream := io.StringIO())
    handler.setFormatter(configured.configure_formatter(config["formatters"]["json"]))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def addresses() -> list[str]:
    lists = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in site._registry]
    rows = [
        f"{one}{key}/{what}/"
        for one in lists
        for key in ("9" * 30, "a_2Fb", "%00")
        for what in ("change", "delete", "history")
    ]
    return [*PAGES, *YOURS, *lists, *(f"{one}add/" for one in lists), *rows]


@pytest.mark.parametrize("role", ["nobody", "owner"])
def test_no_question_of_a_caller_leaves_a_traceback(world: World, log: io.StringIO, role: str) -> None:
    client = world.client(role)
    client.raise_request_exception = False
    asked = addresses()
    told = []

    def look(question: str, status: int) -> None:
        for line in log.getvalue().splitlines():
            record = json.loads(line)
            if "exception" in record or status == 500:
                told.append((question, status, record["event"], record.get("exception", "")[-300:]))
        log.seek(0)
        log.truncate()

    for path in asked:
        for query in QUERIES if not path.endswith(("change/", "delete/", "history/")) else QUERIES[:2]:
            look(f"GET {path}?{query[:60]}", client.get(f"{path}?{query}").status_code)
    for path in (
        *PAGES,
        *YOURS,
        *(one for one in asked if one.count("/") == 4),
        "/admin/kalshi/account/1/change/",
    ):
        if path in {"/sign-out/", "/you/sign-out-everywhere/"}:
            continue
        for kind, body in BODIES:
            look(f"POST {path} {body[:60]!r}", client.generic("POST", path, body, kind).status_code)
    for path in (*PAGES, *YOURS):
        for headers in HEADERS:
            look(
                f"GET {path} {headers}",
                Client(raise_request_exception=False).get(path, **headers).status_code,
            )  # type: ignore[arg-type]
    assert told == []


def test_what_django_refuses_as_suspicious_is_one_warning_without_the_query(
    world: World, log: io.StringIO
) -> None:
    path = "/admin/kalshi/account/"
    assert world.client("operator").get(f"{path}?x__y=hunter2").status_code == 400
    (line,) = log.getvalue().splitlines()
    record = json.loads(line)
    assert (record["level"], record["logger"]) == ("warning", "django.security.DisallowedModelAdminLookup")
    assert (record["event"], record["request"]) == ("Filtering by x__y not allowed", f"GET {path}")
    assert "exception" not in record and "hunter2" not in line
