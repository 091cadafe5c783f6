"""A rate card as a CSV file, as providers and spreadsheets write it: read, never guessed where it would cost money.

What is not read is told: a row by its number, a column by its name.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal, InvalidOperation

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.services.prices import PRICE_DECIMALS, clean_prefix, clean_price
from providers.services.refusals import ProviderAccountError
from sms.country_prefixes import country_named, prefixes_of

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 50_000
# So many rows are looked at to find the delimiter, and so many may stand above the header.
LOOKED_AT = 50
ABOVE_HEADER = 10
DELIMITERS = ";\t|,"
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)


def _words(written: str) -> frozenset[str]:
    return frozenset(written.split())


# Names of columns, as `_form` writes them; a stem may stand anywhere in one.
PREFIX_WORDS = _words("""
    prefix prefixes dialcode dialcodes diallingcode dialingcode dialprefix numberprefix code codes countrycode callingcode
    countrycallingcode phonecode areacode destinationcode e164 cc vorwahl vorwahlen landervorwahl landesvorwahl indicatif
    indicatifs prefixe prefijo prefijos codigo codigopais codigodepais prefisso prefissi prefixo indicativo landnummer
    landcode voorvoegsel landskod prefiks kierunkowy numerkierunkowy код префикс префиксы кодстраны префікс кодкраїни
    קידומת مقدم 区号 前缀 国家代码 国番号 국가번호
""")
COUNTRY_WORDS = _words("""
    country countryname countryiso iso iso2 isocode destination region land landname zielland ziel pays nomdupays pais
    destino paese nazione destinazione lander kraj maa страна направление країна מדינה ארץ بلد الدولة 国家 国 국가
""")
PRICE_STEMS = _words("""
    price rate cost tariff tarif preis prix cout precio coste costo preco prezzo prijs kosten pris cena hinta цена ставка
    стоимость тариф ціна מחיר سعر 价格 費用 料金 가격
""")
CURRENCY_WORDS = _words("""
    currency currencycode wahrung devise monnaie moneda divisa valuta moeda waluta valuutta валюта מטבע عملة 货币 通貨 통화
""")
NETWORK_STEMS = _words("mcc mnc network operator operateur operador operatore carrier netz reseau")
CURRENCIES = _words("""
    USD EUR GBP AUD BRL CAD CHF CNY CZK DKK HKD HUF ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON RUB SAR SEK SGD THB TRY
    UAH ZAR AED ARS CLP COP EGP IDR KES KZT MAD NGN PEN PKR VND
""")
SIGNS = {"€": "EUR", "£": "GBP", "₪": "ILS", "₹": "INR", "₽": "RUB", "₴": "UAH", "zł": "PLN", "₺": "TRY"}

_AMOUNT = re.compile(r"([^\d+.,-]*)([+-]?[\d.,' \u00a0\u202f]*\d)([^\d.,]*)")
_CODE = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")
_GROUPED = {".": re.compile(r"[1-9]\d{0,2}(?:,\d{3})+"), ",": re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")}


@dataclass(frozen=True, slots=True)
class BadRow:
    """`row`: as a spreadsheet numbers it, from 1."""

    row: int
    sentence: str


@dataclass(frozen=True, slots=True)
class RateFile:
    """`rates`: the price by prefix. `notes`: what else was done with the file, in sentences."""

    rates: dict[str, Decimal]
    bad_rows: list[BadRow]
    doubles: list[BadRow]
    notes: list[str]


@dataclass(slots=True)
class _Columns:
    """Places of the columns that are read; `ignored`: names of those about networks."""

    price: int
    prefix: int | None = None
    country: int | None = None
    currency: int | None = None
    ignored: list[str] = field(default_factory=list)

    def cell(self, row: Sequence[str], place: int | None) -> str:
        return row[place].strip() if place is not None and place < len(row) else ""


def read_rates(data: bytes, *, currency: str) -> RateFile:
    """`currency`: the account's. Raises ProviderAccountError where the file cannot be read at all."""
    text = _decoded(data)
    rows = _rows(text)
    found = _header(rows)
    columns, first = (found[1], found[0] + 1) if found else (_without_header(rows), 0)
    head = rows[found[0]] if found else []
    return _Reading(columns, currency, head, rows, first).result()


