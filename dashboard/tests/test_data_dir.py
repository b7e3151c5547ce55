from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import data_dir


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
