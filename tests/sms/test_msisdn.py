"""Phone numbers in any usual writing, and the fast way against libphonenumber itself."""

from __future__ import annotations

import random
import zoneinfo
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneMetadata

from sms import msisdn
from sms.msisdn import (
    FastMsisdn,
    Msisdn,
    MsisdnError,
    beginnings,
    compile_fast,
    country_of,
    format_msisdn,
    kind_of,
    parse_msisdn,
    time_zones_of,
)

US, UK = "12015550123", "447400123456"


def test_it_works() -> None:
    assert parse_msisdn("+1 201-555-0123", None) == Msisdn(US, "US", "fixed_line_or_mobile")


@pytest.mark.parametrize(
    ("raw", "default", "digits"),
    [
        ("+12015550123", None, US),
        ("12015550123", None, US),
        ("+1 (201) 555-0123", None, US),
        ("(201) 555-0123", "US", US),
        ("201.555.0123", "US", US),
        ("201 555 0123", "us", US),
        ("1-201-555-0123", "US", US),
        ("(+1) 201/555-0123", "GB", US),
        ("0012015550123", None, US),
        ("00 1 201 555 0123", "GB", US),
        ("011 1 201 555 0123", None, US),
        ("011 44 7400 123456", "US", UK),
        ("0011 44 7400 123456", "AU", UK),
        ("010 44 7400 123456", "JP", UK),
        ("07400 123456", "GB", UK),
        ("7400123456", "GB", UK),
        ("447400123456", "GB", UK),
        ("447400123456", "US", UK),
        ("+44 (0)7400 123456", None, UK),
        ("+44 07400 123456", None, UK),
        ("07400‑123‑456", "GB", UK),
        ("07400–123–456", "GB", UK),
        ("07400\u00a0123\u202f456", "GB", UK),
        ("\u202a+44 7400 123456\u202c", None, UK),
        ("＋４４７４００１２３４５６", None, UK),
        ("٠٧٤٠٠١٢٣٤٥٦", "GB", UK),
        ("'07400123456", "GB", UK),
        ("’07400123456", "GB", UK),
        ('"+447400123456"', None, UK),
        ('="07400123456"', "GB", UK),
        ("447400123456.0", None, UK),
        ("7400123456.0", "GB", UK),
        ("+447400123456.00", None, UK),
        ("tel:+44-7400-123456", None, UK),
        ("TEL: 07400 123456", "GB", UK),
        (" \t07400 123456\r\n", "GB", UK),
        ("\ufeff07400123456", "GB", UK),
    ],
)
def test_reads_any_usual_writing(raw: str, default: str | None, digits: str) -> None:
    assert parse_msisdn(raw, default).digits == digits
    assert compile_fast(default)(raw) == digits


def test_home_goes_before_abroad() -> None:
    """011 2345-6789 is Buenos Aires at home; from the United States it dials abroad."""
    assert parse_msisdn("011 2345-6789", "AR") == Msisdn("541123456789", "AR", "fixed_line")
    assert parse_msisdn("07400123456", "GB").digits == UK
    assert parse_msisdn("201 555 0123", "US").digits == US


