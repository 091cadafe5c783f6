"""The beginning of a number as people and files write it: one prefix. What may be a range is never taken for one."""

from __future__ import annotations

import re

import phonenumbers
from django.utils.translation import gettext as _

from providers.services.refusals import ProviderAccountError

PREFIX_DIGITS = 15
# Digits, in groups if need be. What reads as a day or a month is none.
_PREFIX = re.compile(r"(?:\+ ?)?[0-9(](?:[0-9\s()\u2010\u2011-]*[0-9)])?")
_HYPHENS = re.compile("[\u2010\u2011-]")
_DAY = re.compile(
    r"([012]?\d|3[01])-([012]?\d|3[01])-(\d\d)?\d\d|\d{4}-[01]?\d-[0-3]?\d|(0?[1-9]|1[0-2])-(19|20)\d\d",
    re.ASCII,
)
# As numbers are written for callers at home and abroad: dialled from abroad there is no such nought.
_HOME_NOUGHT = re.compile(r"\(\s*0\s*\)")


def looks_like_prefix(written: str) -> bool:
    return bool(_PREFIX.fullmatch(written))


def clean_prefix(prefix: str) -> str:
    """`+1 201` -> `1201`. Raises ProviderAccountError; also for "", which stands for every number: that is the account's
    own price."""
    written = str(prefix).strip()
    if not looks_like_prefix(written) or _is_day(written):
        raise _no_prefix(written)
    if _may_be_range(written):
        sentence = _(
            "“%(prefix)s” may be a range: write each prefix in a row of its own, or the beginning that all of them have."
        )
        raise ProviderAccountError(sentence % {"prefix": written[:40]}, field="prefix")
    if _HOME_NOUGHT.search(written):
        sentence = _(
            "Leave (0) out of the prefix “%(prefix)s”: numbers have it only when they are dialled at home."
        )
        raise ProviderAccountError(sentence % {"prefix": written[:40]}, field="prefix")
    digits = re.sub(r"[^0-9]", "", written).removeprefix("00")
    if not digits or len(digits) > PREFIX_DIGITS or digits.startswith("0"):
        raise _no_prefix(written)
    return digits


def _no_prefix(written: str) -> ProviderAccountError:
    return ProviderAccountError(
        _(
            "The prefix “%(prefix)s” is not the beginning of a number: give the country code and as many digits after it as"
            " you like, such as 1 or 44 7700."
        )
        % {"prefix": written[:40]},
        field="prefix",
    )


def _is_day(written: str) -> bool:
    return bool(_DAY.fullmatch(re.sub(r"[\s\u2010\u2011-]+", "-", written)))


def _may_be_range(written: str) -> bool:
    """`4470-4479`, `4470-79`, `44 (7700-7799)`, `44 7700 - 44 7799`, `1-201-202`, `1-242-55`; but `1-242` and `44 7700` are
    groups of one prefix: the first is a calling code, and no two of equal length follow it.
    """
    groups = re.findall("[0-9]+", written)
    if not groups:
        return False
    groups[0] = groups[0].removeprefix("00")
    if len(groups) > 1 and int(groups[0] or 0) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return True
    if len(groups) > 3 or (len(groups) == 3 and len(groups[-1]) == len(groups[-2])):
        return True
    sides = [re.findall("[0-9]+", side) for side in _HYPHENS.split(written.removeprefix("00"))]
    if len(sides) < 2 or not all(sides):
        return False
    before, after = len(sides[-2][-1]), len(sides[-1][0])
    if min(before, after) >= 4 or after < before:
        return True
    return len(sides) == 2 and (before == after or len("".join(sides[0])) == len("".join(sides[1])))
