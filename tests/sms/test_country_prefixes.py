"""Which beginnings of numbers are a country's own, and which country a name stands for."""

from __future__ import annotations

import phonenumbers
import pytest

from sms.country_prefixes import country_named, prefixes_of


def test_it_works() -> None:
    assert prefixes_of("DE") == ("49",)
    assert country_named("Deutschland") == "DE"


@pytest.mark.parametrize(
    ("country", "prefixes"),
    [
        ("US", ("1",)),
        ("BS", ("1242",)),
        ("DO", ("18001", "1809", "1829", "1849")),
        ("JM", ("1658", "1876")),
        ("RU", ("7",)),
        ("KZ", ("77",)),
        ("VA", ("3906698",)),
        ("BQ", ("5993", "5994", "5997")),
        ("CA", ()),
        ("IM", ()),
        ("XX", ()),
        ("", ()),
    ],
)
def test_prefixes(country: str, prefixes: tuple[str, ...]) -> None:
    assert prefixes_of(country) == prefixes


def test_a_countrys_example_numbers_begin_so() -> None:
    for country in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.FIXED_LINE)
        digits = (
            phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:] if example else ""
        )
        prefixes = prefixes_of(country)
        assert not prefixes or not digits or digits.startswith(prefixes), country


@pytest.mark.parametrize(
    ("words", "country"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("Allemagne", "DE"),
        ("Германия", "DE"),
        ("Côte d’Ivoire", "CI"),
        ("cote d'ivoire", "CI"),
        ("United States", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("South Korea", "KR"),
        ("Österreich", "AT"),
        ("Atlantis", ""),
        ("", ""),
        ("-", ""),
    ],
)
def test_names(words: str, country: str) -> None:
    assert country_named(words) == country
