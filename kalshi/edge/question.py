"""What a request asks, and who asks: all that an answer of the edge's depends on, but for the moment.

Read once; the server keeps it for the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kalshi.edge.pages import Address
from kalshi.server.protocol import Asked
from kalshi.server.repeated import Changing

PREFIX = b"/trade-api/"

_OURS = {
    b"authorization": 0,
    b"cookie": 1,
    b"host": 2,
    b"origin": 3,
    b"x-kalshi-account": 4,
    b"if-none-match": 5,
    b"cache-control": 6,
    b"x-request-id": 7,
    b"kalshi-access-key": 8,
    b"kalshi-access-timestamp": 9,
    b"kalshi-access-signature": 10,
}

# The value of the Authorization header and of the Cookie header, as sent.
Credential = tuple[bytes | None, bytes | None]
# The word, the id of a virtual key, the peer's address, and the Cookie header: it lets nobody in here, but Django may
# renew or delete a cookie of it. Such a caller is let in to one address at a time, since the key may allow some
# operations only.
SignedBy = tuple[Literal["signed"], bytes, str, bytes | None]
# A credential, and by what it names an account: X-Kalshi-Account; or the whole address, where its query may do so.
Caller = tuple[bytes | str | Address | None, ...]
# The timestamp and the signature, as sent; empty when the request is not signed.
Stamp = Changing


@dataclass(slots=True)
class Question:
    """method: GET or HEAD; key_id: of the virtual key that the request is signed with, and then what the signature
    covers besides the timestamp; offered_id: the caller's own id of the request; peer: the caller's address.
    """

    method: str
    address: Address
    caller: Caller
    peer: str
    if_none_match: str | None
    wants_fetch: bool
    offered_id: str | None
    key_id: bytes | None
    covered: bytes


def read(asked: Asked, peer: str) -> tuple[Question, Stamp] | None:
    """The question, and how it is signed; None: one for Django alone."""
    method, raw_path, query, headers, scheme = asked
    ours: list[bytes | None] = [None] * len(_OURS)
    for name, value in headers:
        number = _OURS.get(name)
        if number is not None:
            if ours[number] is not None:
                return None  # twice
            ours[number] = value
    authorization, cookie, host, origin, account, if_none_match, cache_control, offered_id, *signed = ours
    credential: Credential | SignedBy = authorization, cookie
    key_id, timestamp, signature = signed
    stamp: Stamp = ()
    if key_id is not None or timestamp is not None or signature is not None:
        if key_id is None or timestamp is None or signature is None:
            return None
        # What has a token as well is judged by both, which only Django does.
        if authorization is not None or not raw_path.startswith(PREFIX):
            return None
        credential = "signed", key_id, peer, cookie
        stamp = timestamp, signature
    address = raw_path, query, host, origin, scheme, account
    question = Question(
        method,
        address,
        caller_of(credential, address),
        peer,
        None if if_none_match is None else if_none_match.decode("latin-1"),
        cache_control is not None and b"no-cache" in cache_control.lower(),
        offered_id.decode("latin-1") if offered_id else None,
        key_id,
        method.encode() + raw_path,
    )
    return question, stamp


def caller_of(credential: Credential | SignedBy, address: Address) -> Caller:
    """Two requests of the same caller are about the same account."""
    if credential[0] == "signed":
        return (*credential, address)
    query, header = address[1], address[5]
    # Names may be percent-encoded; such queries are rare.
    may_name = query and (b"account" in query or b"%" in query)
    return (*credential, address if may_name else header)
