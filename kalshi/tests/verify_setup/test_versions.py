from __future__ import annotations

from pathlib import Path

from kalshi.services import verify_versions
from kalshi.services.verify_findings import fail
from kalshi.tests.servers import ROOT


def test_an_old_python_is_refused() -> None:
    assert verify_versions.python((3, 11, 0)).status == "ok"
    assert verify_versions.python((3, 10, 9)) == fail(
        "python", "3.10.9; 3.11 or newer is needed", "Install it, then: make PYTHON=python3.11 run"
    )


def test_this_environment_is_as_pinned() -> None:
    assert verify_versions.dependencies(ROOT / "requirements.txt").status == "ok"


def test_missing_and_other_versions_are_named_and_conditional_ones_may_be_absent(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        "# comment\ndjango==1.0 \\\n    --hash=sha256:00\nno-such-package==2.0 \\\n"
        "no-such-either==1 ; sys_platform == 'win32' \\\n"
    )
    finding = verify_versions.dependencies(requirements)
    assert finding.status == "fail"
    assert "django is 5." in finding.found
    assert "not 1.0" in finding.found
    assert "no-such-package is missing" in finding.found
    assert "no-such-either" not in finding.found
    assert "make run" in finding.remedy


def test_a_pin_with_extras_counts_like_any_other(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("psycopg[binary, pool]==0.1 \\\n")
    assert "psycopg is 3." in verify_versions.dependencies(requirements).found


def test_a_missing_list_is_a_failure(tmp_path: Path) -> None:
    assert verify_versions.dependencies(tmp_path / "requirements.txt").status == "fail"
