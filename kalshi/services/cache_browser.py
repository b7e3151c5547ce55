"""The entries of the cache for people: whose they are, what they answer, how old they are; and taking them out.

Everybody who may enter the admin sees public answers; those of an account are for its operators. A key whose owner
cannot be read from it, or is gone, is for superusers.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.core.cache import caches

from kalshi import conf
from kalshi.cache.listing import Listed, Listing, list_entries
from kalshi.models import Account, Grant
from kalshi.redis_link import PREFIX, RedisLost
from kalshi.services import access, engine, metrics
from kalshi.services.audit import Action, record

MAX_ROWS = 200
MAX_TOLD = 20
"""Keys that the audit log names of one purge."""
PUBLIC = "public"
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry. owner: "public", the account's slug, or "?". state: fresh, old (past its fresh time)."""

    key: str
    environment: str
    host: str
    owner: str
    operation: str
    question: str
    status: int
    age_s: float | None
    left_s: float | None
    size: int
    state: str
    may_purge: bool


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty: all. text: part of the question or operation."""

    owner: str = ""
    operation: str = ""
    state: str = ""
    text: str = ""

    def fit(self, row: Row) -> bool:
        return (
            self.owner in {"", row.owner}
            and self.operation in {"", row.operation}
            and self.state in {"", row.state}
            and self.text.lower() in f"{row.operation} {row.question}".lower()
        )


@dataclass(frozen=True, slots=True)
class Found:
    """rows: at most MAX_ROWS, youngest first. matching: how many fit the filters. total_bytes: of those."""

    rows: Sequence[Row]
    matching: int
    total_bytes: int
    complete: bool
    lost: bool
    owners: Sequence[str]
    operations: Sequence[str]


class _Eyes:
    """What one person may see and take out."""

    def __init__(self, user: Any) -> None:
        self._superuser = bool(user.is_active and user.is_superuser)
        self._public = access.is_operator(user)
        self._slugs = {
            "default" if account.from_environment else str(account.uid): account.slug
            for account in access.held(user, Grant.Role.OPERATOR)
        }

    def row(self, listed: Listed, now: float) -> Row | None:
        """None: not for this person."""
        parts = listed.key.removeprefix(f"{PREFIX}:").split(":")
        environment, host, owner, operation, question = map(
            unquote, parts if len(parts) == 5 else ("", "", UNKNOWN, UNKNOWN, parts[0])
        )
        if owner == PUBLIC:
            slug: str | None = PUBLIC
        else:
            slug = self._slugs.get(owner.rpartition(".")[0], UNKNOWN if self._superuser else None)
        if slug is None:
            return None
        age_s = listed.head.age_s(now)
        options = conf.current().endpoints.get(operation)
        fresh_s = options.fresh_s if options else listed.head.fresh_s
        return Row(
            key=listed.key,
            environment=environment,
            host=host,
            owner=slug,
            operation=operation,
            question=question.removesuffix("?"),
            status=listed.head.status,
            age_s=age_s,
            left_s=None if age_s is None else max(0.0, listed.head.keep_s - age_s),
            size=listed.size,
            state="fresh" if age_s is not None and age_s < fresh_s else "old",
            may_purge=self._public if slug == PUBLIC else True,
        )


def browse(user: Any, filters: Filters) -> Found:
    """What the person may see of the shared Redis, or of this process's memory. Raises nothing of Redis's."""
    listing, lost = _listing()
    rows = _rows(user, listing)
    fitting = sorted((row for row in rows if filters.fit(row)), key=_age_s)
    return Found(
        rows=fitting[:MAX_ROWS],
        matching=len(fitting),
        total_bytes=sum(row.size for row in fitting),
        complete=listing.complete,
        lost=lost,
        owners=sorted({row.owner for row in rows}),
        operations=sorted({row.operation for row in rows}),
    )


def _age_s(row: Row) -> float:
    return math.inf if row.age_s is None else row.age_s


def purgeable(user: Any, *, keys: Sequence[str] = (), filters: Filters | None = None) -> list[Row]:
    """The entries among these keys, else those that fit the filters, that the person may take out."""
    rows = [row for row in _rows(user, _listing()[0]) if row.may_purge]
    if filters is not None:
        return [row for row in rows if filters.fit(row)]
    wanted = set(keys)
    return [row for row in rows if row.key in wanted]


def purge(rows: Sequence[Row]) -> int:
    """Take them out everywhere, and record it, for each owner on its own. rows: of `purgeable`. The next question asks
    Kalshi.
    """
    store = engine.current().store
    for row in rows:
        store.delete(row.key)
    for owner in sorted({row.owner for row in rows}):
        _record_purge(owner, [row for row in rows if row.owner == owner])
    return len(rows)


def _record_purge(owner: str, rows: Sequence[Row]) -> None:
    operations = sorted({row.operation for row in rows})
    target = operations[0] if len(operations) == 1 else f"{len(operations)} operations"
    told = [f"{row.owner} {row.operation} {row.question}" for row in rows[:MAX_TOLD]]
    account = None if owner == PUBLIC else Account.objects.filter(slug=owner).first()
    details = {"entries": len(rows), "first": told}
    record(Action.CACHE_PURGED, target=target, account=account, details=details)


def outcomes() -> list[tuple[str, dict[str, int]]]:
    """(operation, answers by outcome) of all processes since they started, the most asked first."""
    tables = metrics.of_all_processes()[1]
    by_operation: dict[str, Counter[str]] = {}
    for (operation, outcome), row in tables["cache"]:
        by_operation.setdefault(operation, Counter())[outcome] += int(row[0])
    return sorted(
        ((operation, dict(found)) for operation, found in by_operation.items()),
        key=lambda one: (-sum(one[1].values()), one[0]),
    )


def shared() -> bool:
    """Whether the entries are those of all processes, and not of this one alone."""
    return engine.current().store.link is not None


def _listing() -> tuple[Listing, bool]:
    running = engine.current()
    try:
        return list_entries(caches[running.setup.cache_alias], running.store.link), False
    except RedisLost:
        return Listing((), complete=False), True


def _rows(user: Any, listing: Listing) -> list[Row]:
    if not access.may_administer(user):
        return []
    eyes, now = _Eyes(user), time.time()
    return [row for listed in listing.entries if (row := eyes.row(listed, now)) is not None]
