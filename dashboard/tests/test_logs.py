from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import logs
from kalshi.request_id import REQUEST_ID
from kalshi.tests.servers import ROOT

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
SECRETS = ("key-id-0123456789", 'quo"ted\\secret', "pässword", PEM, "short", "c2VjcmV0LW9mLWEtcmluZw==")


def logged(message: str, *arguments: Any, name: str = "kalshi.test", **options: Any) -> str:
    """The line that a record of the given logger becomes."""
    config: Any = logging.config.DictConfigurator(logs.configuration(SECRETS, debug=False))
    handler = config.configure_handler(config.config["handlers"]["stderr"] | {"formatter": None})
    handler.setFormatter(config.configure_formatter(config.config["formatters"]["json"]))
    handler.setStream(stream := io.StringIO())
    # A logger outside of the tree, so that the run's own logging stays as it is.
    logger = logging.Logger(name)  # noqa: LOG001
    logger.addHandler(handler)
    logger.warning(message, *arguments, **options)
    return stream.getvalue()


def test_a_line_is_one_json_object_with_level_logger_and_time() -> None:
    line = logged("asked %s", "Kalshi", extra={"operation": "get_balance", "ms": 12})
    record = json.loads(line)
    assert line.count("\n") == 1
    assert record["event"] == "asked Kalshi"
    assert (record["level"], record["logger"]) == ("warning", "kalshi.test")
    assert (record["operation"], record["ms"]) == ("get_balance", 12)
    assert record["timestamp"].endswith("Z")


def test_the_request_id_is_on_every_line_of_its_request() -> None:
    token = REQUEST_ID.set("request-42")
    try:
        assert json.loads(logged("x"))["request_id"] == "request-42"
    finally:
        REQUEST_ID.reset(token)
    assert "request_id" not in json.loads(logged("x"))


def test_an_access_line_has_fields_and_hides_the_sign_in_code() -> None:
    arguments = ("127.0.0.1:5000", "GET", "/sign-in/c0de-0f-one-time/?next=/", "1.1", 200)
    record = json.loads(logged('%s - "%s %s HTTP/%s" %d', *arguments, name="uvicorn.access"))
    assert record["event"] == "request"
    assert record["path"] == "/sign-in/***/?next=/"
    assert (record["method"], record["status"], record["peer"]) == ("GET", 200, "127.0.0.1:5000")


def test_a_line_has_no_colour_codes() -> None:
    assert "\\u001b" not in logged("up", extra={"color_message": "\x1b[36mup\x1b[0m"}, name="uvicorn.error")


@pytest.mark.parametrize("secret", ["key-id-0123456789", 'quo"ted\\secret', "pässword"])
def test_a_known_secret_is_masked_in_message_fields_and_traceback(secret: str) -> None:
    try:
        raise ValueError(f"bad {secret}")
    except ValueError:
        line = logged("no %s", secret, extra={"nested": {"x": [secret]}}, exc_info=True)
    assert line.count("***") == 3
    assert secret not in line
    assert json.dumps(secret)[1:-1] not in line
    json.loads(line)


def test_a_known_secret_is_masked_without_the_end_of_its_base64_too() -> None:
    line = logged("asked %s", SECRETS[-1].rstrip("="))
    assert json.loads(line)["event"] == "asked ***"


@pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n"), PEM.splitlines()[1], PEM.splitlines()[2]])
def test_a_key_is_masked_whole_and_in_parts(text: str) -> None:
    line = logged("key: %s", text)
    assert "MIIEv" not in line
    assert "hkiG9" not in line


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\nunknown\n-----END RSA PRIVATE KEY----- after", "after", "unknown"),
        ("-----BEGIN EC PRIVATE KEY-----\ncut off", "", "cut off"),
        ("Authorization: Bearer abcdef", "Authorization", "abcdef"),
        ("Cookie: sessionid=abcdef; theme=dark", "theme=dark", "abcdef"),
        ("{'KALSHI-ACCESS-KEY': 'abcdef', 'x': 1}", "'x': 1", "abcdef"),
        ("kalshi-access-signature: abcdef==", "kalshi", "abcdef"),
        ('kalshi-access-key: {"KALSHI-ACCESS-SIGNATURE": "abcdef"}', "kalshi", "abcdef"),
    ],
)
def test_what_looks_like_a_credential_is_masked_though_unknown(text: str, kept: str, gone: str) -> None:
    line = logged("%s", text)
    assert kept in line
    assert gone not in line


