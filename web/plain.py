"""What a number and a time have to look like to be taken for what was meant, on pages and in the API alike."""

from __future__ import annotations

import re
from datetime import date

from django.utils.translation import gettext as _

# Digits of ASCII alone: Python reads 1_0, １２ and ² as numbers too, and Django takes 1.000 for 1.
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)

# Outside these years a time cannot be shown in every zone, and nobody means one.
FIRST_YEAR, LAST_YEAR = 2000, 2999


def is_number(written: str, *, whole: bool) -> bool:
    return bool((WHOLE_NUMBER if whole else NUMBER).fullmatch(written.strip()))


def is_within_reach(moment: date) -> bool:
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def out_of_reach() -> str:
    """The sentence, where `is_within_reach` is not so."""
    return _("Choose a time between the years %(first)s and %(last)s; leave it empty for none.") % {
        "first": FIRST_YEAR,
        "last": LAST_YEAR,
    }
