"""The short domain of a workspace: the part of a link's address that stands before its code."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# RFC 1123: names of letters, digits and hyphens, and at least one dot; a port for installations without a proxy.
_HOST = re.compile(
    r"(?=.{4,100}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{2,5})?",
    re.ASCII,
)


LAST_PORT = 65535
_OWN_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[A-Za-z0-9.:/-]+", re.ASCII)
# Whose last part is a number is an address of IPv4 to browsers, in whatever writing.
_IS_ADDRESS = re.compile(r".*\.([0-9]+|0x[0-9a-f]*)", re.ASCII)


def clean_short_domain(text: str) -> str:
    """`Sho.RT` and `https://sho.rt/` -> `https://sho.rt`; "" stays. Raises ValidationError."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
    except ValueError:
        raise _no_domain(text) from None
    host = parts.netloc.lower()
    if parts.scheme.lower() not in {"http", "https"} or parts.path or parts.query or parts.fragment:
        raise ValidationError(
            _("“%(text)s” is more than a domain. Write the domain alone, such as https://sho.example.com.")
            % {"text": text[:100]}
        )
    name, _colon, port = host.partition(":")
    # Of what is written here and stands in no domain, some is dropped and some turned by those who read addresses.
    if not _PLAIN.fullmatch(text) or not _HOST.fullmatch(host) or _IS_ADDRESS.fullmatch(name):
        raise _no_domain(text)
    if port and not 0 < int(port) <= LAST_PORT:
        raise _no_domain(text)
    scheme = parts.scheme.lower()
    if port and int(port) != _OWN_PORTS[scheme]:
        name = f"{name}:{int(port)}"
    return f"{scheme}://{name}"


def _no_domain(text: str) -> ValidationError:
    return ValidationError(
        _("“%(text)s” is no domain. Write one, such as https://sho.example.com.") % {"text": text[:100]}
    )


def validate_short_domain(text: str) -> None:
    if clean_short_domain(text) != text:
        raise ValidationError(
            _("Write the domain as %(domain)s.") % {"domain": clean_short_domain(text)}, code="unclean"
        )


@lru_cache(maxsize=4096)
def host_name(address: str) -> str:
    """Of an address, or of a Host header: small letters, no port, no dot at its end; "" where it names none.

    Names are compared without ports: a browser reads `sho.rt:443` and `sho.rt` as one, and a proxy may listen on both.
    """
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:
        return ""
    return (host or "").rstrip(".").lower()


def installation_hosts() -> frozenset[str]:
    """Names under which the installation itself answers, whatever the workspace."""
    return frozenset(filter(None, map(host_name, (settings.PUBLIC_URL, settings.LINK_URL))))