# --- bytes, rows and columns ---------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _refused(_("The file is larger than 2 MB: split it, or take out columns that are not needed."))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _refused(_("The file is a workbook. Save its sheet as CSV and choose that file."))
    for encoding in ("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = data.decode("latin-1")
    if "\x00" in text:
        raise _refused(_("The file is no text. Save the rate card as CSV and choose that file."))
    if not text.strip():
        raise _refused(_("The file is empty. Choose one with a column of prefixes and one of prices."))
    return text


def _rows(text: str) -> list[list[str]]:
    try:
        head = text.splitlines()[:LOOKED_AT]
        delimiter = max(DELIMITERS, key=lambda char: sum(len(row) > 1 for row in _cells(head, char)))
        rows = list(_cells(io.StringIO(text, newline=""), delimiter))
    except csv.Error as error:
        raise _refused(_("The file is no CSV: %(error)s.") % {"error": error}) from None
    if len(rows) > MOST_ROWS:
        raise _refused(
            _("The file has %(rows)s rows; at most %(most)s are read at once. Split it.")
            % {"rows": f"{len(rows):,}", "most": f"{MOST_ROWS:,}"}
        )
    return rows


def _cells(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=delimiter))


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, _Columns] | None:
    """The first row that names a price and a prefix or country; titles may stand above it."""
    for number, row in enumerate(rows[:ABOVE_HEADER]):
        forms = [_form(cell) for cell in row]
        prices = [at for at, form in enumerate(forms) if _is_price(form)]
        prefix = next((at for at, form in enumerate(forms) if form in PREFIX_WORDS), None)
        country = next((at for at, form in enumerate(forms) if form in COUNTRY_WORDS), None)
        if not prices or (prefix is None and country is None):
            continue
        networks = [
            row[at].strip() for at, form in enumerate(forms) if any(stem in form for stem in NETWORK_STEMS)
        ]
        currency = next((at for at, form in enumerate(forms) if form in CURRENCY_WORDS), None)
        return number, _Columns(prices[0], prefix, country, currency, networks)
    return None


def _is_price(form: str) -> bool:
    return any(form.startswith(stem) for stem in PRICE_STEMS) or form.endswith(
        ("price", "rate", "cost", "preis")
    )


def _without_header(rows: Sequence[Sequence[str]]) -> _Columns:
    """By what is in it: the first column of prefixes or countries, the last one of prices."""
    sample = [row for row in rows if any(cell.strip() for cell in row)][:LOOKED_AT]
    width = max(map(len, sample))
    places = _mostly(sample, range(width), lambda cell: bool(_places(cell)[0]))
    prices = _mostly(sample, range(width), lambda cell: bool(_AMOUNT.fullmatch(cell)))
    prices = [at for at in prices if at not in places[:1]]
    if not places or not prices:
        raise _refused(
            _(
                "No column of prefixes (or countries) and prices was found. Name them in the first row, such as"
                " “prefix;price”."
            )
        )
    is_prefix = sum(row[places[0]].strip().lstrip("+").isdigit() for row in sample if len(row) > places[0])
    prefix, country = (places[0], None) if is_prefix else (None, places[0])
    return _Columns(prices[-1], prefix, country)


def _mostly(sample: Sequence[Sequence[str]], places: Iterable[int], fits: Callable[[str], bool]) -> list[int]:
    """Columns in which it is so for four of five cells."""
    return [
        at
        for at in places
        if sum(len(row) > at and fits(row[at].strip()) for row in sample) >= 0.8 * len(sample)
    ]


# --- rows ----------------------------------------------------------------------------------------------