def test_a_short_secret_does_not_mask_ordinary_words() -> None:
    assert "shortage" in logged("shortage")


def test_the_configuration_does_not_show_its_secrets() -> None:
    assert "key-id-0123456789" not in repr(logs.configuration(SECRETS, debug=False))


def test_lines_that_do_not_pass_through_logging_are_redacted_by_the_same_step() -> None:
    redact = logs.redaction(logs.configuration(SECRETS, debug=False))
    assert redact("GET /?x=key-id-0123456789") == "GET /?x=***"


def test_warnings_of_the_http_library_are_not_logged_since_they_repeat_addresses() -> None:
    levels: Any = logs.configuration(SECRETS, debug=False)["loggers"]
    assert levels["urllib3"] == {"level": "ERROR"}


CRASH = """
import logging.config, sys, threading
from dashboard import logs
logging.config.dictConfig(logs.configuration(["hunter2hunter2"], debug=False))
logs.catch_the_rest()
def fail():
    raise ValueError("hunter2hunter2")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
class Left:
    def __del__(self):
        fail()
Left()
fail()
"""


def test_what_nobody_caught_is_logged_without_secrets() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["critical", "error", "critical"]
    assert all("ValueError" in line["exception"] for line in lines)
    assert "hunter2hunter2" not in ended.stderr


@pytest.mark.parametrize("filler", ["x", '"', "\x01", "é", "\U0001f600"])
def test_a_line_is_bounded_and_no_secret_is_cut_in_half(filler: str) -> None:
    for before in range(logs.MAX_LINE - 600, logs.MAX_LINE + 5, 45):
        line = logged("%s", filler * before + "key-id-0123456789" + filler * 40_000, extra={"ms": 12})
        assert len(line) < logs.MAX_LINE + 500 and "key-id" not in line
        record = json.loads(line)
        assert record["event"].endswith(f"... ({before + 40_003} characters in all)")
        assert (record["level"], record["ms"]) == ("warning", 12)


# Hostile texts

TOKEN = "0123456789abcdef" * 4
HIDDEN = {
    "key-id-0123456789": "{}",
    'quo"ted\\secret': "{}",
    "pässword": "{}",
    TOKEN: "{}",
    "MIIEvQIBADANBgkq": "{}",
    "hunter2": "Authorization: Bearer {} ",
    "hunter3": "sessionid={};",
    "hunter4": "{{'KALSHI-ACCESS-KEY': '{}'}}",
    "hunter5": "/sign-in/{}/",
    "hunter6": "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----",
    "hunter7": '{{"KALSHI-ACCESS-SIGNATURE": "{}"}}',
}
"""Each secret, and what is around it where it is one."""
SHOWN = [*(around.format(secret) for secret, around in HIDDEN.items())]
BREAKING = [
    '"', "'", "\\", '\\"', "{", "}", "]", ",", ": ", "\n", "\r", "\x00", "\x1b[2J", "\u2028", "\ud800", "\udc80", "é",
    "\U0001f600", "bearer ", "/sign-in/", "csrftoken=", "kalshi-access-key: ", "-----END A-----", '"}[666] ', "%s", "%",
]  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(BREAKING), st.sampled_from(SHOWN), st.text(max_size=5)), max_size=12
).map("".join)
ended = st.sampled_from(["", "-----BEGIN A-----", "-----BEGIN PRIVATE KEY-----\nhunter8"])


@dataclass
class Hostile:
    """A text, so described that it is short in a report."""

    text: str
    times: int

    def __str__(self) -> str:
        return self.text * self.times


