"""What tokens and virtual keys are called in the audit log and beside addresses."""

from __future__ import annotations

from kalshi.models import ApiToken, VirtualKey
from kalshi.services.verify_findings import masked_key_id

Credential = ApiToken | VirtualKey


def credential_id(row: Credential) -> str:
    """The id in full, which is no secret but half of a credential: to find rows by, not to be shown."""
    return str(row.key_id) if isinstance(row, VirtualKey) else str(row.token_key)


def credential_name(row: Credential) -> str:
    """Label, owner and the masked id, which tells two of the same label apart."""
    return f"{row} ({masked_key_id(credential_id(row))})"
