"""Starting, stopping, replaying; what is wrong with the arguments is said in one sentence."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.__main__ import parser
from sandbox.clock import make_clock
from sandbox.key_files import KeysError
from sandbox.keys import load_or_make
from sandbox.tests.client import EPOCH, ROOT, Sandbox, start

PATHS = (
    "/portfolio/balance",
    "/portfolio/positions",
    "/events?with_nested_markets=true&limit=30",
    "/markets/trades",
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "Argument --port: '99999' is no port, a number from 0 to 65535 is needed."),
        (["--port", "http"], "Argument --port: 'http' is no port"),
        (["--speed", "-1"], "Argument --speed: '-1' is no speed"),
        (["--speed", "nan"], "Argument --speed: 'nan' is no speed"),
        (["--tier", "gold"], "Argument --tier: invalid choice: 'gold'"),
        (["--replay", "/nonexistent"], "Argument --replay: /nonexistent is not a folder."),
        (["--epoch", "noon"], "Argument --epoch: 'noon' is no time"),
        (["--epoch", "2199-01-01"], "Argument --epoch: '2199-01-01' is no time"),
        (["--colour", "red"], "Unrecognized arguments: --colour red."),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


def test_a_busy_port_is_told_in_one_sentence(keys_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port), "--keys-dir", str(keys_dir))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert ended.stderr.count("\n") == 1


def test_an_unusable_keys_folder_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run("--port", "0", "--keys-dir", str(tmp_path / "file"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"The keys folder {tmp_path / 'file'} cannot be used: ")
    assert ended.stderr.count("\n") == 1


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    first = load_or_make(tmp_path / "keys")
    contents = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert {"rsa.pem", "ed25519.pem", "keys.json", "accounts.json", "second-rsa.pem"} <= set(contents)
    ids = {key.spec.file: key_id for key_id, key in first.items()}
    assert json.loads(contents["keys.json"]) == {name: ids[f"{name}.pem"] for name in ("rsa", "ed25519")}
    described = json.loads(contents["accounts.json"])["accounts"]
    assert {key["file"]: key["api_key_id"] for account in described for key in account["keys"]} == ids
    assert set(load_or_make(tmp_path / "keys")) == set(first)
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == contents


def test_a_folder_of_an_earlier_version_keeps_its_keys_and_gets_the_others(tmp_path: Path) -> None:
    first = load_or_make(tmp_path)
    for path in tmp_path.iterdir():
        if path.name not in {"rsa.pem", "ed25519.pem", "keys.json"}:
            path.unlink()
    again = load_or_make(tmp_path)
    assert len(again) == len(first)
    kept = {key.spec.file for key_id, key in again.items() if key_id in first}
    assert kept == {"rsa.pem", "ed25519.pem"}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("keys.json", "{}", "does not hold the two key ids"),
        ("keys.json", '{"rsa": "x", "ed25519": "y"}', "does not hold the two key ids"),
        ("keys.json", "[", "does not hold the two key ids"),
        ("accounts.json", "[]", "does not describe the keys"),
        ("rsa.pem", "junk", "is no readable private key"),
        ("ed25519.pem", None, "holds a key of another kind"),
    ],
)
def test_spoiled_keys_are_named(
    tmp_path: Path, keys_dir: Path, name: str, content: str | None, sentence: str
) -> None:
    load_or_make(keys_dir)
    (tmp_path / name).write_text((keys_dir / "rsa.pem").read_text() if content is None else content)
    with pytest.raises(KeysError, match=sentence):
        load_or_make(tmp_path)


def test_it_stops_at_once_with_callers_left_hanging(keys_dir: Path) -> None:
    sandbox = start(keys_dir)
    sandbox.fault(mode="hang")
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", sandbox.port)))
            connection.sendall(b"GET /trade-api/v2/exchange/status HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 10
        while sandbox.stats()["requests"].get("get_exchange_status", 0) < 30:
            assert time.monotonic() < deadline
        begun = time.monotonic()
        assert sandbox.stop() == 0
        assert time.monotonic() - begun < 3


def test_same_seed_and_elapsed_time_give_the_same_bodies(
    frozen: Sandbox, starting: Callable[..., Sandbox]
) -> None:
    twin = starting("--speed", "0", "--tier", "prestige")
    for path in PATHS:
        assert twin.get(path).content == frozen.get(path).content


@pytest.mark.parametrize("moment", ["2028-02-29T00:00:00Z", EPOCH, "2026-12-31T23:59:59.999Z"])
def test_a_frozen_clock_needs_no_epoch_to_be_the_same_all_day(moment: str) -> None:
    now = datetime.fromisoformat(moment)
    assert datetime.fromtimestamp(make_clock(0, None, now).now_s(), UTC) == datetime(
        *now.timetuple()[:3], tzinfo=UTC
    )
    assert make_clock(1, None, now).epoch_s == int(now.timestamp())


def test_time_passes_at_the_chosen_speed(starting: Callable[..., Sandbox]) -> None:
    sandbox = starting("--speed", "1000", "--tier", "prestige")
    first = sandbox.get("/markets?status=open&limit=40").content
    deadline = time.monotonic() + 10
    while sandbox.get("/markets?status=open&limit=40").content == first:
        assert time.monotonic() < deadline
    assert sandbox.body("/exchange/user_data_timestamp")["as_of_time"] > EPOCH


def test_replay_answers_with_the_bytes_of_the_file(tmp_path: Path, starting: Callable[..., Sandbox]) -> None:
    recorded = b'{ "b":1.50 ,\n "balance" : 1e2, "a":"\\u00e9\\/", "new_field":null}\n'
    (tmp_path / "get_balance.json").write_bytes(recorded)
    sandbox = starting("--replay", str(tmp_path))
    for path in ("/portfolio/balance", "/portfolio/balance?exchange_index=9&limit=abc"):
        answer = sandbox.get(path)
        assert (answer.status_code, answer.content) == (200, recorded)
        assert answer.headers["content-type"].startswith("application/json")
    assert sandbox.get("/portfolio/balance", key=None).status_code == 401
    assert sandbox.body("/portfolio/positions")["market_positions"]
    sandbox.fault(mode="status", status=500)
    assert sandbox.get("/portfolio/balance").status_code == 500


def test_it_ends_when_its_parent_is_gone_even_before_it_looked(keys_dir: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    done = run("--port", "0", "--keys-dir", str(keys_dir), "--with-parent", str(gone.pid))
    assert done.returncode == 0 and done.stdout.startswith("Sandbox ready")
