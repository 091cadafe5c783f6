"""Where a provider fetches a picture: an address that nobody guesses, and that stays when the picture is disabled."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from messaging.links.targets import is_target
from messaging.media.reading import ENDINGS
from messaging.models import Media
from providers.models import ProviderAccount
from providers.services import is_sandbox

_TOKEN = re.compile(r"/m/([0-9A-Za-z_-]{43})\.[a-z]{3}\Z", re.ASCII)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def public_path(media: Media) -> str:
    return reverse("picture", args=[media.token, ENDINGS[media.content_type]])


def public_url(media: Media) -> str:
    return settings.PUBLIC_URL + public_path(media)


def public_urls(pictures: Iterable[Media]) -> list[str]:
    return [public_url(media) for media in pictures]


def pictures_at(workspace_id: int, urls: Sequence[str]) -> list[Media]:
    """Those of the workspace that are kept for these addresses, in their order, whatever Crier's own address was then."""
    tokens = [found[1] for url in urls if (found := _TOKEN.search(url))]
    rows = Media.objects.filter(workspace_id=workspace_id, token__in=tokens) if tokens else []
    by_token = {media.token: media for media in rows}
    return [by_token[token] for token in tokens if token in by_token]


def address_problem(account: ProviderAccount | None = None) -> str:
    """Why no provider can fetch pictures, or not that of the account; "" where it can. The sandbox is on this machine."""
    if (account is not None and is_sandbox(account)) or is_target(f"{settings.PUBLIC_URL}/m/"):
        return ""
    return _(
        "Providers fetch pictures from %(address)s, which is no address of the public internet: nobody out there can"
        " reach it. Set CRIER_PUBLIC_URL to the address under which Crier is reached."
    ) % {"address": settings.PUBLIC_URL}
