"""Requests as Django reads them, without what lets a stranger make that cost much, or fail."""

from __future__ import annotations

import re

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.cookie import parse_cookie
from django.utils.functional import cached_property

from kalshi.server.environ import Environ

_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_BOUNDARY = re.compile(r';\s{0,9}boundary="?([\w\'()+,./:=?-]{1,70})', re.ASCII | re.IGNORECASE)


class Request(WSGIRequest):
    """Cookies with a backslash are left out: none of ours has one. The time that Python 3.11 takes to read them in a
    quoted value grows with the square of its length, and nobody else runs meanwhile.

    Of the type of a body only what forms need is kept. Every other parameter may name a character set, and those that
    Python knows of, but not for texts, end in an error before anything could answer it.
    """

    def __init__(self, environ: Environ) -> None:
        if ";" in environ.get("CONTENT_TYPE", ""):
            environ["CONTENT_TYPE"] = plain_content_type(environ["CONTENT_TYPE"])
        super().__init__(environ)

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]  # noqa: N802 - Django's name
        sent = self.environ.get("HTTP_COOKIE", "").encode("latin-1").decode("utf-8", "replace")
        return parse_cookie(";".join(cookie for cookie in sent.split(";") if "\\" not in cookie))


class Handler(WSGIHandler):
    request_class = Request


def plain_content_type(text: str) -> str:
    """Media type and boundary; empty when there is no media type."""
    media_type = _MEDIA_TYPE.match(text.lstrip())
    if media_type is None:
        return ""
    boundary = _BOUNDARY.search(text)
    kind = media_type[0].lower()
    return kind if boundary is None else f"{kind}; boundary={boundary[1]}"
