"""Names of templates and word spinners: unique in the workspace, whatever the case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from messaging.edited import require_unchanged
from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner
from web.names import name_problem, stripped_name

Named = TypeVar("Named", Template, WordSpinner)
MOST_CHARACTERS = 100


def clean_name(value: str) -> str:
    """Raises MessagingError."""
    name = stripped_name(value)
    if not name:
        raise MessagingError(_("The name is empty. Enter one."), field="name")
    if len(name) > MOST_CHARACTERS:
        sentence = _("The name has %(count)d characters; at most %(most)d fit. Shorten it.")
        raise MessagingError(sentence % {"count": len(name), "most": MOST_CHARACTERS}, field="name")
    if problem := name_problem(name):
        raise MessagingError(problem, field="name")
    return name


def save_named(row: Named, then: Callable[[], object], *, seen: str = "") -> Named:
    """The row, and `then` what goes with it, or nothing of both.

    `seen`: see messaging.edited.
    Raises MessagingError for a name that is taken, and for what was changed since it was read.
    """
    try:
        with transaction.atomic():
            require_unchanged(row, seen)
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