@pytest.mark.parametrize(
    ("raw", "default", "code", "sentence"),
    [
        ("", None, "empty", "“” holds no digits: enter a phone number."),
        (" - ", "US", "empty", "“ - ” holds no digits: enter a phone number."),
        ("+", None, "empty", "“+” holds no digits: enter a phone number."),
        (
            "4.91512E+11",
            None,
            "scientific",
            "“4.91512E+11” was rounded by a spreadsheet and its last digits are lost: "
            "format the column as text there, and export the file again.",
        ),
        (
            "4,47701e11",
            "GB",
            "scientific",
            "“4,47701e11” was rounded by a spreadsheet and its last digits are lost: "
            "format the column as text there, and export the file again.",
        ),
        ("n/a", None, "letters", "“n/a” holds letters: write the number in digits, without a name."),
        (
            "555-CALL",
            "US",
            "letters",
            "“555-CALL” holds letters: write the number in digits, without a name.",
        ),
        (
            "201 555 0123 ext 4",
            "US",
            "letters",
            "“201 555 0123 ext 4” holds letters: write the number in digits, without a name.",
        ),
        (
            "2125550123",
            None,
            "no_country",
            "“2125550123” does not say its country: write it with + and country code, "
            "or choose a default country.",
        ),
        (
            "07400123456",
            None,
            "no_country",
            "“07400123456” does not say its country: write it with + and country code, "
            "or choose a default country.",
        ),
        ("12345", None, "too_short", "“12345” has too few digits for a phone number: add the missing ones."),
        (
            "+1 201 555 01",
            None,
            "too_short",
            "“+1 201 555 01” has too few digits for a phone number: add the missing ones.",
        ),
        (
            "555-0123",
            "US",
            "too_short",
            "“555-0123” has too few digits for a number in US: add the missing ones.",
        ),
        ("+1", None, "too_short", "“+1” has too few digits for a phone number: add the missing ones."),
        (
            "+1 201 555 01234",
            None,
            "too_long",
            "“+1 201 555 01234” has too many digits for a phone number: check for extra ones.",
        ),
        (
            "07400123456 / 07400123457",
            "GB",
            "too_long",
            "“07400123456 / 07400123457” holds more than one number: keep one only.",
        ),
        (
            "+12015550123;+12015550124",
            "US",
            "too_long",
            "“+12015550123;+12015550124” holds more than one number: keep one only.",
        ),
        (
            "1" * 61 + "x",
            "US",
            "too_long",
            f"“{'1' * 39}…” is too long for a phone number: keep one number only.",
        ),
        (
            "1" * 5000,
            None,
            "too_long",
            f"“{'1' * 39}…” has too many digits for a phone number: check for extra ones.",
        ),
        (
            "+1 001 555 0123",
            None,
            "not_valid",
            "“+1 001 555 0123” is not in use as a phone number: check its country code and digits.",
        ),
        (
            "+999 555 0123",
            None,
            "not_valid",
            "“+999 555 0123” is not in use as a phone number: check its country code and digits.",
        ),
        (
            "(001) 555-0123",
            "GB",
            "too_short",
            "“(001) 555-0123” has too few digits for a phone number: add the missing ones.",
        ),
        (
            "07400123456;07400123457",
            "GB",
            "too_long",
            "“07400123456;07400123457” holds more than one number: keep one only.",
        ),
        (
            "+44 7400+123456",
            None,
            "strange",
            "“+44 7400+123456” has a plus after its start: write one number only.",
        ),
        ("²015550123", "US", "strange", "“²015550123” holds “²”: write one number, in digits only."),
    ],
)
def test_refuses_with_a_sentence(raw: str, default: str | None, code: str, sentence: str) -> None:
    with pytest.raises(MsisdnError) as slow:
        parse_msisdn(raw, default)
    assert (slow.value.code, slow.value.sentence, str(slow.value)) == (code, sentence, sentence)
    with pytest.raises(MsisdnError) as fast:
        compile_fast(default)(raw)
    assert (fast.value.code, fast.value.sentence) == (code, sentence)


@pytest.mark.parametrize(
    ("raw", "default", "digits"),
    [
        ("4915123456789", "DE", "4915123456789"),
        ("447400123456", "US", UK),
        ("12015550123", "DE", US),
        ("447400123456", None, UK),
        ("+12015550123", "DE", US),
        ("0012015550123", "DE", US),
        ("07400123456", "GB", UK),
        ("011 44 7400 123456", "US", UK),
    ],
)
def test_international_numbers_without_plus_are_never_national(
    raw: str, default: str | None, digits: str
) -> None:
    assert parse_msisdn(raw, default, "international").digits == digits
    assert compile_fast(default, "international")(raw) == digits


def test_without_a_form_the_same_digits_are_dialled_at_home() -> None:
    assert parse_msisdn("4915123456789", "DE").digits == "494915123456789"
    assert compile_fast("DE", "national")("4915123456789") == "494915123456789"


