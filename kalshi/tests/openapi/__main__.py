"""`python -m kalshi.tests.openapi` writes kalshi/openapi/examples.json anew, from a sandbox of its own."""

from kalshi.openapi.bodies import EXAMPLES
from kalshi.tests.openapi.asking import examples
from kalshi.tests.servers import Gateway, Sandbox, running

EPOCH = "2026-11-20T00:00:00Z"

with (
    running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prestige", epoch=EPOCH)) as sandbox,
    running(lambda folder: Gateway(folder, KALSHI_RATE_SHARE="1", **sandbox.environment())) as gateway,
):
    EXAMPLES.write_text(examples(gateway))
