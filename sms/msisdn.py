"""Phone numbers: from any usual writing to an MSISDN (E.164 digits without plus), and back to a readable one.

What is valid, where a number is from and of what kind is libphonenumber's word. How a writing is read:

1. `+…` is international, and nothing else.
2. `00…` is international; failing that, as dialled in the default country (Australia's prefix is 0011).
3. Anything else is first taken as dialled in the default country: with or without its trunk prefix, with its
   own calling code or its own international prefix (011 in North America; 011 is Buenos Aires in Argentina).
4. Failing that, as a full international number that lost its plus, as spreadsheets make them; `011…` then
   means what it does in North America.

The national reading goes first because a person chose that country for this file: a number that is good at
home was meant at home. Without a default country only international readings are tried.

Whoever has many numbers from one source says with `form` which of both its numbers without a mark (+, 00) are, so that
none of them is taken for one of the other: "national" tries 3 alone, "international" 4 alone, but for what begins with
0, as no calling code does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

Code = Literal[
    "empty",
    "scientific",
    "date",
    "decimal",
    "nul",
    "letters",
    "strange",
    "no_country",
    "other_country",
    "no_calling_code",
    "too_short",
    "too_long",
    "not_valid",
]
Form = Literal["either", "national", "international"]
Kind = Literal[
    "mobile",
    "fixed_line",
    "fixed_line_or_mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
]

MAX_DIGITS = 15  # E.164
# What stands on both sides of such a mark with so many digits each is two numbers, not one.
_BETWEEN_NUMBERS = re.compile(r"[;,/|]")
SEVERAL_DIGITS = 7
MAX_WRITTEN = 60
NON_GEOGRAPHIC = "001"


class MsisdnError(ValueError):
    """Why a writing is no number. `sentence` names the value and the remedy; `code` groups equal reasons."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code: Code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Msisdn:
    """`country`: ISO 3166 letters, "" where a number belongs to none (+800, satellites)."""

    digits: str
    country: str
    kind: Kind


_KINDS: dict[int, Kind] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
_TYPES: dict[Kind, int] = {kind: number_type for number_type, kind in _KINDS.items()}


def parse_msisdn(raw: str, default_country: str | None, form: Form = "either") -> Msisdn:
    """Raises MsisdnError; ValueError for a default country that libphonenumber does not know."""
    country = _checked_country(default_country)
    found = _parse_slowly(_compact(raw), raw, country, form)
    return Msisdn(*_described(found))


def compile_fast(default_country: str | None, form: Form = "either") -> FastMsisdn:
    """The same answers for a million rows: `fast(raw)` gives the digits or raises MsisdnError."""
    return FastMsisdn(default_country, form)


class FastMsisdn:
    """parse_msisdn's answers and errors, several times faster.

    Patterns of libphonenumber's own metadata accept what they can be sure of; everything else, all errors
    included, goes the slow way. So the answers are the same (tests/sms/test_msisdn.py compares them).
    """

    __slots__ = ("_country", "_form", "_home", "_is_abroad_first")

    def __init__(self, default_country: str | None, form: Form = "either") -> None:
        self._country = _checked_country(default_country)
        self._form: Form = form
        self._is_abroad_first = form == "international"
        self._home = _Home(self._country) if self._country else None

    def __call__(self, raw: str) -> str:
        return self.read(raw)[0]

    def read(self, raw: str) -> tuple[str, str, Kind]:
        """Digits, country ("" for none) and kind."""
        compact = _compact(raw)
        found = self._match(compact)
        if found is None:
            return _described(_parse_slowly(compact, raw, self._country, self._form))
        return found

    def read_plainly(self, raw: str) -> tuple[str, str, Kind] | None:
        """As `read`, of what is plain to see; None where only the slow way knows, refusals included."""
        return self._match(_compact(raw))

    def _match(self, compact: str) -> tuple[str, str, Kind] | None:
        if compact[0] == "+":
            return _match_international(compact[1:])
        if compact.startswith("00"):
            return _match_international(compact[2:])
        if self._is_abroad_first and compact[0] != "0":
            return _match_international(compact)
        if self._home:
            return self._home.match(compact)
        return _match_international(compact[3:] if compact.startswith("011") else compact)


