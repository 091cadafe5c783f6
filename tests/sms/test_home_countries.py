"""sms.home_countries: a country is named where the numbers show it, and never a wrong one."""

import phonenumbers
import pytest

from sms.examples import example_msisdns
from sms.home_countries import likely_country


def mobile_of(country: str, *, grouped: bool = True) -> str:
    """libphonenumber's example, as it is dialled at home."""
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return text if grouped else "".join(filter(str.isdigit, text))


@pytest.mark.parametrize("country", ["DE", "GB", "AU", "IN", "BR", "CN", "JP"])
def test_it_works(country: str) -> None:
    assert likely_country([mobile_of(country)]) == country


def test_no_country_is_taken_for_another() -> None:
    """But where both have one calling code, and numbers of islands look like those of the mainland."""
    wrong = {}
    for country in phonenumbers.SUPPORTED_REGIONS:
        if phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE) is None:
            continue
        for grouped in (True, False):
            found = likely_country([mobile_of(country, grouped=grouped)])
            code = phonenumbers.country_code_for_region
            if found and code(found) != code(country):
                wrong[country] = found
    assert wrong == {}


def test_area_codes_tell_the_countries_of_north_america_apart() -> None:
    assert likely_country(msisdn[1:] for msisdn in example_msisdns(100)) == "US"
    assert likely_country([mobile_of("AG", grouped=False)]) == "AG"


def test_a_zero_in_front_tells_countries_apart() -> None:
    """The digits are a mobile in China too, where one dials it without the zero."""
    assert likely_country([mobile_of("DE", grouped=False)]) == "DE"


def test_several_are_told_apart_by_numbers_that_say_their_country_or_not_at_all() -> None:
    british = [mobile_of("GB", grouped=False)]
    assert likely_country(british) == ""
    assert likely_country(british, ["DE", "GB"]) == "GB"
    assert likely_country(british, ["GB", "IN"]) == ""


def test_most_must_be_of_it() -> None:
    german, other = mobile_of("DE"), ["12345", "123456", "1234567"]
    assert likely_country([german, other[0]]) == ""
    many = [german.replace(" ", mark) for mark in ("", " ", "/", "-", "  ", " / ", " - ", ".", "--", "//")]
    assert likely_country([*many, other[0]]) == "DE"
    assert likely_country([*many, *other]) == ""


def test_nothing_is_of_nowhere() -> None:
    assert likely_country([]) == ""
    assert likely_country(["", "n/a", "x"]) == ""
