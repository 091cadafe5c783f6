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
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.services.amounts import (
    UNITS,
    amount_of,
    currency_of,
    is_amount,
    is_decimal_comma,
    odd_word,
    odd_word_of_name,
    taken_apart,
)
from providers.services.prefixes import clean_prefix, looks_like_prefix
from providers.services.prices import PRICE_BELOW, PRICE_DECIMALS, clean_price
from providers.services.refusals import ProviderAccountError
from sms.country_prefixes import country_named, prefixes_of

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 50_000
# So many rows are looked at to find the delimiter, and so many may stand above the header.
LOOKED_AT = 50
ABOVE_HEADER = 10
DELIMITERS = ";\t|,"
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_SPACES = re.compile(r"[\s/]+")


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
    currency currencycode curr cur ccy
    wahrung devise monnaie moneda divisa valuta moeda waluta valuutta валюта מטבע عملة 货币 通貨 통화
""")
# Of columns that say where a range of prefixes ends, and of those that say what a price is for.
END_WORDS = _words("""
    prefixend endprefix prefixto toprefix prefixlast lastprefix rangeend endrange rangeto torange codeend endcode tocode
    codeto dialcodeend enddialcode todialcode dialcodeto
""")
UNIT_WORDS = _words("unit units priceunit unitofprice einheit preiseinheit unite unidad unita unidade")
NETWORK_STEMS = _words("mcc mnc network operator operateur operador operatore carrier netz reseau")


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
    """Places of the columns that are read. `width`: so many cells a row has at most.

    Of a file with a header `names` has the name of each place; those of networks and all others are not read.
    """

    price: int
    prefix: int | None = None
    country: int | None = None
    currency: int | None = None
    unit: int | None = None
    width: int = 0
    names: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    # Commas stand between the cells: a decimal comma would cut a price in two.
    may_cut: bool = False

    def cell(self, row: Sequence[str], place: int | None) -> str:
        return row[place].strip() if place is not None and place < len(row) else ""

    def is_cut(self, row: Sequence[str]) -> bool:
        """Whether price and next cell may be the two halves of one: 0,005 is a whole number and digits. Of a network's
        digits only where the price would be nothing."""
        after = self.price + 1
        if not self.may_cut or after in (self.prefix, self.country, self.currency):
            return False
        price, rest = self.cell(row, self.price), self.cell(row, after)
        if not (price.isascii() and price.isdigit() and rest.isascii() and rest.isdigit()):
            return False
        is_network = after < len(self.names) and self.names[after] in self.networks
        return not is_network or not price.strip("0")

    def is_over(self, row: Sequence[str]) -> bool:
        """Whether something stands where no column is: a decimal comma makes two cells of one."""
        nameless = (at for at, name in enumerate(self.names) if not name)
        return any(self.cell(row, at) for at in (*nameless, *range(self.width, len(row))))


def read_rates(data: bytes, *, currency: str) -> RateFile:
    """`currency`: the account's. Raises ProviderAccountError where the file cannot be read at all."""
    text = _decoded(data)
    rows, delimiter = _rows(text)
    if not any(cell.strip() for row in rows for cell in row):
        raise _nothing_in_it()
    found = _header(rows)
    columns, first = (found[1], found[0] + 1) if found else (_without_header(rows), 0)
    columns.may_cut = delimiter == ","
    return _Reading(columns, currency, rows, first).result()


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
        raise _nothing_in_it()
    return text


def _nothing_in_it() -> ProviderAccountError:
    return _refused(_("The file is empty. Choose one with a column of prefixes and one of prices."))


def _rows(text: str) -> tuple[list[list[str]], str]:
    """And what stands between their cells."""
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
    return rows, delimiter


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
        names = tuple(cell.strip() for cell in row)
        price = _only_price(prices, names, rows[number + 1 :])
        currency = next((at for at, form in enumerate(forms) if _is_currency(form)), None)
        unit = next((at for at, form in enumerate(forms) if form in UNIT_WORDS), None)
        unread = [at for at in range(len(row)) if at not in (price, prefix, country, currency, unit)]
        _refuse_ranges([names[at] for at in unread if forms[at] in END_WORDS])
        networks = [at for at in unread if any(stem in forms[at] for stem in NETWORK_STEMS)]
        return number, _Columns(
            price,
            prefix,
            country,
            currency,
            unit,
            width=len(row),
            names=names,
            networks=tuple(names[at] for at in networks),
            others=tuple(names[at] for at in unread if names[at] and at not in networks),
        )
    return None


def _refuse_ranges(names: Sequence[str]) -> None:
    if names:
        raise _refused(
            _(
                "The column “%(name)s” makes ranges of the prefixes: write each prefix in a row of its own, or the beginning"
                " that all of a range have."
            )
            % {"name": names[0][:40]}
        )