parts = st.tuples(texts, ended).map("".join)
hostile = st.builds(Hostile, parts, st.sampled_from([1, 1, 1, 2, 4000]))
values = st.recursive(
    parts | st.binary(max_size=9) | st.none() | st.integers() | st.floats(),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.tuples(inside)
        | st.dictionaries(texts | st.binary(max_size=3), inside, max_size=3)
    ),
    max_leaves=4,
)


def strictly(line: str) -> Any:
    """As a parser reads it that takes neither NaN nor halves of characters."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    record = json.loads(line, parse_constant=refuse)
    json.dumps(record, ensure_ascii=False).encode()
    return record


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message=hostile, told=hostile, raised=hostile, field=values)
def test_whatever_is_logged_the_line_is_one_object_with_all_its_fields_and_no_secret(
    message: Hostile, told: Hostile, raised: Hostile, field: Any
) -> None:
    try:
        raise ValueError(raised)
    except ValueError:
        line = logged(
            str(message).replace("%", "%%") + "%s", told, extra={"field": field, "ms": 12}, exc_info=True
        )
    assert line.count("\n") == 1 and line.endswith("\n") and line.isascii()
    record = strictly(line)
    assert set(record) == {"event", "level", "logger", "timestamp", "exception", "field", "ms"}
    assert (record["level"], record["logger"], record["ms"]) == ("warning", "kalshi.test", 12)
    assert "Traceback" in record["exception"]
    texts = json.dumps(record, ensure_ascii=False)
    for secret in (*HIDDEN, "hunter8"):
        assert secret not in texts and json.dumps(secret, ensure_ascii=False)[1:-1] not in texts, secret


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ('Origin: x bearer "}[666] checking failed', '"}[666] checking failed'),
        ('{"path_info": "/sign-in/"}. Created', "}. Created"),
        ("bearer abc\\", ""),
    ],
)
def test_a_mask_takes_nothing_of_the_line_along(message: str, kept: str) -> None:
    record = json.loads(logged("%s", message, extra={"operation": "get_balance"}))
    assert record["event"].endswith(kept)
    assert record["operation"] == "get_balance"


def test_a_key_without_an_end_hides_the_rest_of_its_own_text_alone() -> None:
    record = json.loads(logged("Origin: hide me-----BEGIN A-----x", extra={"path": "/you/"}))
    assert (record["event"], record["path"]) == ("Origin: hide me***", "/you/")


@pytest.mark.parametrize(
    "field",
    [
        {"KALSHI-ACCESS-KEY": "hunter2"},
        {b"KALSHI-ACCESS-KEY": b"hunter2"},
        {"headers": [("KALSHI-ACCESS-SIGNATURE", "hunter2")]},
        ["-----BEGIN PRIVATE KEY-----", "hunter2", "hunter2", "-----END PRIVATE KEY-----"],
        {"kalshi-access-key:": ["hunter2"]},
        [[[[[[[[{"x": "Bearer hunter2"}]]]]]]]],
    ],
)
def test_a_credential_is_masked_though_its_name_is_a_text_of_its_own(field: Any) -> None:
    line = logged("asked", extra={"field": field, "after": "seen"})
    assert "hunter2" not in line
    assert json.loads(line)["after"] == "seen"


class Unshown:
    def __repr__(self) -> str:
        raise RuntimeError("hunter2")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("message", "arguments"), [("%d", ("hunter2",)), ("%s", (Unshown(),)), ("%s %s", ("hunter2",))]
)
def test_a_record_that_cannot_be_filled_in_is_told_without_its_arguments(
    message: str, arguments: tuple[Any, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads(logged(message, *arguments, extra={"operation": "get_balance"}))
    assert record["event"].startswith(message) and "cannot be filled in" in record["event"]
    assert (record["operation"], record["level"]) == ("get_balance", "warning")
    assert "hunter2" not in str(record) + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("field", "told"), [(Unshown(), "Unshown"), ([10**5000], "0x"), ({Unshown(): 1}, "Unshown")]
)
def test_a_field_that_has_no_text_is_told(field: Any, told: str) -> None:
    assert told in str(strictly(logged("x", extra={"field": field}))["field"])