def beginnings(raw: str, default_country: str | None) -> tuple[str, ...]:
    """With which digits numbers begin that somebody writes or has begun to write; () where there is no digit.

    It is one beginning after +, 00, the home country's international prefix or a leading 0. Without such a mark a
    writing may be international or national, and all that it may mean is given.
    """
    country = _checked_country(default_country)
    text = "".join(map(_plain, raw.strip()))
    digits = re.sub(r"[^0-9]+", "", text)[:MAX_WRITTEN]
    found = [digits] if text.startswith("+") else _begun(digits, country)
    return tuple(dict.fromkeys(one[:MAX_DIGITS] for one in found if one))


def _begun(digits: str, country: str | None) -> list[str]:
    """Of a writing without plus."""
    if not country:
        return [digits.removeprefix("00")]
    calling_code = phonenumbers.country_code_for_region(country)
    metadata = _metadata(calling_code, country)
    abroad = re.match(metadata.international_prefix or "(?!)", digits) or re.match("00", digits)
    if abroad:
        return [digits[abroad.end() :]]
    national = f"{calling_code}{digits.removeprefix(metadata.national_prefix or '')}"
    whole = _whole(digits, country)
    if digits.startswith("0"):
        return [whole or national]
    return [digits, national, whole] if digits else []


def _whole(digits: str, country: str) -> str:
    """ "" where it is no whole number."""
    try:
        return parse_msisdn(digits, country).digits
    except MsisdnError:
        return ""


def format_msisdn(digits: str) -> str:
    """ "12015550123" -> "+1 201-555-0123"; digits that are no known number just get their plus."""
    return _formatted(digits)


@lru_cache(maxsize=65_536)
def _formatted(digits: str) -> str:
    number = _international(digits)
    if number is None:
        return f"+{digits}"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def country_of(digits: str) -> str:
    """ISO 3166 letters of a valid MSISDN's country; "" for one that belongs to none or is not valid."""
    found = _match_international(digits)
    if found is not None:
        return found[1]
    number = _international(digits)
    return _country_of(number) if number is not None else ""


def kind_of(digits: str) -> Kind | None:
    """Of a valid MSISDN; None for one that is not valid."""
    found = _match_international(digits)
    if found is not None:
        return found[2]
    number = _international(digits)
    return _KINDS.get(phonenumbers.number_type(number)) if number is not None else None


SHORTEST_NATIONAL = 6


def national_digits_of(digits: str) -> str:
    """What stands in a number however it is written: without calling code, trunk prefix and leading zeros.

    The digits as they are where these belong to no number, or where so little is left that it stands in others too.
    """
    number = _international(digits)
    national = str(number.national_number) if number is not None else ""
    return national if len(national) >= SHORTEST_NATIONAL else digits


# What stands between the digits of a number that people write.
_BETWEEN_DIGITS = r"[ \t\u00a0\u2000-\u200f\u202f\u2010-\u2015\u2060.()/\-\u00b7]{0,3}"
# From so many digits on a number is not part of another one by chance.
_UNMISTAKABLE = 9


def writings_of(digits: str) -> re.Pattern[str]:
    """Finds a number in a text in any usual writing: with calling code or without, grouped or not."""
    national = national_digits_of(digits)
    code = digits.removesuffix(national) if digits.endswith(national) else ""
    core = _BETWEEN_DIGITS.join(national)
    prefix = rf"(?:(?:\+|00|011)?{_BETWEEN_DIGITS}{code}{_BETWEEN_DIGITS})?" if code else r"\+?"
    trunk = rf"(?:\(?0\)?{_BETWEEN_DIGITS})?"
    if len(national) >= _UNMISTAKABLE:
        return re.compile(prefix + trunk + core)
    return re.compile(rf"(?<!\d){prefix}{trunk}{core}(?!\d)")


@lru_cache(maxsize=65_536)
def time_zones_of(digits: str) -> tuple[str, ...]:
    """All IANA zones the number may be in: a mobile its country's, a landline its area's; () if unknown."""
    number = _international(digits)
    zones = time_zones_for_number(number) if number is not None else ()
    return tuple(zone for zone in zones if zone != UNKNOWN_TIMEZONE)


def zones_where(digits: str) -> tuple[str, ...]:
    """The IANA zones in one of which the person surely is, for a million numbers; () if unknown.

    As time_zones_of, but of a country that shares its calling code with others its own zones: libphonenumber names those
    of all of North America for a mobile of Barbados.
    """
    found = _match_international(digits)
    if found is None:
        return time_zones_of(digits)
    code = _calling_code(digits)
    if code is None:
        return ()
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    is_geographic = is_number_type_geographical(_TYPES[found[2]], code)
    if is_geographic or found[1] in regions[1:]:
        return _zones_of_beginning(digits)
    return TIMEZONE_DATA.get(str(code), ())


