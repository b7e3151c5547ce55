"""What strangers put into a request to make it cost much, or fail: cookies and types of bodies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.test import RequestFactory

from dashboard.request import Request, plain_content_type
from dashboard.wsgi import application

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n-\xe2\x82\xac\r\n--b--\r\n'
# Character sets of Python's that hold no texts, or that nobody knows.
CODECS = ["zlib", "hex", "rot13", "punycode", "idna", "undefined", "utf-16", "nobody-knows", "\xff", ""]


def environ_of(method: str, path: str, **more: str) -> dict[str, Any]:
    return {**RequestFactory().generic(method, path, PART).environ, **more}


def test_a_quoted_cookie_with_backslashes_is_none_at_all_and_the_others_are() -> None:
    costly = '"' + '\\\\"' * 5_000 + '"'
    request = Request(environ_of("GET", "/", HTTP_COOKIE=f'a="b c"; x={costly}; d=\xc3\xa9'))
    assert request.COOKIES == {"a": "b c", "d": "é"}


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", [FORM, MULTIPART, "text/plain"])
@pytest.mark.parametrize("parameter", ["charset={}", "x*={}''y", "x*0*={}''y"])
def test_no_character_set_of_a_body_is_a_fault_of_ours(
    method: str, codec: str, kind: str, parameter: str
) -> None:
    content_type = f"{kind}; {parameter.format(codec)}"
    environ = environ_of(method, "/sign-in/?next=/", CONTENT_TYPE=content_type)
    answers: list[str] = []
    application(environ, lambda status, headers: answers.append(status))
    wanted = HTTPStatus.OK if method == "GET" else HTTPStatus.FORBIDDEN  # no form of ours: the CSRF check
    assert answers == [f"{wanted.value} {wanted.phrase}"]


@pytest.mark.parametrize(
    "content_type", [f"{MULTIPART}; charset=hex", 'Multipart/Form-Data;charset=x; BOUNDARY="b"']
)
def test_a_form_in_parts_is_read_as_utf_8_whatever_it_says(content_type: str) -> None:
    request: Any = Request(environ_of("POST", "/", CONTENT_TYPE=content_type))
    assert request.POST["username"] == "-€"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"{FORM}; charset=UTF-8", FORM),
        (
            "multipart/form-data; boundary=----WebKitFormBoundaryX1",
            "multipart/form-data; boundary=----WebKitFormBoundaryX1",
        ),
        ('multipart/form-data; a="; boundary=b', MULTIPART),
        ("; boundary=b", ""),
        ("text", ""),
        ("text/plain; boundary=" + "b" * 100, "text/plain; boundary=" + "b" * 70),
    ],
)
def test_media_type_and_boundary_are_kept(sent: str, kept: str) -> None:
    assert plain_content_type(sent) == kept
