"""Whose address it is: what is counted for each address is counted for each /64 of IPv6, which one person has whole."""

from __future__ import annotations

import ipaddress

Network = ipaddress.IPv4Address | ipaddress.IPv6Network


def network_of(address: str) -> str:
    """One of IPv4 for itself, one of IPv6 for its /64. Anything else for itself, cut to 64 characters."""
    found = _network(address)
    return address[:64] if found is None else str(found)


def first_address_of(address: str) -> str | None:
    """The network by its first address, for columns that take addresses alone; None where it is no IP address."""
    found = _network(address)
    if found is None:
        return None
    return str(found.network_address if isinstance(found, ipaddress.IPv6Network) else found)


def _network(address: str) -> Network | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    return ip.ipv4_mapped or ipaddress.IPv6Network((ip, 64), strict=False)