def _zones_of_beginning(digits: str) -> tuple[str, ...]:
    for size in range(min(TIMEZONE_LONGEST_PREFIX, len(digits)), 0, -1):
        zones: tuple[str, ...] | None = TIMEZONE_DATA.get(digits[:size])
        if zones:
            return zones
    return ()


def _calling_code(digits: str) -> int | None:
    for size in (1, 2, 3):
        if _plan(digits[:size]) is not None:
            return int(digits[:size])
    return None


# --- reading a writing ---

_SEPARATORS = " ()-/\t\u00a0"
_DROP_SEPARATORS = str.maketrans("", "", _SEPARATORS)
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?e[+-]?\d+", re.ASCII | re.IGNORECASE)
# How a spreadsheet writes a number it took for a float: 4915123456789.0 (fewer digits: a dot between groups).
_FLOAT = re.compile(r"(\+?\d{7,15})\.0{1,2}", re.ASCII)
# A part of one, in digits that no group of a number has: .5 after seven or more, .125 after nine or more.
_DECIMAL = re.compile(r"[+-]?(?:\d{7,}[.,]\d{1,2}|\d{9,}[.,]\d{3,})", re.ASCII)
_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_YEAR = "(?:19|20)[0-9]{2}"
# Two digits of a year stand between slashes only: 21.12.26 and 21-12-26 are numbers of small countries as well.
_DATE = re.compile(
    rf"(?:{_YEAR}([-/.]){_MONTH}\1{_DAY}|{_DAY}([-/.]){_MONTH}\2{_YEAR}|{_MONTH}([-/.]){_DAY}\3{_YEAR}"
    rf"|{_DAY}/{_MONTH}/[0-9]{{2}}|{_MONTH}/{_DAY}/[0-9]{{2}})(?:[T ,].*)?"
)
_LONGEST_DATE = 8


def _compact(raw: str) -> str:
    """Only digits with perhaps a plus before them; raises MsisdnError for what cannot be a number."""
    compact = raw.translate(_DROP_SEPARATORS)
    if compact.isascii() and (compact.isdigit() or (compact[:1] == "+" and compact[1:].isdigit())):
        if len(compact) <= _LONGEST_DATE and len(compact) != len(raw):
            _require_no_date(raw)
        return compact
    return _compact_oddly_written(raw)


def _require_no_date(raw: str) -> None:
    if _DATE.fullmatch(_unwrapped(raw)):
        raise MsisdnError("date", f"{_quoted(raw)} is a date: enter a phone number.")


def _compact_oddly_written(raw: str) -> str:
    if "\x00" in raw:
        raise MsisdnError("nul", f"{_quoted(raw)} holds a NUL character, which is no text: take it out.")
    if len(raw) > MAX_WRITTEN:
        raise MsisdnError("too_long", f"{_quoted(raw)} is too long for a phone number: keep one number only.")
    plain = "".join(_plain(char) for char in raw)
    _require_no_date(plain)
    text = _unwrapped(plain).translate(_DROP_SEPARATORS)
    if _SCIENTIFIC.fullmatch(text):
        raise MsisdnError(
            "scientific",
            f"{_quoted(raw)} was rounded by a spreadsheet and its last digits are lost: "
            "format the column as text there, and export the file again.",
        )
    as_float = _FLOAT.fullmatch(text)
    if not as_float and _DECIMAL.fullmatch(text):
        raise MsisdnError(
            "decimal",
            f"{_quoted(raw)} has a decimal part, which no phone number has: enter the number anew, as text.",
        )
    compact = as_float[1] if as_float else text.replace(".", "")
    if compact in ("", "+"):
        raise MsisdnError("empty", f"{_quoted(raw)} holds no digits: enter a phone number.")
    strange = next((char for char in compact.removeprefix("+") if not "0" <= char <= "9"), None)
    if strange is not None:
        raise _strange(strange, raw)
    return compact


