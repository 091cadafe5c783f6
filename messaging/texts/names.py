"""Names of templates and word spinners: unique in the workspace, whatever the case."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner

Named = TypeVar("Named", Template, WordSpinner)
MOST_CHARACTERS = 100


class EditedElsewhere(MessagingError):
    """`read_at`: of the row as it is now, for whoever wants to replace it nevertheless."""

    def __init__(self, read_at: str) -> None:
        super().__init__(
            _(
                "It was changed elsewhere since you opened it. Save again to replace that by this, or load the page"
                " anew to see it."
            ),
            code="edited_elsewhere",
        )
        self.read_at = read_at


def clean_name(value: str) -> str:
    """Raises MessagingError."""
    name = str(value).strip()
    if not name:
        raise MessagingError(_("The name is empty. Enter one."), field="name")
    if len(name) > MOST_CHARACTERS:
        sentence = _("The name has %(count)d characters; at most %(most)d fit. Shorten it.")
        raise MessagingError(sentence % {"count": len(name), "most": MOST_CHARACTERS}, field="name")
    if any(unicodedata.category(char) == "Cc" for char in name):
        raise MessagingError(
            _("The name holds a line end or another control character. Take it out."), field="name"
        )
    return name


def save_named(row: Named, then: Callable[[], object], *, read_at: str = "") -> Named:
    """The row, and `then` what goes with it, or nothing of both.

    `read_at`: when the row had been changed last as the person saw it (see `seen_at`); "" where nobody looked.
    Raises MessagingError for a name that is taken, and for what was changed since it was read.
    """
    try:
        with transaction.atomic():
            if read_at:
                _require_unchanged(row, read_at)
            row.save()
            then()
    except IntegrityError:
        raise MessagingError(
            _("There is a %(kind)s “%(name)s” already. Choose another name.")
            % {"kind": row._meta.verbose_name, "name": row.name},
            field="name",
            code="name_taken",
        ) from None
    return row


def seen_at(row: Template | WordSpinner) -> str:
    """What a page keeps of a row that it shows to be changed."""
    return row.updated_at.isoformat()


def _require_unchanged(row: Named, read_at: str) -> None:
    now = seen_at(type(row)._default_manager.select_for_update().get(pk=row.pk))
    if now != read_at:
        raise EditedElsewhere(now)


def name_of_copy(rows: QuerySet[Named], name: str) -> str:
    """“Copy of Hello”, then “Copy of Hello 2”: the first that is free, and short enough."""
    wanted = _("Copy of %(name)s") % {"name": name}
    taken = {one.casefold() for one in rows.values_list("name", flat=True)}
    number, copy = 1, _ended(wanted, "")
    while copy.casefold() in taken:
        number += 1
        copy = _ended(wanted, f" {number}")
    return copy


def _ended(name: str, end: str) -> str:
    return name[: MOST_CHARACTERS - len(end)].rstrip() + end


def is_other(row: Model, **values: object) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())
