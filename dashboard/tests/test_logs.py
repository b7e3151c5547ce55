from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
import sys
from typing import Any

import pytest

from dashboard import logs
from kalshi.request_id import REQUEST_ID
from kalshi.tests.servers import ROOT

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
SECRETS = ("key-id-0123456789", 'quo"ted\\secret', "pässword", PEM, "short")


def logged(message: str, *arguments: Any, name: str = "kalshi.test", **options: Any) -> str:
    """The line that a record of the given logger becomes."""
    config: Any = logs.configuration(SECRETS, debug=False)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        logging.config.DictConfigurator({}).configure_formatter(config["formatters"]["json"])
    )
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
fail()
"""


def test_what_nobody_caught_is_logged_without_secrets() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["critical", "critical"]
    assert all("ValueError" in line["exception"] for line in lines)
    assert "hunter2hunter2" not in ended.stderr


@pytest.mark.parametrize("filler", ["x", '"', "\x01", "é"])
def test_a_line_is_bounded_and_no_secret_is_cut_in_half(filler: str) -> None:
    redact = logs.redaction(logs.configuration(["correct-horse-battery"], debug=False))
    for before in range(logs.MAX_LINE - 40, logs.MAX_LINE + 5, 3):
        text = filler * before + "correct-horse-battery" + filler * 40_000
        line = redact(text)
        assert len(line) < 7 * logs.MAX_LINE and "correct" not in line
        assert json.loads(line)["characters"] > 40_000