def _plain(char: str) -> str:
    """ASCII for digits, dashes, dots, spaces and full-width forms of any script; "" for invisible marks."""
    if char.isascii():
        return char if char.isprintable() else " "
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    match unicodedata.category(char):
        case "Pd":
            return "-"
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Cf":
            return ""
    if unicodedata.east_asian_width(char) == "F":
        return unicodedata.normalize("NFKC", char)
    return {"−": "-", "·": ".", "•": ".", "∙": "."}.get(char, char)


def _unwrapped(text: str) -> str:
    """Without what files put around a number: spaces, quotes, ="…", Excel's apostrophe, tel:."""
    text = text.strip().removeprefix("=").strip(" '\"`‘’“”")
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
    return text


def _are_several(raw: str) -> bool:
    pieces = _BETWEEN_NUMBERS.split(raw)
    return sum(len(re.findall(r"[0-9]", piece)) >= SEVERAL_DIGITS for piece in pieces) > 1


def _several(raw: str) -> MsisdnError:
    return MsisdnError("too_long", f"{_quoted(raw)} holds more than one number: keep one only.")


def _strange(char: str, raw: str) -> MsisdnError:
    if _are_several(raw):
        return _several(raw)
    if char.isalpha():
        return MsisdnError(
            "letters", f"{_quoted(raw)} holds letters: write the number in digits, without a name."
        )
    if char == "+":
        return MsisdnError("strange", f"{_quoted(raw)} has a plus after its start: write one number only.")
    return MsisdnError("strange", f"{_quoted(raw)} holds “{char}”: write one number, in digits only.")


def _quoted(raw: str) -> str:
    readable = "".join(char if char.isprintable() else " " for char in raw[:41])
    return f"“{readable}”" if len(raw) <= 40 else f"“{readable[:39]}…”"


# --- the slow way: phonenumbers ---


def _parse_slowly(compact: str, raw: str, country: str | None, form: Form) -> PhoneNumber:
    for text, region in _readings(compact, country, form):
        if region is None and _is_surely_invalid(text[1:]):
            continue
        number = _parsed(text, region)
        if number is not None and phonenumbers.is_valid_number(number):
            return number
    raise _refusal(compact, raw, country, form)


def _readings(compact: str, country: str | None, form: Form) -> Iterator[tuple[str, str | None]]:
    """(text, region) in the order of this module's docstring."""
    if compact[0] == "+":
        yield compact, None
        return
    if compact.startswith("00"):
        yield f"+{compact[2:]}", None
    if form == "international" and compact[0] != "0":
        yield f"+{compact}", None
        return
    if country:
        yield compact, country
        if form != "either":
            return
    if compact.startswith("011"):
        yield f"+{compact[3:]}", None
    elif not compact.startswith("0"):
        yield f"+{compact}", None


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _refusal(compact: str, raw: str, country: str | None, form: Form) -> MsisdnError:
    """The reason by the first reading: what the person most likely meant."""
    shown = _quoted(raw)
    if _are_several(raw):
        return _several(raw)
    digits = compact.lstrip("+")
    international = compact[0] == "+" or compact.startswith("00")
    if not international and not country and 7 <= len(digits) <= MAX_DIGITS:
        remedy = "write it with + and country code, or choose a default country"
        return MsisdnError("no_country", f"{shown} does not say its country: {remedy}.")
    if country and not international and form != "either":
        other = _read_otherwise(compact, raw, country, form)
        if other is not None:
            return other
        international = form == "international" and compact[0] != "0"
    where = f"a number in {country}" if country and not international else "a phone number"
    match _length_verdict(compact.removeprefix("+").removeprefix("00"), None if international else country):
        case "too_long":
            return MsisdnError("too_long", f"{shown} has too many digits for {where}: check for extra ones.")
        case "too_short":
            return MsisdnError("too_short", f"{shown} has too few digits for {where}: add the missing ones.")
    return MsisdnError("not_valid", f"{shown} is not in use as {where}: check its country code and digits.")


def _read_otherwise(compact: str, raw: str, country: str, form: Form) -> MsisdnError | None:
    """Of what would be a number, were it of the other form."""
    shown = _quoted(raw)
    if compact[0] == "0":
        return None
    if form == "international":
        number = _parsed(compact, country)
        if number is None or not phonenumbers.is_valid_number(number):
            return None
        meant = f"+{_digits_of(number)}"
        remedy = f"write {meant} if it is a number in {country}"
        return MsisdnError("no_calling_code", f"{shown} begins with no calling code that it fits: {remedy}.")
    number = _international(compact)
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    home = {
        "too_long": f"has too many digits for a number in {country}",
        "too_short": f"has too few digits for a number in {country}",
    }.get(_length_verdict(compact, country) or "", f"is not in use as a number in {country}")
    there = _country_of(number)
    remedy = f"write + in front if it is a number in {there}" if there else "write + in front of it"
    return MsisdnError("other_country", f"{shown} {home}: {remedy}.")


