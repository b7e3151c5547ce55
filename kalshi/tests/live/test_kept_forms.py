"""Forms that an earlier version kept beside failed sign-ins are gone after the upgrade; the failures still count."""

from __future__ import annotations

from kalshi.tests.live.test_token_number import installation
from kalshi.tests.live.test_upgrade import Installation

__all__ = ["installation"]

EARLIER = "0009"


def test_the_forms_of_failed_sign_ins_are_emptied(installation: Installation) -> None:
    installation.manage("migrate", "-v0", "kalshi", EARLIER)
    installation.manage("migrate", "-v0", "axes")
    installation.sql(
        "INSERT INTO axes_accessattempt (username, ip_address, user_agent, http_accept, path_info, attempt_time, "
        "failures_since_start, get_data, post_data) VALUES ('ada', '192.0.2.1', '', '', '/you/password/', "
        "'2026-01-02 03:04:05+00:00', 5, 'next=readable', 'new_password1=readable')"
    )
    installation.manage("migrate", "-v0")
    found = installation.sql(
        "SELECT username, failures_since_start, get_data, post_data FROM axes_accessattempt"
    )
    assert found == [("ada", 5, "", "")]
    if not installation.database_url:
        assert b"readable" not in (installation.folder / "data" / "db.sqlite3").read_bytes()
