"""The key of all codes: made once, and never changed."""

from __future__ import annotations

import secrets

from django.db import transaction

from messaging.links.codes import KEY_BYTES, Coder, coder_of
from messaging.models.links import LinkKey


def link_coder() -> Coder:
    """Asked of the database each time it is not known yet what its key is: a process may outlive its database (tests)."""
    return coder_of(bytes(key_row().key))


def key_row() -> LinkKey:
    first = LinkKey.objects.order_by("id").first()
    if first is not None:
        return first
    with transaction.atomic():
        # Two at once: the row with the number 1 is there once.
        LinkKey.objects.bulk_create(
            [LinkKey(pk=1, key=secrets.token_bytes(KEY_BYTES))], ignore_conflicts=True
        )
    return key_row()
