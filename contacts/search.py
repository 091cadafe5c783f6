"""Finding people and numbers by what somebody types into a search field."""

from __future__ import annotations

import re

from django.db.models import Q, QuerySet

from contacts.models import OptOut, Recipient, UnsubscribeMember

_NUMBER = re.compile(r"[+\d\s()./-]+")
_NOT_DIGITS = re.compile(r"\D+")


def is_number(words: str) -> bool:
    return bool(_NUMBER.fullmatch(words.strip()))


def people_with_words(words: str) -> Q:
    """Each word as a part of a name or e-mail address; five words at most."""
    found = Q()
    for word in words.split()[:5]:
        found &= Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
    return found


def search_people(rows: QuerySet[Recipient], words: str) -> QuerySet[Recipient]:
    """By the beginning of a number, else by a part of a name or e-mail address."""
    return rows.filter(number_begins(words) if is_number(words) else people_with_words(words))


def search_opt_outs(rows: QuerySet[OptOut], words: str) -> QuerySet[OptOut]:
    return rows.filter(number_begins(words)) if words.strip() else rows


def search_members(rows: QuerySet[UnsubscribeMember], words: str) -> QuerySet[UnsubscribeMember]:
    return rows.filter(number_begins(words)) if words.strip() else rows


def number_begins(words: str) -> Q:
    """As a range, which an index answers whatever the collation; a text without digits finds nothing."""
    digits = _NOT_DIGITS.sub("", words)[:15]
    if not digits:
        return Q(pk__in=())
    return Q(msisdn__gte=digits, msisdn__lt=f"{digits}:")
