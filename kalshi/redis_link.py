"""The one way to the shared Redis, and the one place that knows whether it is lost.

Everything shared (entries, leases, budget, breaker) goes through one link per process, so that an outage is logged
once, its return once, and a dead Redis costs one caller a second a time-out, whoever asks; all others are told at
once that it is lost and go on with what this process has.

Key layout. Every key stands under django-redis's own prefix (`<KEY_PREFIX>:<VERSION>:`), holds no secret, and
expires. <scope> is `<environment>:<host>:<account>.<fingerprint of the API key>` or `<environment>:<host>:public`;
<budget> is `<environment>:<host>:key.<fingerprint of the API key>`, which all accounts with this key share.

    kalshi:1:<scope>:<operation>:<path?params>   packed entry (cache/entry.py)         its keep time
    kalshi:1:epoch                               a random word; gone: Redis was emptied   30 days
    kalshi:1:lease:<entry key>                   token of the process that fetches it   3 s, renewed
    kalshi:1:failure:<entry key>                 when and how its last fetch failed     5 s
    kalshi:1:tried:<entry key>                   when its last fetch began              10 s
    kalshi:1:budget:<budget>                     hash: token bucket, numbers of the tier  1 day
    kalshi:1:minute:<budget>, minute-background: sorted sets: due times of a minute's requests  2 minutes
    kalshi:1:caller:<id of a virtual key>        hash: token bucket of its own limit    until it is full
    kalshi:1:caller:sign-in:<address>            hash: token bucket of its attempts     until it is full
    kalshi:1:breaker:<environment>:<host>        hash: failures, open until, probe until  5 minutes
    kalshi:1:breaker:<scope>:<operation>         the same for one operation of an account  5 minutes
    kalshi:1:learned:<budget>                    the account's limits and costs, as read   1 day
    kalshi:1:learning:<budget>                   token of the process that reads them    30 s
    kalshi:1:cutoff:<environment>:<host>:<field> the archive's farthest cutoff, when fetched  1 hour

What is not ours under one of these names is damage, not an outage: a key of another type is taken out, and the
command that met it sent once more; a text that none of us wrote counts as nothing there.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core.cache.backends.base import BaseCache

if TYPE_CHECKING:
    from redis import Redis

PREFIX = "kalshi:1"
NUMBER = """
local function number(text)
  local found = tonumber(text or '')
  if found and math.abs(found) < 1e15 then return found end
end
"""
"""For scripts: the number that a text of Redis's is; nil for any other text, for nan, and beyond all that we count."""
RETRY_S = 1.0
PROBE_KEY = "probe"
PROBE_TTL_S = 30
TYPES = {
    "budget": "hash",
    "caller": "hash",
    "breaker": "hash",
    "minute": "zset",
    "minute-background": "zset",
}
"""By the word behind the prefix; all others are strings."""

# KEYS; ARGV: the type of each. Takes out those of another type, in one step, and returns them.
_TAKE_OUT = """
local out = {}
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= ARGV[i] then
    redis.call('DEL', key)
    out[#out + 1] = key
  end
end
return out
"""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class RedisLost(Exception):
    """Redis is out of reach; go on without. Never leaves the modules that share something."""


class RedisLink:
    """Thread-safe. name: the full name of a key. monotonic: seconds, only for the retry interval."""

    def __init__(
        self,
        client: "Redis",
        name: Callable[[str], str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Late, here and in kalshi.cache.caches: without Redis no process carries the library.
        from redis.exceptions import RedisError

        self._client = client
        self._faults = (RedisError, OSError)
        self.name = name
        self.monotonic = monotonic
        self._lock = threading.Lock()
        self._down = False
        self._turns = 0  # how often Redis was lost or came back
        self._retry_at = 0.0

    @property
    def down(self) -> bool:
        """Whether Redis is lost."""
        return self._down

    def resting(self, now: float) -> bool:
        """Whether Redis is lost and nobody tries it at this moment of `monotonic`. Never blocks."""
        return self._down and now < self._retry_at

    def call(self, operation: Callable[["Redis"], _T], *names: str) -> _T:
        """What the operation returns. RedisLost when Redis is out of reach, or was less than a second ago.

        names: the keys that it reads; those of a type that is not ours are taken out, and it runs once more.
        """
        probing = self._down
        if probing and not self._my_turn():
            raise RedisLost
        turns = self._turns
        try:
            if probing:
                # One whose memory is full reads well and takes nothing.
                self._client.set(self.name(PROBE_KEY), b"", ex=PROBE_TTL_S)
            result = self._past_damage(operation, names)
        except self._faults as error:
            if not _is_damage(error):
                self._lost(error, turns)
            raise RedisLost from error
        if self._down:
            self._returned(turns)
        return result

    def script(self, source: str) -> Callable[..., Any]:
        """A Lua script as a function of (keys, args); one round trip. Raises RedisLost as `call` does."""
        registered = self._client.register_script(source)

        def run(keys: list[str], args: list[Any]) -> Any:
            return self.call(lambda _: registered(keys=keys, args=args), *keys)

        return run

    def _past_damage(self, operation: Callable[["Redis"], _T], names: tuple[str, ...]) -> _T:
        try:
            return operation(self._client)
        except self._faults as error:
            if not _is_damage(error):
                raise
        before = len(self.name(f"{PREFIX}:"))
        types = [TYPES.get(name[before:].partition(":")[0], "string") for name in names]
        for name in cast(list[bytes], self._client.eval(_TAKE_OUT, len(names), *names, *types)):
            _log.warning("What stood in Redis under %.200s was not ours; it was taken out.", name.decode())
        return operation(self._client)

    def _my_turn(self) -> bool:
        with self._lock:
            now = self.monotonic()
            if now < self._retry_at:
                return False
            self._retry_at = now + RETRY_S
            return True

    # A command that began before the last turn of things says nothing about what came after: its answer may have been
    # on the way when Redis went, and its failure known only once Redis was back.

    def _lost(self, error: Exception, turns: int) -> None:
        with self._lock:
            if turns != self._turns:
                return
            first, self._down = not self._down, True
            self._turns += first
            self._retry_at = self.monotonic() + RETRY_S
        if first:  # the class only: a message may hold the address with its password
            _log.warning("Redis is lost (%s); work goes on with what this process has.", type(error).__name__)

    def _returned(self, turns: int) -> None:
        with self._lock:
            if turns != self._turns:
                return
            self._down = False
            self._turns += 1
        _log.warning("Redis is back.")


def _is_damage(error: Exception) -> bool:
    """Whether a key was of another type. A script's error has other words around this one, as a pipeline's has."""
    return "WRONGTYPE" in str(error)


def link_to(cache: BaseCache) -> RedisLink | None:
    """The link to the Redis behind this Django cache; None when it is not django-redis. Sends nothing."""
    # Told from others as django-redis's own get_redis_connection does, which imports nothing either.
    client = getattr(cache, "client", None)
    if client is None:
        return None
    # Built once and used by all threads: Django would make a new object for each of them.
    return RedisLink(client.get_client(write=True), lambda key: str(cache.make_key(key)))
