"""Start-up where the machine is not as usual: an unsafe folder, no home, another address."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from kalshi.tests.private_keys import new_pem
from kalshi.tests.servers import Process, bare_environment, free_port, ran, wait_until

CREDENTIALS = {"KALSHI_API_KEY_ID": "5b2f1c9e-0000-4000-8000-00000000c0de"}


UNSAFE = {
    "in which every user may replace files (mode 777": lambda data: data.chmod(0o777),
    "server.lock is not ours: a link stands in its place": lambda data: (data / "server.lock").symlink_to(
        "x"
    ),
}
PROGRAMS = (["-m", "dashboard.launch"], ["manage.py", "check"], ["manage.py", "serve"], ["verify_setup.py"])


@pytest.mark.parametrize("words", UNSAFE)
def test_an_unsafe_data_folder_is_refused_by_everything_that_uses_it(tmp_path: Path, words: str) -> None:
    data = tmp_path / "data"
    data.mkdir(0o700)
    UNSAFE[words](data)
    env = bare_environment(tmp_path) | {"DATA_DIR": str(data), "SANDBOX_PORT": str(free_port())}
    for program in PROGRAMS:
        assert words in refused(program, env)
        assert sorted(path.name for path in data.iterdir()) in ([], ["server.lock"])


def refused(program: list[str], env: dict[str, str]) -> str:
    """What a program says that does not start."""
    done = ran([sys.executable, *program], env=env)
    assert done.returncode == 1, program
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_an_address_that_is_not_served_is_refused_by_everything(tmp_path: Path) -> None:
    env = bare_environment(tmp_path) | {"DATA_DIR": str(tmp_path / "data"), "HOST": "127.0.0.2"}
    env |= {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    sentence = "HOST is '127.0.0.2', but DJANGO_ALLOWED_HOSTS has only 127.0.0.1, localhost, [::1]"
    for program in PROGRAMS:
        assert sentence in refused(program, env), program


@pytest.mark.parametrize(
    ("host", "shown", "more"),
    [
        ("::1", "[::1]", {}),
        ("127.0.0.2", "127.0.0.2", {"DJANGO_ALLOWED_HOSTS": "127.0.0.2"}),
        ("0.0.0.0", "localhost", {"DJANGO_ALLOWED_HOSTS": "localhost"}),
    ],
)
def test_the_link_can_be_opened(tmp_path: Path, host: str, shown: str, more: dict[str, str]) -> None:
    env = bare_environment(tmp_path) | {"DATA_DIR": str(tmp_path / "data"), "HOST": host} | more
    env |= {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    process = Process([sys.executable, "-m", "dashboard.launch"], env)
    try:
        link = process.wait_for_line(r"Sign in: (\S+)", 60)[1]
        assert link.startswith(f"http://{shown}:{env['PORT']}/sign-in/")
        page = wait_until(lambda: answered(link), 20, "the page behind the link")
        assert page.status_code == 200
    finally:
        process.stop()


def answered(link: str) -> requests.Response | None:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(link, timeout=10)
    return None


class TestWithoutHome:
    """As in a container whose user has no entry: no HOME, and a user id that the system does not know."""

    HOMELESS = "import sys; import pwd; del sys.modules['pwd']; sys.modules['pwd'] = None; import runpy; "

    def run(self, tmp_path: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
        bare = bare_environment(tmp_path) | {"DATA_DIR": str(tmp_path / "data")} | env
        del bare["HOME"]
        return ran([sys.executable, "-c", self.HOMELESS + code], env=bare)

    def test_credentials_in_variables_are_enough(self, tmp_path: Path) -> None:
        code = "sys.argv[1:] = ['check']; runpy.run_path('manage.py', run_name='__main__')"
        done = self.run(tmp_path, code, **CREDENTIALS, KALSHI_PRIVATE_KEY=new_pem())
        assert (done.returncode, done.stderr) == (0, "")
        assert "no issues" in done.stdout

    def test_a_path_below_a_home_that_is_not_there_is_one_sentence(self, tmp_path: Path) -> None:
        code = "runpy.run_module('dashboard.launch', run_name='__main__')"
        done = self.run(
            tmp_path, code, **CREDENTIALS, KALSHI_PRIVATE_KEY_PATH="~/key.pem", PORT=str(free_port())
        )
        assert done.returncode == 1
        assert done.stderr.startswith("error: KALSHI_PRIVATE_KEY_PATH (~/key.pem) does not exist")
        assert done.stderr.count("\n") == 1