@pytest.mark.parametrize(
    ("raw", "default", "form", "code", "sentence"),
    [
        (
            "447400123456",
            "US",
            "national",
            "other_country",
            "“447400123456” has too many digits for a number in US: write + in front if it is a number in GB.",
        ),
        (
            "80012345678",
            "DK",
            "national",
            "other_country",
            "“80012345678” has too many digits for a number in DK: write + in front of it.",
        ),
        (
            "2125550123",
            "US",
            "international",
            "no_calling_code",
            "“2125550123” begins with no calling code that it fits: write +12125550123 if it is a number in US.",
        ),
        (
            "447400",
            "US",
            "international",
            "too_short",
            "“447400” has too few digits for a phone number: add the missing ones.",
        ),
        (
            "447400123456",
            "FO",
            "national",
            "other_country",
            "“447400123456” has too many digits for a number in FO: write + in front if it is a number in GB.",
        ),
    ],
)
def test_what_is_good_in_the_other_form_alone_is_refused(
    raw: str, default: str, form: msisdn.Form, code: str, sentence: str
) -> None:
    for read in (compile_fast(default, form), lambda one: parse_msisdn(one, default, form)):
        with pytest.raises(MsisdnError) as refused:
            read(raw)
        assert (refused.value.code, refused.value.sentence) == (code, sentence)


@pytest.mark.parametrize(
    ("raw", "default", "code"),
    [
        ("2026-05-06", "DK", "date"),
        ("2026/05/06", "DK", "date"),
        ("06.05.2026", "DK", "date"),
        ("5/6/2026", "DK", "date"),
        ("12/31/2026", "DK", "date"),
        ("31/12/26", "GL", "date"),
        ("2026-05-06 00:00:00", "DK", "date"),
        ("2026-05-06T09:30:00+02:00", "DK", "date"),
        (" '2026-05-06", "DK", "date"),
        ("2015550106.5", "US", "decimal"),
        ("+2015550106.5", "US", "decimal"),
        ("2015550106,25", "US", "decimal"),
        ("2015550106.3333333", "US", "decimal"),
        ("2015550123\x00", "US", "nul"),
        ("$2015550112", "US", "strange"),
    ],
)
def test_dates_and_decimals_are_no_numbers(raw: str, default: str, code: str) -> None:
    for read in (compile_fast(default), lambda one: parse_msisdn(one, default)):
        with pytest.raises(MsisdnError) as refused:
            read(raw)
        assert refused.value.code == code
        assert refused.value.sentence.startswith("“")


@pytest.mark.parametrize(
    ("raw", "default", "digits"),
    [
        ("20260506", "DK", "4520260506"),
        ("20 26 05 06", "DK", "4520260506"),
        ("20.26.05.06", "DK", "4520260506"),
        ("2015550123.0", "US", US),
        ("201555.0123", "US", US),
        ("201.5550123", "US", US),
        ("221226", "GL", "299221226"),
        ("22.12.26", "GL", "299221226"),
    ],
)
def test_what_only_resembles_them_is_read(raw: str, default: str, digits: str) -> None:
    assert parse_msisdn(raw, default).digits == digits
    assert compile_fast(default)(raw) == digits


@pytest.mark.parametrize("make", [compile_fast, lambda country: parse_msisdn("+12015550123", country)])
def test_refuses_an_unknown_default_country(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="The default country “UK” is unknown: use its ISO 3166 letters"):
        make("UK")


@given(st.text(), st.sampled_from([None, "US", "GB", "AR"]))
def test_any_text_is_read_or_refused(raw: str, default: str | None) -> None:
    assert _answer(compile_fast(default), raw) == _slow_answer(raw, default)


@given(
    st.text(alphabet="0123456789+-(). /\u00a0", max_size=20),
    st.sampled_from([None, "US", "GB", "AR", "IT", "BR"]),
    st.sampled_from(["either", "national", "international"]),
)
def test_fast_and_slow_agree_on_anything_number_like(
    raw: str, default: str | None, form: msisdn.Form
) -> None:
    assert _answer(compile_fast(default, form), raw) == _slow_answer(raw, default, form)


def _answer(fast: FastMsisdn, raw: str) -> tuple[str, ...]:
    try:
        return fast.read(raw)
    except MsisdnError as error:
        return error.code, error.sentence


