"""Addresses of Redis and databases: what is accepted works with the libraries behind them, the rest is one sentence."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import dj_database_url
import psycopg
import pytest
import redis
from django.core.cache import CacheHandler
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import parse_url

from dashboard import env
from dashboard.env.service_urls import OF_POSTGRES, OF_REDISS, OF_UNIX
from kalshi.cache.caches import cache_settings

ENCODE = "percent-encoded; allowed: user name and password with %23 for #"
REFUSED = {
    "REDIS_URL": {
        "redis://h?ssl=true": "has the option 'ssl'; allowed: rediss://",
        "rediss://h?ssl=true": "has the option 'ssl'; allowed: rediss://",
        "redis://h?ssl_cert_reqs=none": "has options of TLS; allowed: them with rediss:// only",
        "rediss://h?ssl_cert_reqs=CERT_NONE": "ssl_cert_reqs='CERT_NONE'; allowed: one of none, optional, required",
        "rediss://h?ssl_ca_certs=/none/ca.pem": "ssl_ca_certs='/none/ca.pem'; allowed: the path of a file that exists",
        "redis://h?timeout=5": "has the option 'timeout'; allowed: the options db,",
        "redis://h?family=4": "has the option 'family'",
        "redis://h?prefix=x": "has the option 'prefix'",
        "redis://h?decode_responses=True": "has the option 'decode_responses'",
        "redis://h?max_connections=2": "has the option 'max_connections'",
        "redis://h?retry_on_timeout=true": "has the option 'retry_on_timeout'",
        "redis://h?password=hunter2secret": "has the option 'password'",
        "redis://h?socket_timeout=abc": "has socket_timeout='abc'; allowed: a number from 0.05 to 5",
        "redis://h?socket_timeout=6": "has socket_timeout='6'; allowed: a number from 0.05 to 5",
        "redis://h?socket_connect_timeout=0": "has socket_connect_timeout='0'; allowed: a number from 0.05 to 5",
        "redis://h?socket_timeout=": "has something else than options",
        "redis://h?db=x": "has db='x'",
        "redis://h?db=1&db=2": "has the option 'db' twice",
        "redis://h/1?db=2": "names its database twice",
        "redis://h/x": "has something else than a number behind its host",
        "redis://h/1/2": "has something else than a number behind its host",
        "redis://h:0": "has something else than a port",
        "redis://:hunter2secret": "has something else than a port behind its host; allowed: a port from 1 to 65535",
        "redis://:hunter2#secret@h": ENCODE,
        "redis://:hunter2/secret@h": ENCODE,
        "redis://:hunter2?secret@h": ENCODE,
        "redis://:hunter2@secret@h": ENCODE,
        "redis://:hunter2[secret@h": ENCODE,
        "redis://:hunter2%secret@h": "has a % that begins no percent-encoding; allowed: user name and password with",
        "redis://h x": "has a blank",
        "redis://[::1": "has no host",
        "http://h": "has the scheme 'http'; allowed: an address that begins with redis:// or rediss:// or unix://",
        "unix://run/redis.sock": "names no path of a socket",
        "unix://": "names no path of a socket",
        "unix:///run/redis.sock?socket_keepalive=true": "has the option 'socket_keepalive'",
    },
    "DATABASE_URL": {
        "postgres://u:hunter2#secret@h/db": ENCODE,
        "postgres://u:hunter2/secret@h/db": ENCODE,
        "postgres://u:hunter2?secret@h/db": ENCODE,
        "postgres://u:hunter2secret@h/db#x": ENCODE,
        "postgres://u:hunter2%secret@h/db": "begins no percent-encoding",
        "postgres://u:hunter2secret@h": "is a value that is not shown; allowed: an address such as postgres://",
        "postgres://u:hunter2secret@h/": "is a value that is not shown; allowed: an address such as postgres://",
        "postgres://u:hunter2secret@h/a/b": "is a value that is not shown; allowed: an address such as postgres://",
        "postgres://h/db?sslmode=maybe": "has sslmode='maybe'; allowed: one of disable,",
        "postgres://h/db?sslrootcert=/none": "has sslrootcert='/none'",
        "postgres://h/db?connect_timeout=soon": "has connect_timeout='soon'",
        "postgres://h/db?connect_timeout=61": "has connect_timeout='61'",
        "postgres://h/db?pool=true": "has the option 'pool'",
        "postgres://h/db?client_encoding=latin1": "has the option 'client_encoding'",
        "postgres://h/db?password=hunter2secret": "has the option 'password'",
        "postgres://h/db?host=/run": "names its host twice",
        "postgres://h:hunter2secret/db": "has something else than a port",
        "sqlite:///db.sqlite3?timeout=5": "has the option 'timeout'; allowed: no options",
        "sqlite:///:memory:": "names a database in memory",
        "sqlite://srv/db.sqlite3": "is a value that is not shown; allowed: an address such as sqlite:////PATH",
        "sqlite:////srv/a#b": ENCODE,
        "mysql://u:hunter2secret@h/db": "has the scheme 'mysql'",
    },
}
CASES = [(name, value, words) for name, values in REFUSED.items() for value, words in values.items()]


@pytest.mark.parametrize(("name", "value", "words"), CASES)
def test_what_cannot_work_is_one_sentence_without_the_password(name: str, value: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env.parse({name: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} ") and words in sentence and "; allowed: " in sentence
    assert "secret" not in sentence.replace("a value that is not shown", "") and "\n" not in sentence


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("REDIS_URL", "REDIS://h", "redis://h"),
        ("REDIS_URL", "rediss://u:p%40@h:1/", "rediss://u:p%40@h:1/"),
        ("REDIS_URL", "redis://[::1]:6379/3", "redis://[::1]:6379/3"),
        ("REDIS_URL", "unix://u:p@/run/redis.sock?db=1", "unix://u:p@/run/redis.sock?db=1"),
        ("DATABASE_URL", "Postgres://h/db?sslmode=require", "postgres://h/db?sslmode=require"),
        ("DATABASE_URL", "postgres:///db?host=/run/pg", "postgres:///db?host=/run/pg"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "sqlite:///db.sqlite3"),
    ],
)
def test_what_works_is_taken_with_its_scheme_in_lower_case(name: str, value: str, read: str) -> None:
    assert env.parse({name: value})[name] == read


@given(user=st.text(max_size=8), password=st.text(min_size=1, max_size=12))
def test_a_password_that_is_percent_encoded_arrives_as_it_is(user: str, password: str) -> None:
    who = f"{quote(user, safe='')}:{quote(password, safe='')}"
    at_redis = env.parse({"REDIS_URL": f"redis://{who}@h/0"})["REDIS_URL"]
    assert parse_url(at_redis)["password"] == password
    at_postgres = env.parse({"DATABASE_URL": f"postgres://{who}@h/db"})["DATABASE_URL"]
    assert dj_database_url.parse(at_postgres)["PASSWORD"] == password


@given(password=st.text(alphabet="ab1%#/?@[]:&= ", min_size=1, max_size=12))
def test_a_password_as_it_is_arrives_whole_or_is_refused_without_showing_it(password: str) -> None:
    marked = f"hunter{password}secret"
    try:
        value = env.parse({"REDIS_URL": f"redis://:{marked}@h/0"})["REDIS_URL"]
    except ImproperlyConfigured as problem:
        assert "hunter" not in str(problem) and "secret" not in str(problem)
    else:
        assert "%" in password or parse_url(value)["password"] == marked
        assert parse_url(value)["host"] == "h"


EXAMPLES = {
    "db": "1",
    "protocol": "3",
    "client_name": "dash",
    "socket_timeout": "0.5",
    "socket_connect_timeout": "1",
    "health_check_interval": "30",
    "socket_keepalive": "true",
    "ssl_cert_reqs": "none",
    "ssl_check_hostname": "false",
    "ssl_ca_certs": __file__,
    "ssl_ca_path": str(Path(__file__).parent),
    "ssl_certfile": __file__,
    "ssl_keyfile": __file__,
}


@pytest.mark.parametrize("name", OF_REDISS)
def test_each_option_of_redis_works_with_the_library_and_a_real_server(name: str, redis_url: str) -> None:
    option = f"{name}={EXAMPLES[name]}"
    if name.startswith("ssl_"):
        value = env.parse({"REDIS_URL": f"rediss://h?{option}"})["REDIS_URL"]
        assert hasattr(redis.Redis.from_url(value).connection_pool.make_connection(), "cert_reqs")
        return
    value = env.parse({"REDIS_URL": f"{redis_url.removesuffix('/0')}?{option}"})["REDIS_URL"]
    cache = CacheHandler({"kalshi": cache_settings(value)})["kalshi"]  # type: ignore[no-untyped-call]
    cache.set(f"option-{name}", b"\x00\xff", 10)
    assert cache.get(f"option-{name}") == b"\x00\xff"
    cache.close()


def test_each_option_of_a_socket_is_one_of_its_connection() -> None:
    options = "&".join(f"{name}={EXAMPLES[name]}" for name in OF_UNIX)
    value = env.parse({"REDIS_URL": f"unix:///run/redis.sock?{options}"})["REDIS_URL"]
    assert redis.Redis.from_url(value).connection_pool.make_connection() is not None


def test_each_option_of_a_database_is_one_of_libpq() -> None:
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    assert set(OF_POSTGRES) - known == {"currentSchema"}
