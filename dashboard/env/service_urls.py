"""Readers of REDIS_URL and DATABASE_URL: only what the libraries behind them take, and what does not break us."""

import re
from collections.abc import Callable
from pathlib import Path

from dashboard.env.addresses import Address, Options, check_options, taken_apart
from dashboard.env.readers import Refused, number, text, whole


def _word(*words: str) -> Callable[[str], str]:
    """Letter by letter, as the library compares it."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return read


def _there(value: str) -> str:
    if not Path(value).exists():
        raise ValueError("the path of a file that exists")
    return value


def _client_name(value: str) -> str:
    if not re.fullmatch(r"[!-~]{1,64}", value):
        raise ValueError("up to 64 visible ASCII characters")
    return value


_SWITCH = _word("true", "false")
_SECONDS = number(0.05, 5)
# Left out because they break us: what decodes answers, what limits connections below our threads, what retries more
# often than an outage allows, and secrets outside of USER:PASSWORD@, where nothing masks them.
OF_UNIX: Options = {
    "db": whole(0, 99_999),
    "protocol": _word("2", "3"),
    "client_name": _client_name,
    "socket_timeout": _SECONDS,
    "socket_connect_timeout": _SECONDS,
    "health_check_interval": whole(0, 86_400),
}
OF_REDIS: Options = {**OF_UNIX, "socket_keepalive": _SWITCH}
OF_REDISS: Options = {
    **OF_REDIS,
    "ssl_cert_reqs": _word("none", "optional", "required"),
    "ssl_check_hostname": _SWITCH,
    "ssl_ca_certs": _there,
    "ssl_ca_path": _there,
    "ssl_certfile": _there,
    "ssl_keyfile": _there,
}
# Names of libpq, and currentSchema, which becomes its search_path.
OF_POSTGRES: Options = {
    "host": text,
    "port": whole(1, 65535),
    "sslmode": _word("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslrootcert": lambda value: value if value == "system" else _there(value),
    "sslcert": _there,
    "sslkey": _there,
    "channel_binding": _word("disable", "prefer", "require"),
    "gssencmode": _word("disable", "prefer", "require"),
    "target_session_attrs": _word("any", "read-write", "primary", "prefer-standby"),
    "connect_timeout": whole(2, 60),
    "application_name": text,
    "options": text,
    "passfile": _there,
    "keepalives": _word("0", "1"),
    "keepalives_idle": whole(0, 86_400),
    "keepalives_interval": whole(0, 86_400),
    "keepalives_count": whole(0, 100),
    "tcp_user_timeout": whole(0, 600_000),
    "currentSchema": text,
}
_POSTGRES = "an address such as postgres://USER:PASSWORD@HOST/NAME"
_SQLITE = "an address such as sqlite:////PATH"
_REDIS = "the number of a database, as in redis://HOST:6379/0"


def redis_url(value: str) -> str:
    """Its scheme in lower case."""
    address = taken_apart(value, "redis", "rediss", "unix")
    if "ssl" in address.options:
        raise Refused("has the option 'ssl'", "rediss:// for a connection by TLS")
    if address.scheme != "rediss" and any(name.startswith("ssl_") for name in address.options):
        raise Refused("has options of TLS", "them with rediss:// only")
    check_options(address, {"unix": OF_UNIX, "redis": OF_REDIS, "rediss": OF_REDISS}[address.scheme])
    if address.scheme == "unix":
        if address.host or not address.path.strip("/"):
            raise Refused("names no path of a socket", "an address such as unix:///run/redis.sock")
    elif not re.fullmatch(r"(/([0-9]{1,5})?)?", address.path):
        raise Refused("has something else than a number behind its host", _REDIS)
    elif address.path.strip("/") and "db" in address.options:
        raise Refused("names its database twice", _REDIS)
    return address.text


def database_url(value: str) -> str:
    """Its scheme in lower case."""
    address = taken_apart(value, "postgres", "postgresql", "sqlite")
    _check_sqlite(address) if address.scheme == "sqlite" else _check_postgres(address)
    return address.text


def _check_postgres(address: Address) -> None:
    check_options(address, OF_POSTGRES)
    # Without a name Django would fall back to a database in memory, and lose everything.
    if not re.fullmatch("/[^/]+", address.path):
        raise ValueError(_POSTGRES)
    if address.host and "host" in address.options:
        raise Refused("names its host twice", _POSTGRES)


def _check_sqlite(address: Address) -> None:
    check_options(address, {})
    if address.text.partition("://")[2][:1] != "/" or not address.path.strip("/"):
        raise ValueError(f"{_SQLITE}, or sqlite:///PATH for one below the working folder")
    if ":memory:" in address.path:
        raise Refused("names a database in memory", _SQLITE)
