"""Addresses of one network are one."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.networks import first_address_of, network_of


@pytest.mark.parametrize(
    ("address", "network", "first"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::/64", "fe80::"),
        ("-", "-", None),
        ("", "", None),
        ("x" * 500, "x" * 64, None),
    ],
)
def test_addresses_of_one_network_are_one(address: str, network: str, first: str | None) -> None:
    assert (network_of(address), first_address_of(address)) == (network, first)


@given(st.ip_addresses())
def test_the_first_address_stands_for_its_network(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    first = first_address_of(str(address))
    assert first is not None
    assert network_of(first) == network_of(str(address))
