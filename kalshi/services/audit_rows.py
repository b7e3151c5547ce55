"""Records changes of the rows that matter: which tables, which of their fields, and what each change is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from kalshi.models import Account
from kalshi.services.audit import Action, record
from kalshi.services.credential_names import credential_name
from kalshi.services.verify_findings import masked_key_id

Change = tuple[Any, Any]
"""Before and after."""
_BEFORE = "_audit_before"
GONE = "(deleted)"


@dataclass(frozen=True)
class Watched:
    """`account`: the one that a row is about. `secrets`: fields of which only the fact that they changed is told;
    `masked`: ids of keys, told as everywhere else. None as an action: not recorded.
    """

    fields: tuple[str, ...]
    added: Callable[[Any], Action | None]
    changed: Callable[[dict[str, Change]], Action | None]
    removed: Callable[[Any], Action | None]
    target: Callable[[Any], str] = str
    account: Callable[[Any], Account | None] = lambda row: None
    secrets: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


def _always(action: Action | None) -> Callable[[Any], Action | None]:
    return lambda _: action


def _key_change(changes: dict[str, Change]) -> Action:
    if changes.get("revoked_at", (None, None))[1] is not None:
        return Action.KEY_REVOKED
    if "blocked" in changes:
        return Action.KEY_BLOCKED if changes["blocked"][1] else Action.KEY_UNBLOCKED
    return Action.KEY_CHANGED


def _person_change(changes: dict[str, Change]) -> Action:
    return Action.PASSWORD_CHANGED if set(changes) == {"password"} else Action.PERSON_CHANGED


def _confirmed(action: Action) -> Callable[[Any], Action | None]:
    return lambda device: action if device.confirmed else None


def _factor_change(changes: dict[str, Change]) -> Action:
    return Action.SECOND_FACTOR_ADDED if changes["confirmed"][1] else Action.SECOND_FACTOR_REMOVED


def _its_account(row: Any) -> Account | None:
    found: Account | None = row.account
    return found


WATCHED: dict[str, Watched] = {
    settings.AUTH_USER_MODEL: Watched(
        fields=("username", "email", "is_active", "is_staff", "is_superuser"),
        secrets=("password",),
        added=_always(Action.PERSON_ADDED),
        changed=_person_change,
        removed=_always(Action.PERSON_REMOVED),
    ),
    "kalshi.Account": Watched(
        fields=("slug", "label", "environment", "key_id", "subaccount", "enabled"),
        secrets=("sealed_key",),
        masked=("key_id",),
        added=_always(Action.ACCOUNT_ADDED),
        changed=_always(Action.ACCOUNT_CHANGED),
        removed=_always(Action.ACCOUNT_REMOVED),
        target=lambda account: account.slug,
        account=lambda account: account,
    ),
    "kalshi.Grant": Watched(
        fields=("user", "account", "role"),
        added=_always(Action.GRANT_GIVEN),
        changed=_always(Action.GRANT_CHANGED),
        removed=_always(Action.GRANT_TAKEN),
        target=lambda grant: f"{grant.user} on {grant.account.slug}",
        account=_its_account,
    ),
    "kalshi.ApiToken": Watched(
        fields=("name", "user", "scope", "account", "expiry"),
        added=_always(Action.TOKEN_MADE),
        changed=_always(Action.TOKEN_CHANGED),
        removed=_always(Action.TOKEN_REVOKED),
        target=credential_name,
        account=_its_account,
    ),
    "kalshi.VirtualKey": Watched(
        fields=(
            "label",
            "user",
            "account",
            "operations",
            "requests_per_s",
            "expires_at",
            "blocked",
            "revoked_at",
        ),
        added=_always(Action.KEY_MADE),
        changed=_key_change,
        removed=_always(Action.KEY_REVOKED),
        target=credential_name,
        account=_its_account,
    ),
    # Rows are made for every endpoint by migrations: only what people change is of interest.
    "kalshi.EndpointPolicy": Watched(
        fields=("fresh_s", "keep_s", "patience_s", "enabled"),
        added=_always(None),
        changed=_always(Action.ENDPOINT_CHANGED),
        removed=_always(Action.ENDPOINT_CHANGED),
        target=lambda policy: policy.operation,
    ),
    "kalshi.Authenticator": Watched(
        fields=("confirmed",),
        added=_confirmed(Action.SECOND_FACTOR_ADDED),
        changed=_factor_change,
        removed=_confirmed(Action.SECOND_FACTOR_REMOVED),
        target=lambda device: str(device.user),
    ),
}


def watch() -> None:
    """Connect the signals of the models whose apps are installed."""
    installed = {config.label for config in apps.get_app_configs()}
    for label in WATCHED:
        if label.split(".")[0] not in installed:
            continue
        pre_save.connect(_before_save, sender=label, dispatch_uid=f"audit-before-{label}")
        post_save.connect(_after_save, sender=label, dispatch_uid=f"audit-after-{label}")
        post_delete.connect(_after_delete, sender=label, dispatch_uid=f"audit-deleted-{label}")
    from django.contrib.auth import get_user_model

    for name in ("groups", "user_permissions"):
        through = getattr(getattr(get_user_model(), name, None), "through", None)
        if through is not None:
            m2m_changed.connect(_rights_changed, sender=through, dispatch_uid=f"audit-{name}")


def _before_save(
    sender: type[Model], instance: Any, raw: bool, update_fields: frozenset[str] | None, **_: Any
) -> None:
    watched = WATCHED[sender._meta.label]
    looked_at = set(watched.fields) | set(watched.secrets)
    is_new = instance._state.adding or instance.pk is None
    if raw or is_new or (update_fields is not None and not looked_at & set(update_fields)):
        setattr(instance, _BEFORE, None)
        return
    setattr(instance, _BEFORE, sender._base_manager.filter(pk=instance.pk).first())


def _after_save(sender: type[Model], instance: Any, created: bool, raw: bool, **_: Any) -> None:
    watched = WATCHED[sender._meta.label]
    before = instance.__dict__.pop(_BEFORE, None)
    if created and not raw:
        _record(watched.added(instance), watched, instance, _shown(watched, instance))
    elif before is not None:
        changes = _changes(watched, before, instance)
        if changes:
            told: dict[str, Any] = {
                name: {"before": _mask(watched, name, old), "after": _mask(watched, name, new)}
                for name, (old, new) in changes.items()
            }
            told |= {name: "changed" for name in watched.secrets if name in changes}
            _record(watched.changed(changes), watched, instance, told)


def _after_delete(sender: type[Model], instance: Any, **_: Any) -> None:
    watched = WATCHED[sender._meta.label]
    _record(watched.removed(instance), watched, instance, _shown(watched, instance))


def _rights_changed(
    *, instance: Any, action: str, reverse: bool, model: Any, pk_set: set[Any] | None, **_: Any
) -> None:
    if action not in {"post_add", "post_remove", "post_clear"} or reverse:
        return
    names = sorted(map(str, model._base_manager.filter(pk__in=pk_set or ())))
    details = {action.removeprefix("post_"): {str(model._meta.verbose_name_plural): names}}
    record(Action.PERSON_CHANGED, target=str(instance), details=details)


def _record(action: Action | None, watched: Watched, row: Any, details: dict[str, Any]) -> None:
    if action is not None:
        target = _told(lambda: watched.target(row), GONE)
        record(action, target=target, account=_told(lambda: watched.account(row)), details=details)


def _changes(watched: Watched, before: Any, after: Any) -> dict[str, Change]:
    old, new = _values(watched, before), _values(watched, after)
    changes = {name: (old[name], new[name]) for name in watched.fields if old[name] != new[name]}
    for name in watched.secrets:
        if getattr(before, name) != getattr(after, name) and not _is_rehashed(name, after):
            changes[name] = ("", "")
    return changes


def _is_rehashed(name: str, person: Any) -> bool:
    """Django hashes a password anew at sign-in when its defaults grew stronger; nobody changed it then."""
    return name == "password" and getattr(person, "_password", "") is None and person.has_usable_password()


def _shown(watched: Watched, row: Any) -> dict[str, Any]:
    return {name: _mask(watched, name, value) for name, value in _values(watched, row).items()}


def _mask(watched: Watched, name: str, value: Any) -> Any:
    return masked_key_id(value) if name in watched.masked and value else value


def _values(watched: Watched, row: Any) -> dict[str, Any]:
    return {name: _told(lambda name=name: _plain(getattr(row, name)), GONE) for name in watched.fields}  # type: ignore[misc]


def _plain(value: Any) -> Any:
    """As it stands in JSON; a row by its name."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Model):
        return str(getattr(value, "slug", value))
    return value


def _told(describe: Callable[[], Any], otherwise: Any = None) -> Any:
    """What a row that was deleted a moment ago pointed to may be gone as well."""
    try:
        return describe()
    except ObjectDoesNotExist:
        return otherwise
