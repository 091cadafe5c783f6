"""Addresses that are not of the public internet.

Written out, as Python's `ipaddress` knows only a part of the registries, and another part with each version.
"""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, all of both, those that routers
# pass on included: nobody has a web page or a receiver there. Multicast and the site-local addresses of old beside them.
# Addresses of IPv6 that hold one of IPv4 (mapped, NAT64, 6to4, Teredo) are for whoever asks.
_IPV4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
    192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
    240.0.0.0/4
"""
_IPV6 = """
    ::/128 ::1/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2620:4f:8000::/48 3fff::/20 5f00::/16
    fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
# Azure answers each of its machines there: name service, health and, through its agent, secrets
# (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). Others' lie in the ranges above.
_CLOUDS = "168.63.129.16/32"
SPECIAL = tuple(ipaddress.ip_network(each) for each in f"{_IPV4} {_IPV6} {_CLOUDS}".split())
# IANA gives out no other addresses of IPv6 to the public.
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")


def is_special(address: IpAddress) -> bool:
    """By the registries, and by Python's own word."""
    if isinstance(address, ipaddress.IPv6Address) and address not in PUBLIC_IPV6:
        return True
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or any(address in network for network in SPECIAL)
    )
