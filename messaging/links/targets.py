"""Where a link may lead: addresses of the public web, and never back to us."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from accounts.models import Workspace
from accounts.short_domains import host_name, installation_hosts
from messaging.errors import MessagingError
from messaging.networks import is_special

MAX_LENGTH = 2_000
SCHEMES = ("http", "https")
# Names that lead into the visitor's own network or machine (RFC 6761, RFC 6762 with its appendix G, RFC 8375, RFC 9476;
# `localdomain` is what many systems call their own).
PRIVATE_ENDINGS = (
    *("localhost", "localdomain", "local", "test", "invalid", "alt"),
    *("internal", "intranet", "private", "corp", "home", "home.arpa", "lan"),
)
# 6to4 and Teredo: they hold addresses of IPv4.
TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
_TOKEN = re.compile(r"\{\{[^{}]*\}\}")
_is_url = URLValidator(schemes=list(SCHEMES))


def clean_target(url: str, *, own_hosts: Collection[str] = (), field: str = "url") -> str:
    """The address as it is stored, its host as browsers ask for it: `https://bücher.example/ß` has the host
    `xn--bcher-kva.example`. `own_hosts`: names under which Crier's own links answer, see `own_hosts`.

    Raises MessagingError, which names the field, the value and the remedy.
    """
    url = url.strip()
    parts, host = _split(url, field)
    if parts.username is not None or parts.password is not None:
        raise _refused(_("“%(url)s” holds a name or password before the @. Take it out."), url, field)
    if host.rstrip(".") in own_hosts:
        raise _refused(
            _(
                "“%(url)s” leads back to Crier itself: whoever follows it would go round in circles."
                " Enter the page that people should see."
            ),
            url,
            field,
        )
    if _is_private(host.rstrip(".")):
        raise _refused(
            _(
                "“%(url)s” leads into a private network, where a recipient's phone cannot go."
                " Enter a public address."
            ),
            url,
            field,
        )
    return _with_host(parts, host) if host != (parts.hostname or "") else url


def target_or_empty(url: str, *, own_hosts: Collection[str] = ()) -> str:
    """As it is stored; "" where it may not be led to."""
    try:
        return clean_target(url, own_hosts=own_hosts)
    except MessagingError:
        return ""


def is_target(url: str, *, own_hosts: Collection[str] = ()) -> bool:
    return bool(target_or_empty(url, own_hosts=own_hosts))


def own_hosts(*bases: str) -> frozenset[str]:
    """Names under which links of ours answer: of the installation, of each workspace, and of these addresses. One
    question to the database: whoever checks many addresses asks once.
    """
    domains = Workspace.objects.exclude(short_domain="").values_list("short_domain", flat=True)
    return installation_hosts() | frozenset(filter(None, map(host_name, (*domains, *bases))))


def target_host(url: str) -> str:
    """The name that a browser asks for, without a dot at its end; "" where there is none."""
    try:
        return _ascii_host(urlsplit(url).hostname or "").rstrip(".")
    except (ValueError, idna.IDNAError):
        return ""


def as_header(url: str) -> str:
    """A stored address as a Location header takes it: ASCII alone (RFC 9110, section 10.2.2; RFC 3987, section 3.1)."""
    try:
        parts = urlsplit(url)
        host = _ascii_host(parts.hostname or "")
        url = _with_host(parts, host) if host != (parts.hostname or "") else url
    except (ValueError, idna.IDNAError):
        # Of an earlier version, or of a person's own: as it is.
        pass
    return iri_to_uri(url)


def _split(url: str, field: str) -> tuple[SplitResult, str]:
    """With its host in ASCII."""
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
    if token := _TOKEN.search(url):
        raise MessagingError(
            _(
                "“%(token)s” is not filled in inside an address: everybody would be led to it as it stands. Take it out; a"
                " recipient's own address goes into the text as {{shorten_url}}."
            )
            % {"token": token[0][:40]},
            field=field,
        )
    scheme, colon, _rest = url.partition(":")
    if not colon or "." in scheme or not scheme.isascii():
        raise _refused(_("“%(url)s” does not begin with https://. Write the whole address."), url, field)
    if scheme.lower() not in SCHEMES:
        raise _refused(
            _("“%(url)s” is no address of a web page: it must begin with https:// or http://."), url, field
        )
    try:
        parts = urlsplit(url)
        host = _ascii_host(parts.hostname or "")
        if parts.port == 0:
            raise ValueError("no program listens there")
        # Browsers open names with an underscore, which the validator does not know; domains have none in their last part.
        name, dot, last = host.rpartition(".")
        plain = f"{name.replace('_', 'x')}{dot}{last}"
        _is_url(url if plain == parts.hostname else _with_host(parts, plain))
    except (ValueError, ValidationError, idna.IDNAError):
        raise _refused(
            _("“%(url)s” is no address that a browser can open. Look for a typing mistake."), url, field
        ) from None
    return parts, host


@lru_cache(maxsize=4096)
def _ascii_host(host: str) -> str:
    """As browsers read it: full-width letters, ideographic dots and the like are what they look like (UTS 46, section 4,
    non-transitional). Raises idna.IDNAError and UnicodeError where no browser would ask for it.
    """
    if host.isascii():
        return host.lower()
    mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
    labels = (
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
        for label in mapped.split(".")
    )
    return ".".join(labels)


def _with_host(parts: SplitResult, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    user, at, _rest = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{shown}{port}"))


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit() or any(
            host == ending or host.endswith(f".{ending}") for ending in PRIVATE_ENDINGS
        )
    if isinstance(address, ipaddress.IPv6Address) and any(address in tunnel for tunnel in TUNNELS):
        return True
    return is_special(address)


def _refused(sentence: str, url: str, field: str) -> MessagingError:
    return MessagingError(sentence % {"url": url if len(url) <= 100 else f"{url[:99]}…"}, field=field)