def _length_verdict(digits: str, country: str | None) -> Literal["too_short", "too_long"] | None:
    if country:
        number = _parsed(digits, country)
        result = phonenumbers.is_possible_number_with_reason(number) if number else None
        if result == ValidationResult.TOO_LONG:
            return "too_long"
        if result in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
            return "too_short"
    else:
        plan, national = _split(digits)
        if plan and len(national) > plan.longest:
            return "too_long"
        if plan and len(national) < plan.shortest:
            return "too_short"
    if len(digits) > MAX_DIGITS:
        return "too_long"
    return "too_short" if len(digits) < 7 else None


def _checked_country(default_country: str | None) -> str | None:
    if not default_country:
        return None
    country = default_country.upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(
            f"The default country “{default_country}” is unknown: use its ISO 3166 letters, such as US or GB."
        )
    return country


def _international(digits: str) -> PhoneNumber | None:
    return _parsed(f"+{digits}", None)


def _described(number: PhoneNumber) -> tuple[str, str, Kind]:
    """Of a valid number."""
    return _digits_of(number), _country_of(number), _KINDS[phonenumbers.number_type(number)]


def _digits_of(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def _country_of(number: PhoneNumber) -> str:
    country = phonenumbers.region_code_for_number(number) or ""
    return "" if country == NON_GEOGRAPHIC else country


# --- the fast way: patterns compiled from phonenumbers' metadata, at first use ---

_Matcher = Callable[[str], re.Match[str] | None]
# In libphonenumber's order, landlines and mobiles coming after them.
_SPECIAL: tuple[Kind, ...] = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


class _Plan:
    """One calling code's numbering plan, as is_valid_number, region_code_for_number and number_type together read it."""

    __slots__ = ("_by_length", "_countries", "_metadata", "longest", "shortest", "strips")

    def __init__(self, calling_code: int) -> None:
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]
        self._countries = tuple("" if region == NON_GEOGRAPHIC else region for region in regions)
        self._metadata = [_metadata(calling_code, region) for region in regions]
        self._by_length: dict[int, tuple[_Matcher, list[tuple[str, Kind]]]] = {}
        main = self._metadata[0]
        lengths = main.general_desc.possible_length if main.general_desc else ()
        self.shortest, self.longest = min(lengths), max(lengths)
        # parse() may take a national prefix off an international number, too: such ones are left to it.
        self.strips = _prefix_matcher(main)

    def look_up(self, national: str) -> tuple[str, Kind] | None:
        """Country and kind of a valid national number; None if it is not valid."""
        compiled = self._by_length.get(len(national))
        if compiled is None:
            compiled = self._by_length[len(national)] = self._compiled(len(national))
        found = compiled[0](national)
        return None if found is None else compiled[1][(found.lastindex or 1) - 1]

    def _compiled(self, length: int) -> tuple[_Matcher, list[tuple[str, Kind]]]:
        """One group a region and kind, in libphonenumber's order, and what each means.

        A region with leading digits alone answers for them.
        """
        groups, meanings, taken = [], list[tuple[str, Kind]](), ""
        for country, metadata in zip(self._countries, self._metadata, strict=True):
            leading = (
                f"(?={metadata.leading_digits})"
                if metadata.leading_digits and len(self._metadata) > 1
                else ""
            )
            kinds = _kind_patterns(metadata, length)
            if kinds:
                general = f"(?=(?:{_pattern(metadata.general_desc)})$)"
                either = "|".join(f"({pattern})" for _kind, pattern in kinds)
                groups.append(f"{taken}{leading}{general}(?:{either})")
                meanings += [(country, kind) for kind, _pattern_of_it in kinds]
            if leading:
                taken += f"(?!{metadata.leading_digits})"
        return re.compile("|".join(groups) or "(?!)").fullmatch, meanings


