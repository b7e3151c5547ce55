"""A client's script in the client's own environment, with the recipe that INTEGRATION.md gives for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalshi.tests.servers import ROOT

HERE = Path(__file__).parent
ENVIRONMENTS = ROOT / ".venv" / "clients"
ADDRESS, KEY_ID, KEY_FILE, TOKEN = (
    "https://dash.example.com",
    "0f0c4d0e-6f5f-4b0c-9a55-0d6f5d0f3c11",
    "gateway.pem",
    "<token>",
)


@dataclass(frozen=True)
class ClientUnderTest:
    """`package` names its recipe and its script, `environment` a folder of .venv/clients."""

    package: str
    environment: str

    @property
    def is_installed(self) -> bool:
        return (ENVIRONMENTS / self.environment / ".made-from").exists()

    @property
    def script(self) -> Path:
        return next(HERE.glob(f"with_{self.package.replace('-', '_')}.*"))

    @property
    def recipe(self) -> str:
        """The first example of code behind the client's name, in the section about existing clients."""
        section = (ROOT / "INTEGRATION.md").read_text().split("\n## Existing clients\n")[1].split("\n## ")[0]
        behind = section.split(f"`{self.package}`", maxsplit=1)[1]
        found = re.search(r"```(?:python|ts)\n(.*?)```", behind, re.DOTALL)
        assert found is not None, f"no recipe for {self.package}"
        return found[1]


@dataclass(frozen=True)
class Key:
    """Whose secret it is does not matter to a recipe: only where it lies."""

    id: str
    file: str


@dataclass(frozen=True)
class Access:
    """Where the gateway is and what opens it."""

    base_url: str
    keys: dict[str, Key]
    token: str

    def fill(self, recipe: str, key: str) -> str:
        """The recipe with this gateway's address and this key instead of the example's."""
        assert all(word in recipe for word in (ADDRESS, KEY_ID, KEY_FILE)), recipe
        for word, value in (
            (ADDRESS, self.base_url),
            (KEY_ID, self.keys[key].id),
            (KEY_FILE, self.keys[key].file),
            (TOKEN, self.token),
        ):
            recipe = recipe.replace(word, value)
        return recipe


def run(client: ClientUnderTest, access: Access, out: Path, **plan: Any) -> list[dict[str, Any]]:
    """What the client's script reports, in its order; fails with its output when it does not come to its end."""
    recipes = {name: access.fill(client.recipe, name) for name in access.keys}
    keys = {name: {"id": key.id, "file": key.file} for name, key in access.keys.items()}
    plan |= {"recipes": recipes, "keys": keys, "out": str(out)}
    environment = ENVIRONMENTS / client.environment
    if client.script.suffix == ".mjs":
        command, program = [node(), "--input-type=module", "-"], recipes["rsa"] + client.script.read_text()
    else:
        command, program = [str(environment / "bin" / "python"), str(client.script)], ""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("KALSHI", "COV", "PYTHON"))
    }
    out.unlink(missing_ok=True)
    done = subprocess.run(
        command,
        cwd=environment,
        env=kept | {"PLAN": json.dumps(plan)},
        input=program,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{client.package}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    report: list[dict[str, Any]] = json.loads(out.read_text())
    return report


def node() -> str:
    """From PATH, else the one that .ci/client-environments installs."""
    own = ENVIRONMENTS / "node" / "bin" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    assert found is not None, "node is missing: sh .ci/client-environments"
    return found
