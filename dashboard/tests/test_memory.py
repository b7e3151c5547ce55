from __future__ import annotations

from pathlib import Path

from kalshi.tests.servers import bare_environment, run_python

LOADED = "import django; django.setup(); import dashboard.asgi, dashboard.urls, sys; print(*sys.modules)"


def test_a_server_without_redis_does_not_carry_its_client(tmp_path: Path) -> None:
    env = bare_environment(tmp_path) | {
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
    }
    loaded = run_python("-c", LOADED, env=env).split()
    assert "kalshi.redis_link" in loaded
    assert [name for name in loaded if name.partition(".")[0] in {"redis", "django_redis"}] == []
