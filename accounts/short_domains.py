"""The short domain of a workspace: the part of a link's address that stands before its code."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# RFC 1123: names of letters, digits and hyphens, and at least one dot; a port for installations without a proxy.
_HOST = re.compile(
    r"(?=.{4,100}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{2,5})?",
    re.ASCII,
)


def clean_short_domain(text: str) -> str:
    """`Sho.RT` and `https://sho.rt/` -> `https://sho.rt`; "" stays. Raises ValidationError."""
    text = text.strip().rstrip("/")
    if not text:
        return ""
    whole = text if "://" in text else f"https://{text}"
    parts = urlsplit(whole)
    host = parts.netloc.lower()
    if parts.scheme.lower() not in {"http", "https"} or parts.path or parts.query or parts.fragment:
        raise ValidationError(
            _("“%(text)s” is more than a domain. Write the domain alone, such as https://sho.example.com.")
            % {"text": text[:100]}
        )
    if not _HOST.fullmatch(host):
        raise ValidationError(
            _("“%(text)s” is no domain. Write one, such as https://sho.example.com.") % {"text": text[:100]}
        )
    return f"{parts.scheme.lower()}://{host}"


def validate_short_domain(text: str) -> None:
    if clean_short_domain(text) != text:
        raise ValidationError(
            _("Write the domain as %(domain)s.") % {"domain": clean_short_domain(text)}, code="unclean"
        )
