"""Where events may be posted: never into a private network, unless the installation allows it.

`clean_address` looks at what is written, when it is saved. A name may lead elsewhere tomorrow, so before each request
`checked_addresses` looks at what it leads to now, and the connection goes to the very addresses that were checked
(messaging/webhooks/post.py): there is no second lookup that could be answered otherwise.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from messaging.errors import MessagingError
from messaging.links.targets import PRIVATE_ENDINGS, SCHEMES
from messaging.models.webhooks import ADDRESS_LENGTH
from messaging.networks import IpAddress, is_special

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.ASCII)
_WELL_KNOWN_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """It leads where nothing may be posted; the words name neither the path nor the query."""


def clean_address(url: str) -> str:
    """The address as it is stored. Raises MessagingError at `url`."""
    url = url.strip()
    host = (_split(url).hostname or "").rstrip(".").lower()
    literal = _literal(host)
    if literal is None and not _NAME.fullmatch(host):
        raise _refused(_("The address names no machine that can be reached. Look for a typing mistake."))
    if not settings.WEBHOOKS_MAY_BE_PRIVATE and (
        _is_private_name(host) if literal is None else not is_public(literal)
    ):
        raise _refused(
            _(
                "The address leads into a private network, where Crier posts nothing. Enter a public address, or ask"
                " whoever runs Crier to set CRIER_WEBHOOKS_PRIVATE."
            )
        )
    return url


def _split(url: str) -> SplitResult:
    if not url:
        raise _refused(_("The address is empty. Enter one, such as https://example.com/crier."))
    if len(url) > ADDRESS_LENGTH:
        sentence = _("The address has %(count)d characters; at most %(limit)d fit. Shorten it.")
        raise _refused(sentence % {"count": len(url), "limit": ADDRESS_LENGTH})
    if not url.isascii() or not url.isprintable() or any(char in ' "<>\\^`{|}' for char in url):
        raise _refused(
            _(
                "The address holds a blank or another character that has no place there. Copy it from the bar of a"
                " browser, which writes such characters as they have to be."
            )
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused(_("The address cannot be read. Look for a typing mistake.")) from None
    if parts.scheme.lower() not in SCHEMES or not parts.hostname or port == 0:
        raise _refused(_("The address must begin with https:// or http:// and name a machine."))
    if parts.username is not None or parts.password is not None:
        raise _refused(
            _("The address holds a name or password before the @. Take it out: events are signed instead.")
        )
    if parts.fragment:
        raise _refused(_("What stands after # is never sent to a server. Take it out of the address."))
    return parts


def checked_addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """Every address that the name has now. Raises AddressRefused where one may not be posted to, OSError for none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = [(socket.AddressFamily(family), str(where[0])) for family, _t, _p, _n, where in found]
    if not settings.WEBHOOKS_MAY_BE_PRIVATE:
        for _family, address in addresses:
            literal = _literal(address)
            if literal is None or not is_public(literal):
                raise AddressRefused(
                    "The name leads into a private network now, where Crier posts nothing. Mend its DNS record."
                )
    return addresses


def is_public(address: IpAddress) -> bool:
    """Whether it is of the public internet, and what it carries another one in, too."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
        if address.scope_id is not None:
            return False
    return not is_special(address)


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if address in _WELL_KNOWN_NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_private_name(host: str) -> bool:
    """One without a dot is of the own network, and digits alone are an address in an odd writing (127.1, 2130706433)."""
    last = host.rpartition(".")[2]
    return (
        "." not in host
        or last.isdigit()
        or last.startswith("0x")
        or any(host == ending or host.endswith(f".{ending}") for ending in PRIVATE_ENDINGS)
    )


def _refused(sentence: str) -> MessagingError:
    return MessagingError(sentence, field="url")