def _slow_answer(raw: str, default: str | None, form: msisdn.Form = "either") -> tuple[str, ...]:
    try:
        found = parse_msisdn(raw, default, form)
    except MsisdnError as error:
        return error.code, error.sentence
    return found.digits, found.country, found.kind


def _generated(times: int) -> Iterator[tuple[str, int, str]]:
    """(region, calling code, national number): every region's and type's examples, mutated."""
    rng = random.Random(20_240_601)
    for calling_code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for national in _examples(calling_code, region):
                for _ in range(times):
                    yield region, calling_code, _mutated(rng, national)


def _examples(calling_code: int, region: str) -> set[str]:
    if region == "001":
        numbers = [phonenumbers.example_number_for_non_geo_entity(calling_code)]
    else:
        numbers = [phonenumbers.example_number_for_type(region, kind) for kind in range(11)]
    return {phonenumbers.national_significant_number(number) for number in numbers if number}


def _mutated(rng: random.Random, national: str) -> str:
    digits = list(national)
    for _ in range(rng.randint(0, 4)):
        digits[rng.randrange(len(digits))] = rng.choice("0123456789")
    change = rng.choice((0, 0, 0, 0, -2, -1, 1, 2))
    extra = [rng.choice("0123456789") for _ in range(change)]
    return "".join((digits[:change] if change < 0 else digits) + extra)


def _libphonenumber(text: str, region: str | None) -> tuple[str, str, str] | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    country = phonenumbers.region_code_for_number(number) or ""
    kind = msisdn._KINDS[phonenumbers.number_type(number)]
    return digits, "" if country == "001" else country, kind


def test_fast_answers_are_libphonenumbers_over_all_calling_codes() -> None:
    """Every accept is compared; of the refusals, which are the most, every tenth."""
    numbers = {f"{code}{national}" for _region, code, national in _generated(300)}
    assert len(numbers) > 200_000
    accepted, wrong = 0, []
    for index, digits in enumerate(sorted(numbers)):
        fast = msisdn._match_international(digits)
        refused = fast is None and msisdn._is_surely_invalid(digits)
        accepted += fast is not None
        if fast is not None or (refused and index % 10 == 0):
            slow = _libphonenumber(f"+{digits}", None)
            if fast != slow:
                wrong.append((digits, fast, slow))
    assert wrong == []
    assert accepted > 60_000


def test_fast_answers_are_libphonenumbers_as_dialled_at_home() -> None:
    """For every country: national, with its trunk prefix, with its calling code, with both."""
    rng = random.Random(7)
    homes = {region: msisdn._Home(region) for region in phonenumbers.SUPPORTED_REGIONS}
    accepted, wrong = 0, []
    for region, code, national in _generated(80):
        if region == "001":
            continue
        metadata = PhoneMetadata.metadata_for_region(region)
        trunk = (metadata.national_prefix if metadata else None) or ""
        raw = rng.choice([national, f"{trunk}{national}", f"{code}{national}", f"{code}{trunk}{national}"])
        fast = homes[region].match(raw)
        if fast is not None:
            accepted += 1
            slow = _libphonenumber(raw, region)
            if fast != slow:
                wrong.append((raw, region, fast, slow))
    assert wrong == []
    assert accepted > 20_000


@pytest.mark.parametrize(
    ("raw", "default"),
    [
        ("+3758106123450", None),  # valid as it stands, were its beginning not taken for the trunk prefix 8
        ("3758105123452", "BY"),  # the same after the calling code, at home
        ("01919123456", "IL"),  # begins with the prefix for calls abroad
        ("0800735456", "JE"),  # valid in GB, whose plan is shared, but too short for Jersey
    ],
)
def test_leaves_what_only_looks_plain_to_libphonenumber(raw: str, default: str | None) -> None:
    assert compile_fast(default)._match(raw) is None
    assert _answer(compile_fast(default), raw) == _slow_answer(raw, default)


def test_most_valid_numbers_take_the_fast_way() -> None:
    examples = [
        f"{code}{national}"
        for _region, code, national in _generated(1)
        if _libphonenumber(f"+{code}{national}", None)
    ]
    fast = [digits for digits in examples if msisdn._match_international(digits)]
    assert len(fast) > 0.97 * len(examples)


