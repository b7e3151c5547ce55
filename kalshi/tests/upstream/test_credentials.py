import copy
import json
import os
import pickle
from pathlib import Path

import pytest

from kalshi.errors import ConfigError
from kalshi.tests.upstream.conftest import KEY_ID
from kalshi.tests.upstream.test_pem import body, pkcs8
from kalshi.upstream.credentials import Credentials, load
from kalshi.upstream.pem import PrivateKey


def write(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def refusal(environ: dict[str, str], home: Path, *, allow_open: bool = False) -> str:
    with pytest.raises(ConfigError) as error:
        load(environ, home, allow_open)
    assert error.value.message.endswith(".")
    return error.value.message


def test_nothing_configured_is_none(tmp_path: Path) -> None:
    assert load({}, tmp_path, False) is None
    assert load({"KALSHI_API_KEY_ID": "", "KALSHI_PRIVATE_KEY": ' "" '}, tmp_path, False) is None


def test_it_reads_a_key_id_and_a_path(tmp_path: Path, key: PrivateKey) -> None:
    path = write(tmp_path / "key.pem", pkcs8(key))
    for variable in ("KALSHI_PRIVATE_KEY_PATH", "KALSHI_API_SECRET_FILE"):
        found = load({"KALSHI_API_KEY_ID": KEY_ID, variable: f' "{path}" '}, tmp_path, False)
        assert found is not None
        assert (found.key_id, found.kind) == (KEY_ID, "ed25519" if len(pkcs8(key)) < 200 else "rsa")
        assert found.source == f"{variable} ({path})"


def test_a_path_may_start_at_home(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / "deep" / "key.pem", pkcs8(key))
    assert load({"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": "~/deep/key.pem"}, tmp_path, False)


def test_it_reads_the_key_from_the_variable_itself(tmp_path: Path, key: PrivateKey) -> None:
    text = pkcs8(key).replace("\n", r"\n")
    found = load({"KALSHI_API_KEY_ID": f'"{KEY_ID}"\n', "KALSHI_PRIVATE_KEY": text}, tmp_path, False)
    assert found is not None and found.key_id == KEY_ID and found.source == "KALSHI_PRIVATE_KEY"


def test_it_reads_the_two_files_under_secrets(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / ".secrets" / "kalshi.json", json.dumps({"api_key_id": f" {KEY_ID} "}), 0o644)
    write(tmp_path / ".secrets" / "kalshi_private.pem", pkcs8(key))
    found = load({}, tmp_path, False)
    assert found is not None and found.key_id == KEY_ID


def test_variables_win_over_the_files(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / ".secrets" / "kalshi.json", "not even JSON")
    write(tmp_path / ".secrets" / "kalshi_private.pem", "not even a key")
    assert load({"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY": pkcs8(key)}, tmp_path, False)


def test_half_a_credential_names_the_missing_half(tmp_path: Path, key: PrivateKey) -> None:
    assert "no private key: set KALSHI_PRIVATE_KEY_PATH" in refusal({"KALSHI_API_KEY_ID": KEY_ID}, tmp_path)
    assert "no key id: set KALSHI_API_KEY_ID" in refusal({"KALSHI_PRIVATE_KEY": pkcs8(key)}, tmp_path)
    write(tmp_path / ".secrets" / "kalshi.json", json.dumps({"api_key_id": KEY_ID}))
    assert "no private key" in refusal({}, tmp_path)


def test_two_different_keys_are_ambiguous(tmp_path: Path, key: PrivateKey) -> None:
    both = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY": pkcs8(key), "KALSHI_PRIVATE_KEY_PATH": "/x"}
    assert "KALSHI_PRIVATE_KEY_PATH and KALSHI_PRIVATE_KEY are both set" in refusal(both, tmp_path)


@pytest.mark.parametrize(
    "key_id", ["two words", "tab\there", "é", "x" * 129, "a\nb", "-----BEGIN PRIVATE KEY-----"]
)
def test_an_implausible_key_id_is_refused_without_repeating_it(tmp_path: Path, key_id: str) -> None:
    message = refusal({"KALSHI_API_KEY_ID": key_id}, tmp_path)
    assert message.startswith("KALSHI_API_KEY_ID holds no plausible key id")
    assert key_id not in message


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"x"', "{}", '{"api_key_id": 5}', '{"api_key_id": " "}', "\x00"]
)
def test_a_broken_kalshi_json_is_named(tmp_path: Path, content: str) -> None:
    write(tmp_path / ".secrets" / "kalshi.json", content)
    assert "kalshi.json" in refusal({}, tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666])