def _only_price(prices: Sequence[int], names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Of columns that are named like prices the one with amounts in it. Raises ProviderAccountError: there are more."""
    if len(prices) == 1:
        return prices[0]
    filled = [at for at in prices if any(at < len(row) and is_amount(row[at]) for row in rows)]
    if len(filled) > 1:
        words = {"one": names[filled[0]][:40], "two": names[filled[1]][:40]}
        raise _refused(
            _(
                "Two columns hold prices, “%(one)s” and “%(two)s”: leave the one that counts, and take the other out of"
                " the file."
            )
            % words
        )
    return filled[0] if filled else prices[0]


def _is_price(form: str) -> bool:
    if _is_currency(form):
        return False
    return any(form.startswith(stem) for stem in PRICE_STEMS) or form.endswith(
        ("price", "rate", "cost", "preis")
    )


def _is_currency(form: str) -> bool:
    """`currency`, and `price currency`."""
    return form in CURRENCY_WORDS or any(
        form == f"{stem}{word}" for stem in PRICE_STEMS for word in CURRENCY_WORDS
    )


def _without_header(rows: Sequence[Sequence[str]]) -> _Columns:
    """By what is in it: a column of prefixes or else of countries, and the only other one of amounts."""
    sample = [row for row in rows if any(cell.strip() for cell in row)][:LOOKED_AT]
    width = max(map(len, sample))
    places = _mostly(sample, range(width), lambda cell: bool(_places(cell)[0]))
    numbers = _mostly(sample, places, lambda cell: looks_like_prefix(cell))
    chosen = (numbers or places)[:1]
    prices = [at for at in _mostly(sample, range(width), _is_number) if at not in chosen]
    if len(prices) > 1:
        raise _refused(
            _(
                "Several columns hold numbers, and none says which are the prices. Name them in the first row, such as"
                " “prefix;price”."
            )
        )
    if not chosen or not prices:
        raise _refused(
            _(
                "No column of prefixes (or countries) and prices was found. Name them in the first row, such as"
                " “prefix;price”."
            )
        )
    prefix, country = (chosen[0], None) if numbers else (None, chosen[0])
    currency = _mostly(sample, range(width), lambda cell: bool(currency_of(cell)))
    usual = Counter(_length(row) for row in sample).most_common(1)[0][0]
    return _Columns(prices[0], prefix, country, currency[0] if currency else None, width=usual)


def _is_number(cell: str) -> bool:
    """An amount, or the part of one that a decimal comma cut off."""
    return is_amount(cell) or (cell.isascii() and cell.isdigit())


def _length(row: Sequence[str]) -> int:
    """Without the empty cells at its end."""
    return max((at for at, cell in enumerate(row, start=1) if cell.strip()), default=0)


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

    def __init__(self, columns: _Columns, currency: str, rows: Sequence[Sequence[str]], first: int) -> None:
        self.columns = columns
        self.currency = currency
        # In the header, "Price (EUR)" and "Price in cents" speak for all rows.
        self.name = columns.names[columns.price] if columns.names else ""
        self.odd_name = odd_word_of_name(self.name, currency)
        self.lines = [
            (number, row)
            for number, row in enumerate(rows[first:], start=first + 1)
            if any(cell.strip() for cell in row)
        ]
        self.comma = is_decimal_comma([columns.cell(row, columns.price) for _number, row in self.lines])
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
        if columns.is_over(row):
            raise _refused(
                _(
                    "It has more cells than there are columns with a name. A comma inside a price needs quotation marks"
                    " around the cell, or semicolons between the columns; any other column needs a name in the first row."
                )
            )
        if columns.is_cut(row):
            halves = {"price": columns.cell(row, columns.price), "rest": columns.cell(row, columns.price + 1)}
            raise _refused(
                _(
                    "“%(price)s” and “%(rest)s” may be one price with a decimal comma: put quotation marks around it, or"
                    " write it with a point, such as %(price)s.%(rest)s or %(price)s.00."
                )
                % halves
            )
        written = columns.cell(row, columns.prefix) or columns.cell(row, columns.country)
        prefixes, problem = _places(written)
        if problem:
            raise _refused(problem)
        written = columns.cell(row, columns.price)
        price = self._price(written, columns.cell(row, columns.currency))
        if (unit := columns.cell(row, columns.unit)) and set(_SPACES.split(unit.casefold())) & UNITS:
            raise self._not_ours(written, unit)
        for prefix in prefixes:
            self._keep(number, prefix, price)

    def _price(self, written: str, currency: str) -> Decimal:
        if not written:
            raise _refused(_("It has no price."))
        found = taken_apart(written)
        amount = amount_of(found.number, "," if self.comma else ".") if found else None
        if found is None or amount is None or amount >= PRICE_BELOW:
            raise _refused(
                _("The price “%(price)s” is not an amount of up to five decimals: write it like 0.0079.")
                % {"price": written[:40]}
            )
        self._require_own_currency(written, found.beside, currency)
        exact = amount.quantize(_STEP, ROUND_UP)
        self.rounded += exact != amount
        return clean_price(exact if exact < PRICE_BELOW else amount)

    def _require_own_currency(self, written: str, beside: Sequence[str], currency: str) -> None:
        """Raises ProviderAccountError. What stands in the row counts more than the currency in the column's name."""
        odd = odd_word([*beside, currency] if currency else beside, self.currency)
        if not odd and self.odd_name and not (currency_of(self.odd_name) and (beside or currency)):
            odd = self.odd_name
        if not odd:
            return
        if theirs := currency_of(odd):
            raise _refused(
                _("The price “%(price)s” is in %(theirs)s; the account charges in %(ours)s.")
                % {"price": written[:40], "theirs": theirs, "ours": self.currency}
            )
        raise self._not_ours(written, odd)

    def _not_ours(self, written: str, words: str) -> ProviderAccountError:
        return _refused(
            _(
                "Of the price “%(price)s” it is said “%(words)s”, which is not %(ours)s. Write it in %(ours)s, as a"
                " number alone."
            )
            % {"price": written[:40], "words": words[:40], "ours": self.currency}
        )

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
        if self.columns.networks:
            yield _("Not used: %(names)s. A network cannot be told by the number.") % {
                "names": _quoted(self.columns.networks)
            }
        if self.columns.others:
            yield _("Not used: %(names)s. All prices count from the import on.") % {
                "names": _quoted(self.columns.others)
            }
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
    try:
        return (clean_prefix(written),), ""
    except ProviderAccountError as error:
        return (), str(error.sentence)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name[:40]}”" for name in names[:10])


def _form(name: str) -> str:
    """Without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if char.isalnum())


def _refused(sentence: str) -> ProviderAccountError:
    return ProviderAccountError(sentence, field="file")
