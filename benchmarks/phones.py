"""Phone numbers: the import's reading against phonenumbers' whole path, answer by answer.

Speed is taken on what a list's file holds: few countries, usual writings. (Over all calling codes at once phonenumbers
outruns the cache of Python's `re` and falls behind by another factor of six; that would flatter us.) Answers are
compared on every calling code and type.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from benchmarks.results import Plan, Result, of_figures, of_pairs, rate_of
from sms.msisdn import MsisdnError, compile_fast

COUNTRY = "US"
ABROAD = ("GB", "DE", "FR", "ES", "BR", "IN", "UA")
Reading = Callable[[str], str | None]


def run(plan: Plan) -> Iterator[Result]:
    written = usual_writings(plan.size(100_000, 20_000))
    ours, theirs = our_reading(), their_reading
    wrong = differing(written, ours, theirs)
    pairs = [
        (
            rate_of(lambda: [ours(raw) for raw in written], len(written)),
            rate_of(lambda: [theirs(raw) for raw in written], len(written)),
        )
        for _ in range(plan.runs)
    ]
    yield of_pairs("phone_vs_phonenumbers", "numbers/s", pairs)
    wrong += differing(all_codes(plan.size(60, 4)), ours, theirs)
    yield of_figures("phone_vs_phonenumbers.wrong", "numbers", [wrong])


def our_reading() -> Reading:
    fast = compile_fast(COUNTRY)

    def read(written: str) -> str | None:
        try:
            return fast(written)
        except MsisdnError:
            return None

    return read


def their_reading(written: str) -> str | None:
    try:
        number = phonenumbers.parse(written, COUNTRY)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


def differing(numbers: list[str], ours: Reading, theirs: Reading) -> int:
    return sum(ours(number) != theirs(number) for number in numbers)


def usual_writings(count: int) -> list[str]:
    """Mobile numbers, three in four of the file's own country; one in forty is wrong."""
    chance = random.Random(5)
    examples = {country: _mobile(country) for country in (COUNTRY, *ABROAD)}
    numbers = []
    for place in range(count):
        country = COUNTRY if chance.random() < 0.75 else chance.choice(ABROAD)
        number = _neighbour(examples[country], chance)
        formats = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL]
        if country == COUNTRY:
            formats.append(PhoneNumberFormat.NATIONAL)
        written = phonenumbers.format_number(number, chance.choice(formats))
        numbers.append(written[:-2] if place % 40 == 0 else written)
    return numbers


def _mobile(country: str) -> PhoneNumber:
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    assert example is not None, f"libphonenumber has no mobile number of {country}"
    return example


def _neighbour(number: PhoneNumber, chance: random.Random) -> PhoneNumber:
    """Another line of the same exchange."""
    last = chance.randrange(10_000)
    return PhoneNumber(number.country_code, (number.national_number or 0) // 10_000 * 10_000 + last)


def all_codes(mutations: int) -> list[str]:
    """The example numbers of every region and type, each with `mutations` changed ones, right and wrong."""
    chance = random.Random(3)
    found: dict[str, None] = {}
    for number in _examples():
        national = phonenumbers.national_significant_number(number)
        for _ in range(mutations):
            found[f"+{number.country_code}{_changed(national, chance)}"] = None
    return list(found)


def _examples() -> Iterator[PhoneNumber]:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in range(11):
                example = (
                    phonenumbers.example_number_for_non_geo_entity(code)
                    if region == "001"
                    else phonenumbers.example_number_for_type(region, kind)
                )
                if example is not None:
                    yield example


def _changed(national: str, chance: random.Random) -> str:
    """Up to five other digits, and now and then one or two too few or too many."""
    digits = list(national)
    for _ in range(chance.randint(0, 5)):
        digits[chance.randrange(len(digits))] = chance.choice("0123456789")
    more = chance.choice((0, 0, 0, 0, -2, -1, 1, 2))
    return "".join(digits[:more] if more < 0 else [*digits, *chance.choices("0123456789", k=more)])
