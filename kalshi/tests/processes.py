"""Helpers in processes of their own, each obeying one JSON line at a time: what is shared must hold between them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kalshi.tests.servers import ROOT


class Helper:
    """A child process running `module` with `arguments`."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ready(self) -> None:
        assert self.answer() == "ready"

    def tell(self, **command: Any) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps(command) + "\n")
        self.popen.stdin.flush()

    def answer(self) -> Any:
        """What it says next. Tests have a time limit, so this one has none."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, "the helper ended"
        return json.loads(line)

    def ask(self, **command: Any) -> Any:
        self.tell(**command)
        return self.answer()

    def kill(self) -> None:
        """SIGKILL: it can tidy up nothing."""
        self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def helpers(count: int, module: str, *arguments: str) -> Iterator[list[Helper]]:
    made = [Helper(module, *arguments) for _ in range(count)]
    try:
        for helper in made:
            helper.ready()
        yield made
    finally:
        for helper in made:
            helper.kill()


def obey_lines(obey: Callable[[Any], Any]) -> None:
    """The child's side: say that it is ready, then answer each command until the parent is gone."""
    print(json.dumps("ready"), flush=True)  # noqa: T201
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)  # noqa: T201
