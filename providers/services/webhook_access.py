"""The webhook's address: as the vendor is told it, as a person copies it, and who is let in there.

Where an account has a webhook user and password, calls have to bring them along as HTTP Basic credentials (RFC 7617).
A vendor that takes nothing but an address gets them inside it, as RFC 3986, 3.2.1 has it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from providers.models import ProviderAccount

# What a person puts the password in the place of.
PASSWORD_HERE = "PASSWORD"  # noqa: S105  # a word to be replaced


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """For admins to copy. `user` "" where none is asked for; then `with_user` is "", too."""

    url: str
    user: str
    with_user: str


def webhook_url(account: ProviderAccount) -> str:
    """Without user and password."""
    return settings.WEBHOOK_URL + reverse("provider-webhook", args=[account.webhook_token])


def receipt_url(account: ProviderAccount) -> str:
    """Where this account's vendor posts to, as the vendor is told it: with user and password, where they are asked for.
    Raises ImproperlyConfigured when the settings cannot be opened."""
    user, password = _asked_for(account)
    return _with(webhook_url(account), user, quote(password, safe="")) if user else webhook_url(account)


def shown_webhook_address(account: ProviderAccount) -> WebhookAddress:
    url = webhook_url(account)
    try:
        user, _password = _asked_for(account)
    except ImproperlyConfigured:
        user = ""
    return WebhookAddress(url, user, _with(url, user, PASSWORD_HERE) if user else "")


def lets_in(account: ProviderAccount, authorization: str) -> bool:
    """Whether a call with this header may be stored. In constant time. Raises ImproperlyConfigured when the settings
    cannot be opened."""
    user, password = _asked_for(account)
    if not user:
        return True
    scheme, _space, given = authorization.partition(" ")
    expected = base64.b64encode(f"{user}:{password}".encode()).decode()
    return constant_time_compare(given.strip(), expected) and scheme.lower() == "basic"


def _asked_for(account: ProviderAccount) -> tuple[str, str]:
    kept = account.credentials
    return kept.get("webhook_user") or "", kept.get("webhook_password") or ""


def _with(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{quote(user, safe='')}:{password}@{parts.netloc}").geturl()
