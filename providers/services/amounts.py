"""Prices as files write them: a number, and beside it nothing but the currency that is expected.

A price in cents, or in a currency that only looks like the account's, would cost real money unnoticed: what is not known
here is refused by its own words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType


def _words(written: str) -> frozenset[str]:
    return frozenset(written.split())


# ISO 4217, those in circulation.
CODES = _words(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND
    VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """
)
# Signs that mean one currency wherever they stand alone. What several share (kr, Rs, a dollar that is not the US one) is
# not among them.
SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "$": "USD",
        "us$": "USD",
        "€": "EUR",
        "£": "GBP",
        "₪": "ILS",
        "₹": "INR",
        "₽": "RUB",
        "₴": "UAH",
        "zł": "PLN",
        "₺": "TRY",
        "a$": "AUD",
        "au$": "AUD",
        "c$": "CAD",
        "ca$": "CAD",
        "nz$": "NZD",
        "hk$": "HKD",
        "s$": "SGD",
        "nt$": "TWD",
        "mx$": "MXN",
        "r$": "BRL",
        "¥": "JPY",
        "円": "JPY",
        "cn¥": "CNY",
        "元": "CNY",
        "₩": "KRW",
        "₫": "VND",
        "฿": "THB",
        "₱": "PHP",
        "₦": "NGN",
        "₸": "KZT",
        "₵": "GHS",
        "₡": "CRC",
        "₲": "PYG",
        "₭": "LAK",
        "₮": "MNT",
        "₼": "AZN",
        "₾": "GEL",
        "kč": "CZK",
        "ft": "HUF",
        "rp": "IDR",
        "rm": "MYR",
    }
)
# In the name of a column: its prices are for something else than one part in the currency.
UNITS = _words(
    "¢ % ‰ ct cts cent cents cênt centimes centesimi centavos pence penny kopeks paise percent prozent 100 1000 000 1k"
    " thousand tausend mille kr rs fcfa cfa копеек коп"
)
# Codes that are English words, too.
_WORDS_TOO = frozenset({"ALL", "TOP"})

_GROUPS = "'’ \u00a0\u202f"
_NUMBERS = {
    decimal: re.compile(
        rf"(?P<whole>0|[1-9][0-9]*|[1-9][0-9]{{0,2}}(?P<by>[{other}{_GROUPS}])[0-9]{{3}}(?:(?P=by)[0-9]{{3}})*)?"
        rf"(?:{re.escape(decimal)}(?P<rest>[0-9]+))?"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_AMOUNT = re.compile(
    rf"(?P<before>[^0-9+.,-]*)(?P<number>[+-]?[.,]?[0-9](?:[0-9.,{_GROUPS}]*[0-9])?)(?P<after>[^0-9.,]*)"
)
_BETWEEN_WORDS = re.compile(r"[\s()\[\]{}/\\,;:_|*.–—-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """`number`: with its signs, as it stands there; `beside`: the words before and after it."""

    number: str
    beside: tuple[str, ...]


def taken_apart(written: str) -> Written | None:
    """None where there is no number, or more than one."""
    found = _AMOUNT.fullmatch(written.strip())
    if found is None:
        return None
    return Written(found["number"].removeprefix("+"), (*found["before"].split(), *found["after"].split()))


def amount_of(number: str, decimal: str) -> Decimal | None:
    """None for what is neither a number nor groups of three digits; `005` is none: it is the rest of another cell."""
    found = _NUMBERS[decimal].fullmatch(number)
    if found is None or not number:
        return None
    whole = re.sub(r"[^0-9]", "", found["whole"] or "0")
    return Decimal(f"{whole}.{found['rest'] or '0'}")


def is_amount(written: str) -> bool:
    """With either decimal sign, whatever stands beside it."""
    found = taken_apart(written)
    return found is not None and any(amount_of(found.number, decimal) is not None for decimal in _NUMBERS)


def is_decimal_comma(cells: Iterable[str]) -> bool:
    """By which sign stands last in most of them."""
    last = Counter(max(".,", key=cell.rfind) for cell in cells if "." in cell or "," in cell)
    return last[","] > last["."]


def currency_of(word: str) -> str:
    """Of a code or a sign; "" for anything else, and for signs that several currencies share."""
    return word.upper() if word.upper() in CODES else SIGNS.get(word.casefold(), "")


def odd_word(words: Iterable[str], currency: str) -> str:
    """The first that does not stand for `currency`."""
    return next((word for word in words if currency_of(word) != currency and word.upper() != currency), "")


def odd_word_of_name(name: str, currency: str) -> str:
    """The first word in the name of a column of prices that tells of another currency or unit."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    for word in _BETWEEN_WORDS.split(apart):
        theirs = "" if word.upper() in _WORDS_TOO else currency_of(word)
        if (theirs and theirs != currency) or word.casefold() in UNITS or (not theirs and "$" in word):
            return word
    return ""
