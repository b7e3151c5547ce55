from __future__ import annotations

import multiprocessing
import os
import re
import sqlite3
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import data_dir
from kalshi import private_files


class TestPrepare:
    def test_it_makes_a_private_folder(self, tmp_path: Path) -> None:
        folder = data_dir.prepare(tmp_path / "a" / "b")
        assert folder == tmp_path / "a" / "b"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_it_leaves_nothing_behind_in_a_folder_that_is_there(self, tmp_path: Path) -> None:
        data_dir.prepare(tmp_path)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("place", ["file", "file/below", "/proc", "/proc/none"])
    def test_a_place_that_cannot_be_written_is_one_sentence(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(
            ImproperlyConfigured, match=r"^DATA_DIR is .*cannot be written \(.+\); name a folder"
        ):
            data_dir.prepare(tmp_path / place)


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it another user's: in truth, or, where only root may do that, by being another."""
    if os.geteuid() == 0:
        os.chown(path, 54_321, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54_321)


class TestOthersHands:
    """A folder in which somebody else may change what we trust is refused; what others can only read is closed."""

    @pytest.mark.parametrize("mode", [0o777, 0o707, 0o703])
    def test_a_folder_that_everybody_may_write_to_is_refused(self, tmp_path: Path, mode: int) -> None:
        tmp_path.chmod(mode)
        with pytest.raises(
            ImproperlyConfigured, match=rf"^DATA_DIR is .* \(mode {mode:o}; run chmod 700 on it\); allowed:"
        ):
            data_dir.prepare(tmp_path)

    @pytest.mark.parametrize("mode", [0o1777, 0o750, 0o2770])
    def test_one_in_which_only_owners_replace_their_files_is_not(self, tmp_path: Path, mode: int) -> None:
        tmp_path.chmod(mode)
        assert data_dir.prepare(tmp_path) == tmp_path

    def test_somebody_elses_folder_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        give_away(tmp_path, monkeypatch)
        with pytest.raises(ImproperlyConfigured, match=r"which belongs to another user \(number"):
            data_dir.prepare(tmp_path)

    @pytest.mark.parametrize("name", data_dir.OURS)
    def test_a_link_in_the_place_of_a_file_is_refused_and_not_followed(
        self, tmp_path: Path, name: str
    ) -> None:
        target = tmp_path / "target"
        target.write_text("untouched")
        target.chmod(0o644)
        folder = tmp_path / "data"
        folder.mkdir(0o700)
        (folder / name).symlink_to(target)
        with pytest.raises(
            ImproperlyConfigured, match=rf"{re.escape(name)} is not ours: a link stands in its place"
        ):
            data_dir.prepare(folder)
        assert target.read_text() == "untouched" and stat.S_IMODE(target.stat().st_mode) == 0o644

    @pytest.mark.parametrize("name", data_dir.OURS)
    def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(self, tmp_path: Path, name: str) -> None:
        os.mkfifo(tmp_path / name)
        with pytest.raises(ImproperlyConfigured, match="it is no regular file"):
            data_dir.prepare(tmp_path)

    def test_somebody_elses_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tmp_path.chmod(0o1777)
        (tmp_path / "secret_key").write_text("x" * 64)
        give_away(tmp_path / "secret_key", monkeypatch)
        with pytest.raises(ImproperlyConfigured, match="another user"):
            data_dir.prepare(tmp_path)

    def test_files_that_others_can_read_are_closed_to_them(self, tmp_path: Path) -> None:
        for name in data_dir.OURS:
            (tmp_path / name).touch()
            (tmp_path / name).chmod(0o644)
        data_dir.prepare(tmp_path)
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in data_dir.OURS} == {0o600}

    def test_who_only_looks_changes_no_mode(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(data_dir._Manner, "makes", False)
        (tmp_path / "db.sqlite3").touch()
        (tmp_path / "db.sqlite3").chmod(0o644)
        data_dir.prepare(tmp_path)
        assert stat.S_IMODE((tmp_path / "db.sqlite3").stat().st_mode) == 0o644
        (tmp_path / "server.lock").symlink_to(tmp_path / "db.sqlite3")
        with pytest.raises(ImproperlyConfigured, match="a link stands in its place"):
            data_dir.prepare(tmp_path)


class TestOpenPrivate:
    """Judged by what was opened: there is no moment between a look and the opening."""

    def test_a_link_is_neither_followed_nor_made_into_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "target")
        with pytest.raises(private_files.NotOurs, match="a link stands in its place"):
            private_files.open_private(tmp_path / "link")
        assert not (tmp_path / "target").exists()

    def test_the_secret_key_is_not_read_through_one(self, tmp_path: Path) -> None:
        (tmp_path / "known").write_text("k" * 64)
        (tmp_path / "secret_key").symlink_to(tmp_path / "known")
        with pytest.raises(
            ImproperlyConfigured, match=r"secret_key cannot be read and written \(a link stands"
        ):
            data_dir.secret_key(tmp_path)


def read_key(folder: Path, keys: multiprocessing.SimpleQueue[str]) -> None:
    keys.put(data_dir.secret_key(folder))


class TestSecretKey:
    def test_it_is_made_once_and_only_its_owner_may_read_it(self, tmp_path: Path) -> None:
        key = data_dir.secret_key(tmp_path)
        assert len(key) >= 64
        assert data_dir.secret_key(tmp_path) == key
        assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600

    def test_permissions_that_grew_are_taken_back(self, tmp_path: Path) -> None:
        key = data_dir.secret_key(tmp_path)
        (tmp_path / "secret_key").chmod(0o644)
        assert data_dir.secret_key(tmp_path) == key
        assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600

    def test_processes_that_start_together_get_the_same_key(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        keys = context.SimpleQueue()
        processes = [context.Process(target=read_key, args=(tmp_path, keys)) for _ in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(10)
        assert len({keys.get() for _ in processes}) == 1

    def test_a_file_left_empty_by_a_crash_is_filled(self, tmp_path: Path) -> None:
        (tmp_path / "secret_key").touch()
        assert len(data_dir.secret_key(tmp_path)) >= 64

    @pytest.mark.parametrize("content", [b"short", b"\xff" * 64])
    def test_a_damaged_file_is_one_sentence_with_the_remedy(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "secret_key").write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=r"secret_key is damaged; delete it"):
            data_dir.secret_key(tmp_path)

    def test_a_folder_in_its_place_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "secret_key").mkdir()
        with pytest.raises(ImproperlyConfigured, match=r"secret_key cannot be read and written"):
            data_dir.secret_key(tmp_path)


class TestCheckDatabase:
    def test_no_file_and_a_good_file_pass(self, tmp_path: Path) -> None:
        path = tmp_path / "db.sqlite3"
        data_dir.check_database(path)
        assert not path.exists()
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        data_dir.check_database(path)

    def test_a_file_that_is_no_database_is_one_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "db.sqlite3"
        path.write_bytes(b"this is no database " * 100)
        with pytest.raises(ImproperlyConfigured, match=r"cannot be used \(.*not a database.*\); restore it"):
            data_dir.check_database(path)

    def test_a_folder_in_its_place_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "db.sqlite3").mkdir()
        with pytest.raises(ImproperlyConfigured, match="cannot be used"):
            data_dir.check_database(tmp_path / "db.sqlite3")
