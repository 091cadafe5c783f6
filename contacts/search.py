"""Finding people and numbers by what somebody types into a search field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from django.db import connection
from django.db.models import Func, Q, QuerySet, TextField
from django.db.models.lookups import Contains

from contacts.models import OptOut, Recipient, UnsubscribeMember
from sms.msisdn import MsisdnError, beginnings, parse_msisdn

Row = TypeVar("Row", Recipient, OptOut, UnsubscribeMember)

_NUMBER = re.compile(r"[+\d\s()./\u2010-\u2015\u2212-]+")
_NOT_DIGITS = re.compile(r"\D+")


def is_number(words: str) -> bool:
    return bool(_NUMBER.fullmatch(words.strip()))


def people_with_words(words: str) -> Q:
    """Each word as a part of a name or e-mail address; five words at most."""
    found = Q()
    for word in words.split()[:5]:
        found &= _people_with_word(word)
    return found


def _people_with_word(word: str) -> Q:
    """On PostgreSQL in one go, twice as fast as field by field: no word holds the blank between two fields."""
    if connection.vendor == "postgresql" and word.isascii():
        return Q(Contains(_AsciiCapitals("first_name", "last_name", "email"), word.upper()))
    return Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)


class _AsciiCapitals(Func):
    """The fields as one text. Only a to z become capitals: of an ASCII word nothing else matters, and it is quicker."""

    output_field = TextField()
    template = """UPPER((%(expressions)s) COLLATE "C")"""
    arg_joiner = " || ' ' || "


def search_people(rows: QuerySet[Recipient], words: str, country: str) -> QuerySet[Recipient]:
    """By the beginning of a number, else by a part of a name or e-mail address."""
    return with_number(rows, words, country) if is_number(words) else rows.filter(people_with_words(words))


def search_opt_outs(rows: QuerySet[OptOut], words: str, country: str) -> QuerySet[OptOut]:
    return with_number(rows, words, country) if words.strip() else rows


def search_members(
    rows: QuerySet[UnsubscribeMember], words: str, country: str
) -> QuerySet[UnsubscribeMember]:
    return with_number(rows, words, country) if words.strip() else rows


def with_number(rows: QuerySet[Row], words: str, country: str) -> QuerySet[Row]:
    """As number_begins. Of several readings those that nobody has are left out: SQLite reads two ranges of an index in
    its order only by reading all of it."""
    begins = beginnings(words, country or None)
    if len(begins) > 1:
        begins = tuple(digits for digits in begins if rows.filter(_range(digits)).exists())
    return rows.filter(_ranges(begins))


def number_begins(words: str, country: str) -> Q:
    """As ranges, which an index answers whatever the collation; a text without digits finds nothing.

    `country`: of numbers in national writing, two letters or "": the workspace's default country.
    """
    return _ranges(beginnings(words, country or None))


def _ranges(begins: Iterable[str]) -> Q:
    found = Q()
    for digits in begins:
        found |= _range(digits)
    return found or Q(pk__in=())


def _range(digits: str) -> Q:
    return Q(msisdn__gte=digits, msisdn__lt=f"{digits}:")


def number_contains(words: str, country: str) -> Q:
    """The digits anywhere in the number, or the number's beginning in any writing."""
    digits = _NOT_DIGITS.sub("", words)[:15]
    return Q(msisdn__contains=digits) | number_begins(words, country) if digits else Q(pk__in=())


def number_is(words: str, country: str) -> Q:
    """The one number that is written so; of what is no whole number its digits."""
    return Q(msisdn=_digits_of(words, country))


def number_is_one_of(writings: Iterable[str], country: str) -> Q:
    return Q(msisdn__in=[_digits_of(words, country) for words in writings])


def _digits_of(words: str, country: str) -> str:
    try:
        return parse_msisdn(words, country or None).digits
    except MsisdnError:
        return _NOT_DIGITS.sub("", words)[:15]
