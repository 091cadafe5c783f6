"""What an account's vendor makes of pictures: whether it sends them, and as how many units it bills the message."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from messaging.models import Media
from providers.connectors import REGISTRY
from providers.connectors.capabilities import Capabilities, Picture
from providers.models import ProviderAccount
from sms.parts import part_count


def picture_problem(account: ProviderAccount, pictures: Sequence[Media], text: str) -> str:
    """Why the account cannot send these pictures with the text, and the remedy; "" where it can."""
    can = _capabilities(account)
    if can is None:
        return ""
    facts = [Picture(media.content_type, media.size_bytes) for media in pictures]
    return can.picture_problem(account.name, facts, text)


def disabled_problem(pictures: Sequence[Media]) -> str:
    """Why one of them is not offered any more; "" where all are."""
    disabled = next((media for media in pictures if not media.enabled), None)
    if disabled is None:
        return ""
    return _("The picture “%(name)s” is disabled. Enable it, or choose another one.") % {"name": disabled}


def missing_problem(pictures: Sequence[Media]) -> str:
    """Why one of them cannot be fetched: its file is gone, after a restore without the uploads, for instance."""
    lost = next((media for media in pictures if not media.file.storage.exists(str(media.file.name))), None)
    if lost is None:
        return ""
    return _("The file of the picture “%(name)s” is gone. Upload it again, and choose that one.") % {
        "name": lost
    }


def parts_with(account: ProviderAccount | None, text: str, pictures: int) -> int:
    """How many units are billed."""
    can = _capabilities(account) if account else None
    return can.parts_of(text, pictures) if can else max(part_count(text), 1)


def is_one_unit(account: ProviderAccount) -> bool:
    """Whether a message with pictures is billed as one, however long its text."""
    can = _capabilities(account)
    return can is not None and can.media_limits.one_unit


def _capabilities(account: ProviderAccount) -> Capabilities | None:
    vendor = REGISTRY.get(account.vendor)
    return vendor.capabilities if vendor else None