class _Reading:
    """One pass over the rows."""

    def __init__(
        self, columns: _Columns, currency: str, head: Sequence[str], rows: Sequence[Sequence[str]], first: int
    ) -> None:
        self.columns = columns
        self.currency = currency
        # In the header, "Price (EUR)" speaks for all rows.
        self.head_currency = _currency_in(head[columns.price]) if head else ""
        self.lines = [
            (number, row)
            for number, row in enumerate(rows[first:], start=first + 1)
            if any(cell.strip() for cell in row)
        ]
        self.comma = _is_decimal_comma([columns.cell(row, columns.price) for _number, row in self.lines])
        self.rates: dict[str, Decimal] = {}
        self.seen_in: dict[str, int] = {}
        self.bad_rows: list[BadRow] = []
        self.doubles: list[BadRow] = []
        self.rounded = 0
        self.repeated = 0

    def result(self) -> RateFile:
        for number, row in self.lines:
            try:
                self._read(number, row)
            except ProviderAccountError as error:
                self.bad_rows.append(BadRow(number, str(error.sentence)))
        return RateFile(self.rates, self.bad_rows, self.doubles, list(self._notes()))

    def _read(self, number: int, row: Sequence[str]) -> None:
        columns = self.columns
        written = columns.cell(row, columns.prefix) or columns.cell(row, columns.country)
        prefixes, problem = _places(written)
        if problem:
            raise _refused(problem)
        price = self._price(columns.cell(row, columns.price), columns.cell(row, columns.currency))
        for prefix in prefixes:
            self._keep(number, prefix, price)

    def _price(self, written: str, currency: str) -> Decimal:
        if not written:
            raise _refused(_("It has no price."))
        found = _AMOUNT.fullmatch(written)
        words = _currency_in(currency) or (found and _currency_in(found[1] + found[3])) or self.head_currency
        if words and words != self.currency:
            raise _refused(
                _("The price “%(price)s” is in %(theirs)s; the account charges in %(ours)s.")
                % {"price": written[:40], "theirs": words, "ours": self.currency}
            )
        amount = _amount(found[2], "," if self.comma else ".") if found else None
        if amount is None or amount < 0:
            return clean_price(written)
        exact = amount.quantize(_STEP, ROUND_UP)
        self.rounded += exact != amount
        return clean_price(exact)

    def _keep(self, number: int, prefix: str, price: Decimal) -> None:
        known = self.rates.get(prefix)
        if known is None:
            self.rates[prefix], self.seen_in[prefix] = price, number
        elif known == price:
            self.repeated += 1
        else:
            sentence = _(
                "+%(prefix)s has another price in row %(row)s: %(one)s and %(two)s. The higher one counts."
            )
            values = {"prefix": prefix, "row": self.seen_in[prefix], "one": known, "two": price}
            self.doubles.append(BadRow(number, sentence % values))
            if price > known:
                self.rates[prefix], self.seen_in[prefix] = price, number

    def _notes(self) -> Iterable[str]:
        if self.columns.ignored:
            names = ", ".join(f"“{name[:40]}”" for name in self.columns.ignored[:10])
            yield _("Not used: %(names)s. A network cannot be told by the number.") % {"names": names}
        if self.repeated:
            yield ngettext(
                "%(n)s row repeats a prefix with the same price.",
                "%(n)s rows repeat a prefix with the same price.",
                self.repeated,
            ) % {"n": f"{self.repeated:,}"}
        if self.rounded:
            yield ngettext(
                "%(n)s price has more than five decimals and is rounded up.",
                "%(n)s prices have more than five decimals and are rounded up.",
                self.rounded,
            ) % {"n": f"{self.rounded:,}"}


def _places(written: str) -> tuple[tuple[str, ...], str]:
    """The prefixes that a cell stands for, and why there are none."""
    if not written:
        return (), _("It has no prefix.")
    if any(char.isalpha() for char in written):
        country = country_named(written)
        if not country:
            return (), _("“%(words)s” is no country that is known here: write its prefix.") % {
                "words": written[:40]
            }
        found = prefixes_of(country)
        if not found:
            return (), _(
                "%(words)s shares its country code with others and has no beginning of its own: write its prefixes."
            ) % {"words": written[:40]}
        return found, ""
    digits = re.sub(r"[\s().\u2011-]", "", written)
    try:
        return (clean_prefix(digits.removeprefix("00")),), ""
    except ProviderAccountError:
        try:
            return (clean_prefix(written),), ""
        except ProviderAccountError as error:
            return (), str(error.sentence)


def _currency_in(words: str) -> str:
    """A code or a sign; "" for none, and for a dollar sign, which many have."""
    codes = [code for code in _CODE.findall(words.upper()) if code in CURRENCIES]
    return codes[0] if codes else next((code for sign, code in SIGNS.items() if sign in words.lower()), "")


def _is_decimal_comma(cells: Iterable[str]) -> bool:
    """By which sign stands last in most prices."""
    last = Counter(max(".,", key=cell.rfind) for cell in cells if "." in cell or "," in cell)
    return last[","] > last["."]


def _amount(written: str, decimal: str) -> Decimal | None:
    """None for what is neither a number nor groups of three digits."""
    bare = re.sub(r"[' \u00a0\u202f]", "", written)
    whole, point, rest = bare.partition(decimal)
    if _GROUPED[decimal].fullmatch(whole):
        whole = re.sub(r"[.,]", "", whole)
    try:
        return Decimal(f"{whole}{'.' if point else ''}{rest}")
    except InvalidOperation:
        return None


def _form(name: str) -> str:
    """Without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if char.isalnum())


def _refused(sentence: str) -> ProviderAccountError:
    return ProviderAccountError(sentence, field="file")