class _Home:
    """Numbers as dialled in one country: the simple cases of phonenumbers.parse(number, country)."""

    __slots__ = ("_calling_code", "_general", "_idd", "_lengths", "_plan", "_rule", "_strips")

    def __init__(self, country: str) -> None:
        calling_code = phonenumbers.country_code_for_region(country)
        metadata = _metadata(calling_code, country)
        plan = _plan(str(calling_code))
        assert plan is not None, f"phonenumbers lists {country} without its calling code"
        self._calling_code = str(calling_code)
        self._plan = plan
        self._general = re.compile(_pattern(metadata.general_desc)).fullmatch
        general = metadata.general_desc
        self._lengths = frozenset(general.possible_length if general else ())
        self._idd = re.compile(metadata.international_prefix or "(?!)").match
        self._strips = _prefix_matcher(metadata)
        self._rule = metadata.national_prefix_transform_rule

    def match(self, digits: str) -> tuple[str, str, Kind] | None:
        """Digits, country and kind; None where only the slow way knows."""
        if self._idd(digits):
            return None
        national = self._national(digits)
        found = self._plan.look_up(national) if national else None
        return None if found is None else (f"{self._calling_code}{national}", *found)

    def _national(self, digits: str) -> str | None:
        """The national significant number, where it is plain to see."""
        at_home = self._general(digits)
        if digits.startswith(self._calling_code) and not (at_home and len(digits) in self._lengths):
            rest = digits[len(self._calling_code) :]
            taken = (
                self._general(rest) and not at_home and not self._strips(rest) and not self._plan.strips(rest)
            )
            return rest if taken else None
        prefix = self._strips(digits)
        if prefix is None:
            return digits
        if self._rule and prefix.groups() and prefix.groups()[-1] is not None:
            return None
        national = digits[prefix.end() :]
        return (
            national if len(national) in self._lengths and (not at_home or self._general(national)) else None
        )


def _match_international(digits: str) -> tuple[str, str, Kind] | None:
    """Of a valid international number without plus: digits, country, kind; None where only the slow way knows."""
    plan, national = _split(digits)
    found = plan.look_up(national) if plan else None
    return None if plan is None or found is None or plan.strips(national) else (digits, *found)


def _is_surely_invalid(digits: str) -> bool:
    """Whether the slow way, too, would refuse this international number."""
    plan, national = _split(digits)
    return plan is None or (plan.look_up(national) is None and not plan.strips(national))


def _split(digits: str) -> tuple[_Plan | None, str]:
    """The plan of the calling code and the national rest: no calling code is the beginning of another."""
    for size in (1, 2, 3):
        plan = _plan(digits[:size])
        if plan is not None:
            return plan, digits[size:]
    return None, digits


@cache
def _plan(calling_code: str) -> _Plan | None:
    code = int(calling_code) if calling_code.isdigit() else 0
    known = code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE and str(code) == calling_code
    return _Plan(code) if known else None


def _metadata(calling_code: int, region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
    assert metadata is not None, f"phonenumbers lists {region} without its metadata"
    return metadata


def _prefix_matcher(metadata: PhoneMetadata) -> _Matcher:
    return re.compile(metadata.national_prefix_for_parsing or "(?!)").match


def _kind_patterns(metadata: PhoneMetadata, length: int) -> list[tuple[Kind, str]]:
    """What _number_type_helper answers at that length, the first that matches: kind and pattern."""
    if not _takes(metadata.general_desc, length):
        return []
    descs = {kind: getattr(metadata, kind) for kind in (*_SPECIAL, "fixed_line", "mobile")}
    patterns: dict[Kind, str] = {k: _pattern(desc) for k, desc in descs.items() if _takes(desc, length)}
    kinds = [(kind, patterns[kind]) for kind in _SPECIAL if kind in patterns]
    fixed, mobile = patterns.get("fixed_line"), patterns.get("mobile")
    if metadata.same_mobile_and_fixed_line_pattern or fixed == mobile:
        return kinds + ([("fixed_line_or_mobile", fixed)] if fixed else [])
    if fixed and mobile:
        kinds.append(("fixed_line_or_mobile", f"(?=(?:{fixed})$)(?:{mobile})"))
    kinds += [("fixed_line", fixed)] if fixed else []
    return kinds + ([("mobile", mobile)] if mobile else [])


def _takes(desc: PhoneNumberDesc | None, length: int) -> bool:
    if desc is None or not desc.national_number_pattern:
        return False
    return not desc.possible_length or length in desc.possible_length


def _pattern(desc: PhoneNumberDesc | None) -> str:
    return (desc.national_number_pattern if desc else None) or "(?!)"
