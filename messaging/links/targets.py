"""Where a link may lead: addresses of the public web, and never back to us."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from messaging.errors import MessagingError

MAX_LENGTH = 2_000
SCHEMES = ("http", "https")
# Names that lead into the visitor's own network or machine (RFC 6761, RFC 6762, RFC 8375, RFC 9476).
PRIVATE_ENDINGS = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "test", "invalid", "alt")
_is_url = URLValidator(schemes=list(SCHEMES))


def clean_target(url: str, *, own_hosts: Collection[str] = (), field: str = "url") -> str:
    """The address as it is stored. `own_hosts`: names under which Crier's own links answer.

    Raises MessagingError, which names the field, the value and the remedy.
    """
    url = url.strip()
    parts = _split(url, field)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.username is not None or parts.password is not None:
        raise _refused(_("“%(url)s” holds a name or password before the @. Take it out."), url, field)
    if host in {own.lower() for own in own_hosts}:
        raise _refused(
            _(
                "“%(url)s” leads back to Crier itself: whoever follows it would go round in circles."
                " Enter the page that people should see."
            ),
            url,
            field,
        )
    if _is_private(host):
        raise _refused(
            _(
                "“%(url)s” leads into a private network, where a recipient's phone cannot go."
                " Enter a public address."
            ),
            url,
            field,
        )
    return url


def is_target(url: str, *, own_hosts: Collection[str] = ()) -> bool:
    """Whether it may be led to, as it stands."""
    try:
        return clean_target(url, own_hosts=own_hosts) == url
    except MessagingError:
        return False


def own_hosts(*bases: str) -> frozenset[str]:
    """Names under which Crier answers: of the installation, and of these addresses."""
    addresses = (settings.PUBLIC_URL, settings.LINK_URL, *bases)
    return frozenset(host for address in addresses if (host := urlsplit(address).hostname))


def _split(url: str, field: str) -> SplitResult:
    if not url:
        raise MessagingError(
            _("The address is empty. Enter one, such as https://example.com/sale."), field=field
        )
    if len(url) > MAX_LENGTH:
        raise MessagingError(
            _("The address has %(count)d characters; at most %(limit)d fit. Shorten it.")
            % {"count": len(url), "limit": MAX_LENGTH},
            field=field,
        )
    if not url.isprintable() or any(char.isspace() for char in url):
        raise _refused(_("“%(url)s” holds a blank or an invisible character. Take it out."), url, field)
    scheme, colon, _rest = url.partition(":")
    if not colon or "." in scheme or not scheme.isascii():
        raise _refused(_("“%(url)s” does not begin with https://. Write the whole address."), url, field)
    if scheme.lower() not in SCHEMES:
        raise _refused(
            _("“%(url)s” is no address of a web page: it must begin with https:// or http://."), url, field
        )
    try:
        parts = urlsplit(url)
        _port = parts.port
        _is_url(url)
    except (ValueError, ValidationError):
        raise _refused(
            _("“%(url)s” is no address that a browser can open. Look for a typing mistake."), url, field
        ) from None
    return parts


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit() or any(
            host == ending or host.endswith(f".{ending}") for ending in PRIVATE_ENDINGS
        )
    return not address.is_global or address.is_multicast


def _refused(sentence: str, url: str, field: str) -> MessagingError:
    return MessagingError(sentence % {"url": url if len(url) <= 100 else f"{url[:99]}…"}, field=field)
