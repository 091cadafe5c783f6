"""A rate card as a CSV file: what is read of it, and what is named by its row."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.services import ProviderAccountError, RateFile, read_rates
from providers.services.prefixes import clean_prefix


def read(text: str | bytes, currency: str = "USD") -> RateFile:
    return read_rates(text.encode() if isinstance(text, str) else text, currency=currency)


def rates(text: str | bytes, currency: str = "USD") -> dict[str, str]:
    found = read(text, currency)
    assert found.bad_rows == []
    return {prefix: f"{price:f}" for prefix, price in found.rates.items()}


def test_it_works() -> None:
    assert rates("prefix;price\n44;0.0385\n447;0.0362\n") == {"44": "0.03850", "447": "0.03620"}


@pytest.mark.parametrize(
    "text",
    [
        "prefix,price\n44,0.05\n1,0.1",
        "Prefix;Price\r\n44;0,05\r\n1;0,10\r\n",
        "Dial code\tRate\n+44\t0.05\n+1\t$0.10\n",
        "prefix|price\n44|0.05\n1|.10",
        "\ufeffVorwahl;Preis (USD)\n0044;0,05\n001;0,1\n",
        "Indicatif;Prix\n44;0,05\n1;0,10 USD\n",
        '"Prefijo";"Precio"\n"44";"0,05"\n"1";"0,10"\n',
        "Префикс;Цена\n44;0,05\n1;0,1\n",
        "קידומת,מחיר\n44,0.05\n1,0.1\n",
        "Country,Price\nUnited Kingdom,0.05\nUSA,0.1\n",
        "Land;Preis\nGB;0,05\nVereinigte Staaten;0,1\n",
        "Our prices\n\nvalid from 2026-11-01\nprefix,price\n44,0.05\n1,0.1\n",
        "44,0.05\n1,0.1\n",
        "United Kingdom;44;0,05\nUnited States;1;0,1\n",
        'prefix,price\n44,"0,05"\n1,"0,1"\n',
        "prefix,price,price currency\n44,0.05,USD\n1,0.1,USD\n",
    ],
)
def test_reads_every_usual_writing(text: str) -> None:
    assert rates(text) == {"44": "0.05000", "1": "0.10000"}
    assert rates(text.encode("utf-16")) == {"44": "0.05000", "1": "0.10000"}


def test_reads_code_pages() -> None:
    assert rates("Préfixe;Prix\n44;0,05\n".encode("cp1252")) == {"44": "0.05000"}
    assert rates("Pays;Prix\nCôte d'Ivoire;0,05\n".encode("cp1252")) == {"225": "0.05000"}


def test_a_price_of_zero_and_large_ones() -> None:
    text = "prefix;price\n1;0\n2;1.234,5\n3;0,00001\n4;1 000,5\n"
    assert rates(text) == {"1": "0.00000", "2": "1234.50000", "3": "0.00001", "4": "1000.50000"}


def test_networks_are_left_out_and_the_highest_price_counts() -> None:
    found = read(
        "Country,MCC,MNC,Network,Price\nGermany,262,01,A,0.06\nGermany,262,02,B,0.08\nGermany,262,03,C,0.07\n"
        "France,208,10,D,0.05\n"
    )
    assert found.rates == {"49": Decimal("0.08"), "33": Decimal("0.05")}
    assert found.notes == ["Not used: “MCC”, “MNC”, “Network”. A network cannot be told by the number."]
    assert [one.row for one in found.doubles] == [3, 4]
    assert "+49 has another price in row 2" in found.doubles[0].sentence


def test_a_repeated_price_is_only_counted() -> None:
    found = read("prefix;price\n44;0.05\n44;0.050\n")
    assert found.doubles == found.bad_rows == []
    assert found.notes == ["1 row repeats a prefix with the same price."]


def test_more_than_five_decimals_are_rounded_up() -> None:
    found = read("prefix;price\n44;0.0500001\n1;0.0070000000\n")
    assert found.rates == {"44": Decimal("0.05001"), "1": Decimal("0.007")}
    assert found.notes == ["1 price has more than five decimals and is rounded up."]


def test_countries_with_a_beginning_of_their_own() -> None:
    found = read("country,price\nKZ,0.1\nRU,0.2\nBahamas,0.3\nCanada,0.4\n")
    assert found.rates.keys() == {"77", "7", "1242"}
    assert [(one.row, "shares its country code" in one.sentence) for one in found.bad_rows] == [(5, True)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("044;0.05", "“044” is not the beginning of a number"),
        ("Atlantis;0.05", "“Atlantis” is no country"),
        (";0.05", "has no prefix"),
        ("44;", "has no price"),
        ("44", "has no price"),
        ("44;free", "“free” is not an amount"),
        ("44;-1", "“-1” is not an amount"),
        ("44;0,0,5", "“0,0,5” is not an amount"),
        ("44;1e9", "“1e9” is not an amount"),
        ("44;100000", "is not an amount"),
        ("44;0.05 EUR", "is in EUR; the account charges in USD"),
        ("44;€0.05", "is in EUR; the account charges in USD"),
        ("1234567890123456;0.05", "is not the beginning of a number"),
        ("４４;0.05", "is not the beginning of a number"),
    ],
)
def test_bad_rows_are_named(row: str, words: str) -> None:
    found = read(f"prefix;price\n1;0.01\n\n{row}\n33;0.04\n")
    assert found.rates == {"1": Decimal("0.01"), "33": Decimal("0.04")}
    assert [one.row for one in found.bad_rows] == [4]
    assert words in found.bad_rows[0].sentence


def test_a_header_in_another_currency_refuses_its_rows() -> None:
    found = read("prefix;Price EUR\n44;0.05\n")
    assert found.rates == {}
    assert "is in EUR" in found.bad_rows[0].sentence
    assert rates("prefix;Price EUR\n44;0.05\n", "EUR") == {"44": "0.05000"}


def test_decimal_point_and_comma_in_one_file_are_not_guessed() -> None:
    found = read("prefix;price\n1;0.01\n2;0.02\n44;0,05\n")
    assert found.rates == {"1": Decimal("0.01"), "2": Decimal("0.02")}
    assert "“0,05” is not an amount" in found.bad_rows[0].sentence


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04 a workbook", "is a workbook"),
        (b"prefix;price\n\x00\x00", "is no text"),
        (b"name;city\nAnn;Boston\n", "No column of prefixes"),
        (b"44\n1\n", "No column of prefixes"),
        (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MB"),
        (b"prefix;price\n" + b"1;1\n" * 50_000, "at most 50,000"),
        (b'prefix;price\n44;"' + b"x" * 200_000, "is no CSV"),
    ],
)
def test_refuses_what_is_no_rate_card(data: bytes, words: str) -> None:
    with pytest.raises(ProviderAccountError) as caught:
        read(data)
    assert caught.value.field == "file"
    assert words in str(caught.value.sentence)


@pytest.mark.parametrize(
    "row",
    ["1,0,005", '1,0,"005"', "1,0,,005", "1,0.1,,,x", " 1 , 0 , 005 "],
)
@pytest.mark.parametrize("head", ["prefix,price", "\ufeffprefix,price", "prefix,price,", '"prefix","price"'])
def test_a_row_with_more_cells_than_names_is_refused(head: str, row: str) -> None:
    found = read(f"{head}\n44,0.05,\n{row}\n33,0.04,,\n")
    assert found.rates == {"44": Decimal("0.05"), "33": Decimal("0.04")}
    assert [one.row for one in found.bad_rows] == [3]
    assert "more cells than there are columns with a name" in found.bad_rows[0].sentence


def test_more_cells_are_refused_with_every_delimiter() -> None:
    for delimiter in ",;\t|":
        text = "prefix,price\n1,0,005\n44,0,05\n".replace(",", delimiter)
        found = read(text)
        assert (found.rates, [one.row for one in found.bad_rows]) == ({}, [2, 3])


def test_a_cell_under_no_name_is_refused_wherever_it_stands() -> None:
    found = read("price,,prefix\n0,005,1\n0.05,,44\n")
    assert (found.rates, [one.row for one in found.bad_rows]) == ({"44": Decimal("0.05")}, [2])


def test_without_a_header_two_columns_of_numbers_are_not_guessed() -> None:
    with pytest.raises(ProviderAccountError, match="Several columns hold numbers"):
        read("1,0.5,0.005\n44,0.6,0.05\n")
    with pytest.raises(ProviderAccountError, match="Several columns hold numbers"):
        read("1,0,005\n44,0,05\n")
    found = read("1,0.1\n44,0.05\n33,0.04\n7,0,005\n")
    assert ([one.row for one in found.bad_rows], "7" in found.rates) == ([4], False)


def test_without_a_header_a_column_of_currencies_counts() -> None:
    found = read("44,0.05,EUR\n1,0.1,USD\n33,0.2,USD\n")
    assert found.rates.keys() == {"1", "33"}
    assert "is in EUR" in found.bad_rows[0].sentence


@pytest.mark.parametrize(
    "price",
    [
        "0.79 ct",
        "0.79¢",
        "0.79 cents",
        "XOF 5",
        "5 Rs",
        "Rs. 5",
        "5 Kč",
        "5 kr",
        "¥5",
        "R$ 5",
        "Ft 5",
        "A$5",
        "C$5",
        "10%",
        "0.01abc",
        "zzz0.03",
        "0.05 USD/100",
        "0.05 per SMS",
        "5 USDT",
        "USD 5 cents",
        "£5",
        "5-",
        "USD. 5",
        "0.05 3",
        "005",
        "1_0",
        "٥",
        "5,-",
        "99999999999999999999999999",
        "0.99999999999999999999999999999999999e9",
        "9" * 5000,
    ],
)
def test_what_stands_beside_a_price_is_not_dropped(price: str) -> None:
    found = read(f"prefix;price\n2;0.01\n3;0.01\n1;{price}\n")
    assert [one.row for one in found.bad_rows] == [4]
    assert f"“{price[:40]}”" in found.bad_rows[0].sentence
    assert found.rates.keys() == {"2", "3"}


def test_the_words_beside_a_price_are_named() -> None:
    (cents,) = read("prefix;price\n1;0.79 ct\n").bad_rows
    assert cents.sentence == (
        "Of the price “0.79 ct” it is said “ct”, which is not USD. Write it in USD, as a number alone."
    )
    (francs,) = read("prefix;price\n1;XOF 5\n").bad_rows
    assert francs.sentence == "The price “XOF 5” is in XOF; the account charges in USD."


@pytest.mark.parametrize(
    ("price", "currency"),
    [
        ("0.05 USD", "USD"),
        ("usd 0.05", "USD"),
        ("$0.05", "USD"),
        ("US$ 0.05 USD", "USD"),
        ("0.05\u00a0€", "EUR"),
        ("€.05", "EUR"),
        ("£0.05", "GBP"),
        ("A$0.05", "AUD"),
        ("R$ 0,05", "BRL"),
        ("0,05 Kč", "CZK"),
        ("0.05 XOF", "XOF"),
        ("¥0.05", "JPY"),
    ],
)
def test_the_accounts_own_currency_may_stand_there(price: str, currency: str) -> None:
    assert rates(f"prefix;price\n1;{price}\n", currency) == {"1": "0.05000"}


@pytest.mark.parametrize(
    ("price", "currency"), [("$5", "AUD"), ("5 kr", "SEK"), ("¥5", "CNY"), ("USD 5", "CAD"), ("5 €", "USD")]
)
def test_a_sign_that_may_be_anothers_is_refused(price: str, currency: str) -> None:
    assert read(f"prefix;price\n1;{price}\n", currency).rates == {}


@pytest.mark.parametrize(
    "head",
    [
        "Price (ct)",
        "Price in cents",
        "Rate XOF",
        "priceEUR",
        "price_eur",
        "Price, A$",
        "Price per 1,000",
        "Cost (kr)",
    ],
)
def test_a_unit_in_the_name_of_the_column_refuses_its_rows(head: str) -> None:
    found = read(f"prefix;{head}\n1;0.05\n")
    assert (found.rates, [one.row for one in found.bad_rows]) == ({}, [2])


def test_the_row_counts_more_than_the_currency_of_the_columns_name() -> None:
    assert rates("prefix;Price EUR\n1;0.05 USD\n") == {"1": "0.05000"}
    assert rates("prefix;Price (USD) per part\n1;0.05\n") == {"1": "0.05000"}
    assert read("prefix;Price (ct)\n1;0.05 USD\n").rates == {}


@pytest.mark.parametrize("currency", ["EUR", "XOF", "A$", "US Dollar", "cents"])
def test_a_column_of_currencies_is_read_word_for_word(currency: str) -> None:
    assert read(f"prefix,price,currency\n1,0.05,{currency}\n").rates == {}


@pytest.mark.parametrize(
    "prefix",
    [
        "1.5",
        "1-1-2020",
        "2020-01-01",
        "1/1/2020",
        "1-2020",
        "1 1 2020",
        "31-12-99",
        "-44",
        "44-",
        "4,4",
        "1+2",
        "()",
        "#1",
    ],
)
def test_what_is_no_prefix_is_refused(prefix: str) -> None:
    found = read(f"prefix;price\n33;0.01\n{prefix};0.05\n")
    assert found.rates.keys() == {"33"}
    assert f"The prefix “{prefix}” is not the beginning of a number" in found.bad_rows[0].sentence


def test_groups_of_digits_make_a_prefix() -> None:
    text = "prefix;price\n+1 (201);1\n1-202;1\n44 7700;1\n0044 20;1\n44-7701;1\n0044-7702;1\n"
    assert list(rates(text)) == ["1201", "1202", "447700", "4420", "447701", "447702"]


@pytest.mark.parametrize(
    "prefix",
    [
        "4470-4479",
        "4470-79",
        "44 7700-79",
        "+44-7700-79",
        "1 201-9",
        "+1-242-1-246",
        "+1 (242) (246)",
        "+33 6 7",
        "447700-99",
        "4470 4479",
        "1-201-202",
        "1-242-1-246",
        "44(7700)(7799)",
        "447700 - 447799",
        "1201-1202",
        "44 (7700-7799)",
        "44 7700 - 44 7799",
        "44-7700-7799",
        "4470\u20114479",
        "20-79",
        "1-2",
    ],
)
def test_what_may_be_a_range_is_refused(prefix: str) -> None:
    found = read(f"prefix;price\n33;0.01\n{prefix};0.05\n")
    assert found.rates.keys() == {"33"}
    assert f"“{prefix}” may be a range: write each prefix in a row of its own" in found.bad_rows[0].sentence


def test_two_columns_of_prices_are_refused() -> None:
    with pytest.raises(ProviderAccountError) as caught:
        read("prefix,Price,New rate\n1,0.1,0.2\n")
    assert "“Price” and “New rate”" in str(caught.value.sentence)
    with pytest.raises(ProviderAccountError, match="“price” and “price”"):
        read("prefix,price,price\n1,,0.2\n44,0.1,\n")


def test_a_column_that_only_sounds_like_prices_is_not_one() -> None:
    found = read("prefix,rate plan,price\n1,Gold,0.2\n")
    assert found.rates == {"1": Decimal("0.2")}
    assert found.notes == ["Not used: “rate plan”. All prices count from the import on."]


def test_every_column_that_is_not_used_is_named() -> None:
    found = read("prefix,price,valid_from,MCC,note\n1,0.2,2027-01-01,310,x\n")
    assert found.notes == [
        "Not used: “MCC”. A network cannot be told by the number.",
        "Not used: “valid_from”, “note”. All prices count from the import on.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "prefix,price,note\n1,0,005,\n44,0,05,\n",
        "prefix,price,note\n1,0,005\n44,0,05\n",
        "prefix,price,mcc\n1,0,005\n44,0,05\n",
        "prefix,price,valid_from\n1,1,25\n44,2,5\n",
    ],
)
def test_a_decimal_comma_that_cuts_a_price_in_two_is_told(text: str) -> None:
    found = read_rates(text.encode(), currency="USD")
    assert found.rates == {}
    assert [bad.row for bad in found.bad_rows] == [2, 3]
    assert "may be one price with a decimal comma" in found.bad_rows[0].sentence


def test_digits_of_a_network_behind_a_whole_price_are_none() -> None:
    found = read_rates(b"prefix,price,mcc\n1,5,310\n", currency="USD")
    assert found.rates == {"1": Decimal("5")}


@pytest.mark.parametrize("text", [",,,\n,,,\n", ";;;\r\n;;;\r\n", '""\n', '"","",""\n', " \t \n"])
def test_a_file_of_empty_cells_is_empty(text: str) -> None:
    with pytest.raises(ProviderAccountError, match="The file is empty"):
        read(text)


def test_a_nought_for_callers_at_home_is_no_part_of_a_prefix() -> None:
    [bad] = read("prefix;price\n+44 (0)7700;0.05\n").bad_rows
    assert bad.sentence.startswith("Leave (0) out of the prefix “+44 (0)7700”")


@pytest.mark.parametrize("written", ["y", "ÿ", "ß", "\x81\x8d\xff"])
def test_a_single_letter_is_no_country(written: str) -> None:
    [bad] = read(f"country;price\nItaly;0.05\n{written};1\n").bad_rows
    assert "is no country that is known here" in bad.sentence


@pytest.mark.parametrize("name", ["prefix_end", "To code", "End prefix", "Range end"])
def test_a_column_that_makes_ranges_is_refused(name: str) -> None:
    with pytest.raises(ProviderAccountError, match="makes ranges of the prefixes"):
        read(f"prefix;{name};price\n4470;4479;0.05\n")


@pytest.mark.parametrize(
    ("unit", "is_taken"), [("cent", False), ("Cents / SMS", False), ("SMS", True), ("", True)]
)
def test_a_column_of_units_is_read(unit: str, is_taken: bool) -> None:
    found = read(f"prefix;price;unit\n44;5;{unit}\n")
    assert bool(found.rates) == is_taken
    assert bool(found.bad_rows) != is_taken


def test_a_price_that_is_too_high_once_rounded_is_told_as_it_stands_there() -> None:
    [bad] = read("prefix;price\n44;99999.999999\n").bad_rows
    assert "99999.999999" in bad.sentence


@pytest.mark.parametrize("prefix", ["4470 4479", "1 201 202", "4470-4479", "+44 (0)7700", "44_7", "४४"])
def test_a_prefix_by_itself_is_read_as_in_a_file(prefix: str) -> None:
    with pytest.raises(ProviderAccountError):
        clean_prefix(prefix)
    [bad] = read(f"prefix;price\n1;0.05\n{prefix};0.05\n").bad_rows
    assert prefix in bad.sentence


@pytest.mark.parametrize("prefix", ["44 7700", "0044 7700", "+44 (7700)", "44-7700"])
def test_prefixes_are_taken_alike(prefix: str) -> None:
    assert clean_prefix(prefix) == "447700"
    assert rates(f"prefix;price\n{prefix};0.05\n") == {"447700": "0.05000"}