@pytest.mark.parametrize(
    ("digits", "shown"),
    [(US, "+1 201-555-0123"), (UK, "+44 7400 123456"), ("99955501", "+99955501"), ("", "+")],
)
def test_formats(digits: str, shown: str) -> None:
    assert format_msisdn(digits) == shown


@pytest.mark.parametrize(
    ("digits", "country"),
    [(US, "US"), (UK, "GB"), ("447797712345", "JE"), ("80012345678", ""), ("99955501", ""), ("", "")],
)
def test_country(digits: str, country: str) -> None:
    assert country_of(digits) == country


def test_time_zones() -> None:
    assert time_zones_of(US) == ("America/New_York",)
    assert "Europe/London" in time_zones_of(UK)
    assert time_zones_of("99955501") == ()
    assert time_zones_of("") == ()


def test_every_time_zone_of_the_examples_is_known_here() -> None:
    known = zoneinfo.available_timezones()
    zones = {zone for _region, code, national in _generated(1) for zone in time_zones_of(f"{code}{national}")}
    assert zones - known == set()
    assert len(zones) > 200


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("+1 800 234 5678", "toll_free"), ("+1 900 234 5678", "premium_rate"), ("+44 7400 123456", "mobile")],
)
def test_kinds(raw: str, kind: str) -> None:
    assert parse_msisdn(raw, None).kind == kind
    digits, _country, fast = compile_fast(None).read(raw)
    assert (fast, kind_of(digits)) == (kind, kind)


def test_what_is_no_number_has_no_kind() -> None:
    assert (kind_of("99955501"), kind_of("")) == (None, None)


def test_every_kind_is_answered_fast() -> None:
    digits = {f"{code}{national}" for _region, code, national in _generated(1)}
    kinds = {found[2] for one in digits if (found := msisdn._match_international(one))}
    assert kinds == set(msisdn._KINDS.values())


def test_every_kind_of_libphonenumber_has_a_name() -> None:
    kinds = {value for name, value in vars(phonenumbers.PhoneNumberType).items() if name.isupper()}
    assert set(msisdn._KINDS) == kinds - {phonenumbers.PhoneNumberType.UNKNOWN}


@pytest.mark.parametrize(
    ("raw", "country", "begins"),
    [
        ("+44 7400", "US", ("447400",)),
        ("0044 74", "US", ("4474",)),
        ("011 44 74", "US", ("4474",)),
        ("0011 44", "AU", ("44",)),
        ("00 44", "AU", ("44",)),
        ("07400 123", "GB", ("447400123",)),
        ("07400 123456", "GB", ("447400123456",)),
        ("06 1234", "IT", ("39061234",)),
        ("٠٧٤٠٠", "GB", ("447400",)),
        ("7400", "GB", ("7400", "447400")),
        ("(201) 555", "US", ("201555", "1201555")),
        ("(201) 555-0100", "US", ("2015550100", "12015550100")),
        ("1201", "US", ("1201",)),
        ("8 912", "RU", ("8912", "7912")),
        ("011 15-2345-6789", "AR", ("5491123456789",)),
        ("07400", None, ("07400",)),
        ("0044 74", None, ("4474",)),
        ("201", None, ("201",)),
        ("00", "US", ()),
        ("+", "US", ()),
        ("", "US", ()),
        ("abc", "US", ()),
    ],
)
def test_how_a_number_begins(raw: str, country: str | None, begins: tuple[str, ...]) -> None:
    assert beginnings(raw, country) == begins


@pytest.mark.parametrize("country", ["US", "GB", "DE", "IT", "BR", "AU", "RU"])
def test_whatever_a_whole_number_is_read_as_its_beginnings_find(country: str) -> None:
    """In each writing of libphonenumber's, and as it is typed, digit by digit."""
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert number is not None
    digits = parse_msisdn(phonenumbers.format_number(number, 0), None).digits
    for style in (0, 1, 2):  # E.164, international, national
        written = phonenumbers.format_number(number, style)
        assert any(digits.startswith(begin) for begin in beginnings(written, country)), written
        for typed in range(3, len(written) + 1):
            begins = beginnings(written[:typed], country)
            assert not begins or any(digits.startswith(begin) for begin in begins), written[:typed]
