"""Two people who change one row by their pages: the second is told of the first, instead of undoing it unseen."""

from __future__ import annotations

from django.db.models import Model
from django.utils.translation import gettext as _

from messaging.errors import MessagingError
from messaging.models import UTM_FIELDS, Link, LinkList, Media, Sender, SenderList, Template, WordSpinner
from web.edited import fingerprint, values_of

# What the form of a page shows, by the kind of row: what else is changed is no news to whoever has it open.
SHOWN: dict[type[Model], tuple[str, ...]] = {
    Template: ("name", "text"),
    WordSpinner: ("name", "words"),
    Link: ("name", "url", "bot_redirect", "preview_url", "expires_at", "expired_url", *UTM_FIELDS),
    LinkList: ("name",),
    Sender: ("accounts", "countries", "is_default"),
    SenderList: ("name", "choice"),
    Media: ("name",),
}


class EditedElsewhere(MessagingError):
    """`seen`: of the row as it is now, for whoever wants to replace it nevertheless."""

    def __init__(self, seen: str) -> None:
        super().__init__(
            _(
                "It was changed elsewhere since you opened it. Save again to replace that by this, or load the page"
                " anew to see it."
            ),
            code="edited_elsewhere",
        )
        self.seen = seen


def seen_of(row: Model) -> str:
    """What a page keeps of a row that it shows to be changed: another one as soon as its form would show something else."""
    return fingerprint(values_of(row, SHOWN[type(row)]))


def require_unchanged(row: Model, seen: str) -> None:
    """To be called in the transaction that changes the row, which is locked by it.

    `seen`: `seen_of` the row as the person saw it; "" where nobody looked. Raises EditedElsewhere.
    """
    if not seen:
        return
    now = seen_of(type(row)._default_manager.select_for_update().get(pk=row.pk))
    if now != seen:
        raise EditedElsewhere(now)