def test_a_key_file_that_others_can_open_is_refused_unless_allowed(
    tmp_path: Path, keys: dict[str, PrivateKey], mode: int
) -> None:
    path = write(tmp_path / "key.pem", pkcs8(keys["ed25519"]), mode)
    environ = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(path)}
    message = refusal(environ, tmp_path)
    assert f"mode {mode:o}" in message and "chmod 600" in message and "KALSHI_ALLOW_OPEN_KEY_FILE" in message
    assert load(environ, tmp_path, True) is not None


def test_a_link_is_judged_by_its_target(tmp_path: Path, keys: dict[str, PrivateKey]) -> None:
    target = write(tmp_path / "target.pem", pkcs8(keys["ed25519"]))
    link = tmp_path / "link.pem"
    link.symlink_to(target)
    environ = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(link)}
    assert load(environ, tmp_path, False) is not None
    target.chmod(0o644)
    assert "mode 644" in refusal(environ, tmp_path)
    target.unlink()
    assert "does not exist" in refusal(environ, tmp_path)


def test_a_dangling_link_in_secrets_is_an_error_and_not_nothing(tmp_path: Path) -> None:
    (tmp_path / ".secrets").mkdir()
    (tmp_path / ".secrets" / "kalshi_private.pem").symlink_to(tmp_path / "gone")
    assert "does not exist" in refusal({}, tmp_path)


def test_what_is_no_key_file_is_explained(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    cases = {
        str(tmp_path): "is a directory",
        str(tmp_path / "missing.pem"): "does not exist",
        str(tmp_path / "pipe"): "no regular file",
        str(write(tmp_path / "empty.pem", " \n")): "is empty",
        str(write(tmp_path / "huge.pem", "x" * 70_000)): "larger than 64 KiB",
        str(write(tmp_path / "words.pem", "hello")): "holds no private key",
        "/" + "d/" * 3000: "cannot be opened",
    }
    for path, told in cases.items():
        assert told in refusal({"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": path}, tmp_path)


def test_an_unreadable_file_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:  # a file mode does not stop root, which runs the tests in some places
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "key.pem", "x")
    monkeypatch.setattr("kalshi.upstream.keyfile.os.open", refuse)
    environ = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(path)}
    assert "cannot be opened: Permission denied" in refusal(environ, tmp_path)


def test_a_key_put_where_a_path_belongs_is_never_repeated(tmp_path: Path, key: PrivateKey) -> None:
    for text in (pkcs8(key), pkcs8(key).replace("\n", r"\n"), body(pkcs8(key)), body(pkcs8(key))[:-4]):
        message = refusal({"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": text}, tmp_path)
        assert "belongs in KALSHI_PRIVATE_KEY" in message
        assert text[28:60] not in message


def test_it_prints_masked_and_cannot_be_serialised(credentials: Credentials) -> None:
    for text in (repr(credentials), str(credentials), f"{credentials}", repr({"x": [credentials]})):
        assert KEY_ID not in text
        assert credentials.fingerprint in text
    with pytest.raises(TypeError):
        vars(credentials)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not to be pickled"):
            pickle.dumps(credentials, protocol)
    with pytest.raises(TypeError):
        json.dumps(credentials)
    assert copy.copy(credentials) is credentials is copy.deepcopy(credentials)


def test_the_fingerprint_is_8_hex_digits_of_the_key_id_alone(keys: dict[str, PrivateKey]) -> None:
    first, second = (Credentials(KEY_ID, key) for key in keys.values())
    assert first.fingerprint == second.fingerprint == "84eef6e0"
    assert Credentials("other", keys["rsa"]).fingerprint != first.fingerprint
