"""What an account's vendor makes of a text and of a number: some write the text themselves, some reach few countries."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import gettext as _

from providers.connectors import REGISTRY
from providers.connectors.base import Connector
from providers.models import ProviderAccount

# What stands for a whole address: the short links, and the recipient's own.
ADDRESS_TOKENS = frozenset({"link", "link_list", "shorten_url", "callback_link", "url"})
_TOKEN = re.compile(r"\{\{\s*([a-z_0-9]+)[^{}]*\}\}")
_ADDRESS = re.compile(r"https?://\S+")


def writes_text(account: ProviderAccount | None) -> bool:
    """Whether what is written here is what people get; of no account, it is."""
    vendor = _vendor(account)
    return vendor is None or vendor.capabilities.body


def body_problem(account: ProviderAccount | None, text: str) -> str:
    """Why the account cannot send this text, and the remedy; "" where it can. `text`: with its tokens."""
    vendor = _vendor(account)
    if account is None or vendor is None or vendor.capabilities.body or not text.strip():
        return ""
    if is_lone_address(text):
        return ""
    sentence = _(
        "%(account)s sends the text that is kept at %(vendor)s, not one that is written here. Leave the text empty, or"
        " write the address of the landing page alone: a link such as {{link:1}}, or an address that begins with"
        " https://. Or choose another account."
    )
    return sentence % {"account": account.name, "vendor": vendor.label}


def is_lone_address(text: str) -> bool:
    """Nothing but an address, in which tokens may stand, or one token that is an address."""
    text = text.strip()
    whole = _TOKEN.fullmatch(text)
    if whole:
        return whole[1] in ADDRESS_TOKENS
    return bool(_ADDRESS.fullmatch(_TOKEN.sub("x", text)))


def passes_sender(account: ProviderAccount | None) -> bool:
    """Whether people see the sender that is chosen here; of no account, they do."""
    vendor = _vendor(account)
    return vendor is None or vendor.capabilities.passes_sender


def reaches_number(account: ProviderAccount | None) -> Callable[[str], bool]:
    """Whether the account's vendor takes a text to a number; of no account, any."""
    vendor = _vendor(account)
    return (lambda _msisdn: True) if vendor is None else vendor.capabilities.reaches


def _vendor(account: ProviderAccount | None) -> type[Connector] | None:
    return REGISTRY.get(account.vendor) if account else None
