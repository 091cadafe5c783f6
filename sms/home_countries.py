"""Which country numbers without a country code are of, where they show it clearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import islice

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher

from sms.msisdn import NON_GEOGRAPHIC, FastMsisdn, MsisdnError, compile_fast

# So many different numbers are looked at, and such a share of them must be mobiles of a country.
LOOKED_AT = 50
SHARE = 0.8
TEXTABLE = frozenset({"mobile", "fixed_line_or_mobile"})


def likely_country(written: Iterable[str], others: Collection[str] = ()) -> str:
    """ISO 3166 letters, or "" where no country or several come into question.

    A country does if most of the numbers are mobiles of it and are written as one dials there: with the leading zero
    where there is one, and without where there is none. Of several that do, the one counts that groups digits as they
    are grouped here; then the one that is among `others`, countries of numbers from the same source that tell theirs.
    """
    numbers = list(islice(dict.fromkeys(map(str.strip, written)), LOOKED_AT))
    countries = [country for country in _taking(numbers) if _are_most(numbers, _is_dialled_in(country))]
    for is_likely in (_is_grouped_as_in, lambda country: lambda _number: country in others):
        if len(countries) > 1:
            countries = [one for one in countries if _are_most(numbers, is_likely(one))] or countries
    return countries[0] if len(countries) == 1 else ""


def _are_most(numbers: Collection[str], is_one: Callable[[str], bool]) -> bool:
    return sum(map(is_one, numbers)) >= SHARE * len(numbers) > 0


def _taking(numbers: Collection[str]) -> list[str]:
    """Countries of which most of the numbers are mobiles, if read there. Quick, for all countries."""
    counts: Counter[str] = Counter()
    for home in _homes():
        for number in numbers:
            country = _country_at(home, number)
            if country:
                counts[country] += 1
    return [country for country, count in counts.items() if count >= SHARE * len(numbers)]


@cache
def _homes() -> list[FastMsisdn]:
    """One for each calling code: numbers of the countries that share it are told apart by themselves."""
    regions = [regions[0] for regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.values()]
    return [compile_fast(region) for region in regions if region != NON_GEOGRAPHIC]


def _country_at(home: FastMsisdn, number: str) -> str:
    try:
        found = home.read_plainly(number)
    except MsisdnError:
        return ""
    return found[1] if found and found[2] in TEXTABLE else ""


def _is_dialled_in(country: str) -> Callable[[str], bool]:
    def is_one(number: str) -> bool:
        match = _match(number, country, Leniency.VALID)
        if match is None:
            return False
        national = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.NATIONAL)
        bare = phonenumbers.national_significant_number(match.number)
        return _digits(number) in {_digits(national), bare}

    return is_one


def _is_grouped_as_in(country: str) -> Callable[[str], bool]:
    """True too of what is not grouped at all."""
    return lambda number: _match(number, country, Leniency.EXACT_GROUPING) is not None


def _match(number: str, country: str, leniency: int) -> phonenumbers.PhoneNumberMatch | None:
    match = next(iter(PhoneNumberMatcher(number, country, leniency=leniency)), None)
    return match if match and _digits(match.raw_string) == _digits(number) else None


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
