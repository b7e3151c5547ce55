"""Where the text of a setting comes from: the environment, else the settings file."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import env


class TestLoad:
    def test_the_file_gives_what_the_environment_lacks(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text('export PORT=9000\nHOST="::1" # here\nSOMETHING_ELSE=1\n')
        assert env.load({"PORT": "9001", "PATH": "/bin"}, tmp_path) == {"PORT": "9001", "HOST": "::1"}

    def test_a_variable_set_to_nothing_hides_the_files(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("REDIS_URL=redis://h\n")
        assert env.load({"REDIS_URL": ""}, tmp_path) == {}

    def test_blank_values_count_as_absent(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("PORT=\nHOST='  '\nKALSHI_ENV\n")
        assert env.load({}, tmp_path) == {}

    def test_a_key_of_several_lines_survives_in_double_quotes(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text('KALSHI_PRIVATE_KEY="-----BEGIN\nabc\n-----END"\nPORT=9000\n')
        found = env.load({}, tmp_path)
        assert found == {"KALSHI_PRIVATE_KEY": "-----BEGIN\nabc\n-----END", "PORT": "9000"}

    def test_values_are_not_interpolated(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("DJANGO_SECRET_KEY=${HOME}$x\n")
        assert env.load({"HOME": "/root"}, tmp_path) == {"DJANGO_SECRET_KEY": "${HOME}$x"}

    def test_a_byte_order_mark_does_not_hide_the_first_name(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfPORT=9000\r\nHOST=::1\r\n")
        assert env.load({}, tmp_path) == {"PORT": "9000", "HOST": "::1"}

    def test_another_file_can_be_named(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("PORT=9000\n")
        (tmp_path / "other.env").write_text("PORT=9001\n")
        assert env.load({"KALSHI_ENV_FILE": "other.env"}, tmp_path)["PORT"] == "9001"

    def test_no_default_file_is_no_fault(self, tmp_path: Path) -> None:
        assert env.load({}, tmp_path) == {}

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"PORT 9000\n", "Line 1"),
            (
                b"PORT=9000\nKALSHI_PRIVATE_KEY=-----BEGIN X KEY-----\nTOPSECRET\n-----END X KEY-----\n",
                "Line 4",
            ),
            (b"PORT=\xff\xfe\n", "UTF-8"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_one_sentence(
        self, tmp_path: Path, content: bytes, words: str
    ) -> None:
        (tmp_path / ".env").write_bytes(content)
        with pytest.raises(ImproperlyConfigured) as caught:
            env.load({}, tmp_path)
        assert words in str(caught.value)
        assert str(tmp_path / ".env") in str(caught.value)
        assert "TOPSECRET" not in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_folder_in_place_of_the_file_is_a_fault(self, tmp_path: Path) -> None:
        (tmp_path / ".env").mkdir()
        with pytest.raises(ImproperlyConfigured, match="cannot be read"):
            env.load({}, tmp_path)

    def test_a_named_file_that_is_missing_is_a_fault(self, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match=r"KALSHI_ENV_FILE is .*no such file"):
            env.load({"KALSHI_ENV_FILE": "none.env"}, tmp_path)

    def test_names_of_proxies_count_in_lower_case_which_goes_first(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("https_proxy=http://a:1\nHTTPS_PROXY=http://b:1\nport=9\nno_proxy=c\n")
        assert env.load({}, tmp_path) == {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "c"}
        assert env.load({"HTTPS_PROXY": "http://d:1"}, tmp_path)["HTTPS_PROXY"] == "http://d:1"
        assert "HTTPS_PROXY" not in env.load({"https_proxy": ""}, tmp_path)

    @pytest.mark.parametrize(
        "line", ["HTTP_PROXY=http://u:hunter2@p:1", "http_proxy=http://p:1", "SSL_CERT_DIR=/etc"]
    )
    def test_a_line_without_effect_is_refused(self, tmp_path: Path, line: str) -> None:
        (tmp_path / ".env").write_text(f"{line}\n")
        with pytest.raises(ImproperlyConfigured, match=r"which has no effect: .* set ") as caught:
            env.load({}, tmp_path)
        assert line.partition("=")[0].upper() in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_such_a_line_beside_the_right_one_is_no_fault(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("HTTP_PROXY=http://p:1\nHTTPS_PROXY=http://p:1\n")
        assert env.load({}, tmp_path) == {"HTTPS_PROXY": "http://p:1"}
