"""What is known of a recipient: its own fields with their limits, and further columns by name."""

from __future__ import annotations

import re
import sys
import unicodedata
import zoneinfo
from collections.abc import Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.errors import ContactsError
from contacts.models import OptOut, Recipient

# The fields people may fill, in the order of forms and files.
PERSON_FIELDS = (*Recipient.TOKEN_FIELDS[:5], "time_zone", *Recipient.TOKEN_FIELDS[5:])
LIMITS: dict[str, int] = {
    name: Recipient._meta.get_field(name).max_length or 0  # type: ignore[union-attr]  # all are CharFields
    for name in PERSON_FIELDS
}
LABELS: dict[str, str | Promise] = {
    name: Recipient._meta.get_field(name).verbose_name  # type: ignore[union-attr]  # all are CharFields
    for name in PERSON_FIELDS
}
EXTRA_LIMIT = 5_000
# What a file of opt-outs may hold besides the number. The first ones are stored, in this order; a row with UNDONE_AT is left
# out: the opt-out was undone.
SOURCE, AT, HOW, UNDONE_AT = "source", "at", "how", "undone_at"
STORED_PROOF = (SOURCE, AT, HOW)
PROOF_FIELDS = (*STORED_PROOF, UNDONE_AT)
SOURCE_LIMIT = OptOut._meta.get_field("source").max_length or 0
_PROOF_LABELS: dict[str, str | Promise] = {
    AT: _("opted out at"),
    SOURCE: _("source"),
    HOW: _("how"),
    UNDONE_AT: _("undone at"),
}
_PROOF_LIMITS = {SOURCE: SOURCE_LIMIT} | dict.fromkeys((AT, HOW, UNDONE_AT), sys.maxsize)
# How a person agreed to be texted, where a file tells it of each: columns of our own with a name that is known everywhere.
CONSENT_AT, CONSENT_SOURCE = "consent_at", "consent_source"
CONSENT_LABELS: dict[str, str | Promise] = {
    CONSENT_AT: _("consent given at"),
    CONSENT_SOURCE: _("consent given by"),
}
COLUMN_NAME_LIMIT = 50
MAX_EXTRA_COLUMNS = 50
# Only these may hold line breaks; anywhere else one is the mark of a quotation mark that was not closed.
MULTI_LINE = frozenset({SOURCE, *(name for name in PERSON_FIELDS if name.startswith("custom"))})

# Names that mean something else in a text, in a file or in our tables.
_TAKEN = frozenset({*PERSON_FIELDS, "msisdn", "country", "id", "list"}) | frozenset(
    {
        "random_symbol",
        "word_spinner",
        "link",
        "link_list",
        "shorten_url",
        "unsubscription_link",
        "verification_code",
        "callback_link",
    }
)
_NOT_WORD = re.compile(r"\W+")


def column_name(raw: str) -> str:
    """A further column's name as in a token: "Loyalty points" -> "loyalty_points"; "" if none is left.

    A name that is taken gets a mark: "link" -> "link_".
    """
    text = unicodedata.normalize("NFKC", raw).casefold()
    name = _NOT_WORD.sub("_", text).strip("_")[:COLUMN_NAME_LIMIT].strip("_")
    return f"{name}_" if name in _TAKEN else name


def is_column_name(name: str) -> bool:
    """Whether a further column may have it: no empty one, none that is too long or taken, no braces."""
    return bool(name) and column_name(name) == name


def require_column_name(name: str, *, field: str = "extra") -> None:
    """Raises ContactsError at the field that named it."""
    if not is_column_name(name):
        raise ContactsError(
            _("“%(name)s” cannot be the name of a column. Write it as %(better)s.")
            % {"name": name[: COLUMN_NAME_LIMIT + 10], "better": column_name(name) or "column_1"},
            field=field,
            code="column_name",
        )


def label_of(target: str) -> str | Promise:
    """In people's words what a column of a file goes to; a further column's own name."""
    return LABELS.get(target) or _PROOF_LABELS.get(target) or target.removeprefix("extra:")


def limit_of(target: str) -> int:
    """In characters. A date is never cut: a part of it would be another one."""
    return LIMITS.get(target) or _PROOF_LIMITS.get(target) or EXTRA_LIMIT


@cache
def known_time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def check_person(fields: Mapping[str, str], extra: Mapping[str, str]) -> None:
    """Raises ContactsError on the first field that cannot be kept as it is."""
    for name, value in fields.items():
        if name not in LIMITS:
            raise ContactsError(
                _("%(name)s is not a field of a recipient. Put it into “extra”.") % {"name": name}, field=name
            )
        _check_length(name, LABELS[name], value, LIMITS[name])
        if name not in MULTI_LINE and ("\n" in value or "\r" in value):
            raise ContactsError(
                _("%(label)s holds a line break (“%(value)s”). Write it in one line.")
                % {"label": LABELS[name], "value": " ".join(value.split())[:40]},
                field=name,
                code="line_break",
            )
    zone = fields.get("time_zone", "")
    if zone and zone not in known_time_zones():
        raise ContactsError(
            _("%(zone)s is not a time zone. Write it as in Europe/London or America/New_York.")
            % {"zone": zone},
            field="time_zone",
        )
    for name, value in extra.items():
        require_column_name(name)
        _check_length("extra", name, value, EXTRA_LIMIT)


def _check_length(field: str, label: str | Promise, value: str, limit: int) -> None:
    if len(value) > limit:
        raise ContactsError(
            _("%(label)s holds %(length)d characters (“%(value)s…”); at most %(limit)d fit. Shorten it.")
            % {"label": label, "length": len(value), "limit": limit, "value": value[:20]},
            field=field,
            code="too_long_value",
        )
    if "\x00" in value:
        raise ContactsError(
            _("%(label)s holds a NUL character, which is no text. Remove it.") % {"label": label}, field=field
        )
