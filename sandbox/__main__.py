"""`python -m sandbox`: read the arguments, open the port, serve until told to stop."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from aiohttp import web

from sandbox.budget import TIERS
from sandbox.clock import Clock, make_clock, parse_epoch
from sandbox.exchange import Exchange, make_exchange
from sandbox.key_files import KeysError
from sandbox.keys import load_or_make
from sandbox.operations import PREFIX
from sandbox.replay import Replay
from sandbox.server import Front, make_front

STOP_S = 0.5
LONGEST_LINE = 65_536
PARENT_EVERY_S = 1.0


@dataclass(slots=True)
class Options(argparse.Namespace):
    host: str = "127.0.0.1"
    port: int = 8001
    seed: int = 7
    speed: float = 1.0
    tier: str = "basic"
    keys_dir: Path = Path("var/sandbox")
    replay: Path | None = None
    epoch: datetime | None = None
    with_parent: int | None = None


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[0].upper()}{message[1:].rstrip('.')}.\n")


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, a number from 0 to 65535 is needed")
    return int(text)


def speed(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed, a number from 0 to 100000 is needed")
    return number


def folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def epoch(text: str) -> datetime:
    try:
        return parse_epoch(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time between 2000 and 2097 such as 2026-11-20T12:00:00Z"
        ) from None


def parser() -> argparse.ArgumentParser:
    result = Parser(
        prog="python -m sandbox", description="A simulated Kalshi exchange for demos, tests and bots."
    )
    result.add_argument("--host", help="address to listen on (127.0.0.1)")
    result.add_argument("--port", type=port, help="port to listen on; 0 picks a free one (8001)")
    result.add_argument("--seed", type=int, help="another number, another exchange (7)")
    result.add_argument("--speed", type=speed, help="seconds of exchange time per second; 0 freezes it (1)")
    result.add_argument("--tier", choices=tuple(TIERS), help="the account's rate-limit tier (basic)")
    result.add_argument("--keys-dir", type=Path, help="where the API keys are kept or made (var/sandbox)")
    result.add_argument(
        "--with-parent", type=int, metavar="PID", help="end when this process, which started it, has ended"
    )
    result.add_argument("--replay", type=folder, help="folder of <operation>.json bodies to answer with")
    result.add_argument(
        "--epoch",
        type=epoch,
        help="exchange time at the start, RFC 3339 (now; with --speed 0 the last 00:00 UTC); "
        "same seed, epoch and elapsed time give the same bodies",
    )
    return result


async def serve(front: Front, options: Options) -> None:
    """Until SIGTERM or SIGINT; raises OSError when the address cannot be used."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = web.Server(front.handle, handler_cancellation=True, max_line_size=LONGEST_LINE, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=STOP_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
        host, chosen = runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"Sandbox ready http://{shown}:{chosen}{PREFIX}\n")
        sys.stdout.flush()
        if options.with_parent is not None:
            _watch_parent(loop, stop, options.with_parent)
        await stop.wait()
        front.faults.set(None)
    finally:
        await runner.cleanup()


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, parent: int) -> None:
    """Look once a second: a parent that is killed cannot say goodbye.

    parent: as the parent itself tells it; who asked for it here would take the heir of one that is gone already.
    """
    if os.getppid() != parent:
        stop.set()
    else:
        loop.call_later(PARENT_EVERY_S, _watch_parent, loop, stop, parent)


def grow(options: Options, clock: Clock) -> Exchange:
    """The exchange with its past. All of it is kept, so the collector need not look through it again and again."""
    gc.disable()
    exchange = make_exchange(options.seed, clock.epoch_s, options.tier)
    exchange.view(clock.now_s())
    gc.freeze()
    gc.enable()
    return exchange


def main() -> int:
    options = parser().parse_args(namespace=Options())
    clock = make_clock(options.speed, options.epoch, datetime.now(UTC))
    with ThreadPoolExecutor(1) as pool:  # making an RSA key takes a while, outside of Python
        loading = pool.submit(load_or_make, options.keys_dir)
        exchange = grow(options, clock)
    try:
        keys = loading.result()
    except KeysError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    front = make_front(exchange, clock, keys, Replay(options.replay) if options.replay else None)
    try:
        asyncio.run(serve(front, options))
    except OSError as problem:
        sys.stderr.write(f"Cannot listen on {options.host}:{options.port}: {problem.strerror or problem}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
