"""contacts.files.parsing: clean rows, or the reason why not."""

import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.files.formats import Format
from contacts.files.parsing import Chunk, Parser, Plan
from contacts.files.reading import read_records
from contacts.problems import describe, store


def keep(digits: str, country: str, kind: str, values: list[str]) -> Any:
    return digits, country, values


def parse(text: str, *mapping: str, limit: int = 1000, **options: Any) -> Chunk:
    plan = Plan(mapping, **{"default_country": "US", **options})
    return Parser(plan, keep).take(read_records(io.StringIO(text, newline=""), Format()), limit)


def codes(chunk: Chunk) -> dict[str, list[int]]:
    return {code: problem.rows for code, problem in chunk.problems.items()}


def test_it_works() -> None:
    text = "who,mail,tel,town\n Ann ,ann@example.com,(201) 555-0100,Leeds\nBob,,+44 7400 123456,\n"
    chunk = parse(text, "first_name", "email", "msisdn", "extra:city")
    assert chunk.items == [
        ("12015550100", "US", ["Ann", "ann@example.com", '{"city": "Leeds"}']),
        ("447400123456", "GB", ["Bob", "", "{}"]),
    ]
    assert (chunk.rows, chunk.duplicate, chunk.refused, chunk.cut) == (2, 0, 0, 0)


def test_values_come_in_the_tables_order_whatever_the_files() -> None:
    chunk = parse("a,b,c\nLee,+12015550100,Ann\n", "last_name", "msisdn", "first_name")
    assert chunk.items == [("12015550100", "US", ["Ann", "Lee"])]


def test_numbers_that_are_no_mobiles_are_noticed_and_taken() -> None:
    text = "+12015550100\n+442079460000\n+19002345678\n+442079460001\n+442079460001\n+447400123456\n"
    plan = Plan(("msisdn",), has_header=False)
    kinds: list[str] = []
    parser = Parser(plan, lambda _digits, _country, kind, _values: kinds.append(kind))
    chunk = parser.take(read_records(io.StringIO(text), Format()), 9)
    assert kinds == ["fixed_line_or_mobile", "fixed_line", "premium_rate", "fixed_line", "mobile"]
    assert codes(chunk) == {"kind:fixed_line": [2, 4], "kind:premium_rate": [3]}
    assert (chunk.refused, chunk.duplicate) == (0, 1)
    told = describe(store(chunk.problems))
    assert {one.effect for one in told} == {"noticed"}
    assert "landline" in told[0].sentence
    assert "premium rate" in told[1].sentence


def test_the_first_readable_number_counts() -> None:
    rows = [
        "work,mobile,home",
        "+12015550100,+12015550101,",
        ",+12015550102,",
        "n/a,,+12015550103",
        ",x,",
        "4.91E+11,n/a,",
        ",,",
        "n/a,+12015550100,",
    ]
    chunk = parse("\n".join(rows) + "\n", "msisdn", "msisdn:2", "msisdn:3")
    assert [item[0][-3:] for item in chunk.items] == ["100", "102", "103"]
    assert (chunk.rows, chunk.refused, chunk.duplicate, chunk.other_number) == (6, 2, 1, 3)
    assert codes(chunk) == {"letters": [5], "scientific": [6]}
    too_long = parse(f"a,b,c\n,+12015550100,{'x' * 51}\n", "msisdn", "msisdn:2", "first_name")
    assert (too_long.refused, too_long.other_number) == (1, 0)


def test_a_whole_name_becomes_two() -> None:
    text = f"name,phone,mail\nJan van der Berg,+12015550100,j@x.nl\n{'x' * 45} {'y' * 45},+12015550101,\n"
    chunk = parse(text, "whole_name", "msisdn", "email")
    assert [item[2] for item in chunk.items] == [
        ["Jan", "van der Berg", "j@x.nl"],
        ["x" * 45, "y" * 45, ""],
    ]
    assert codes(parse(f"n,p\n{'x' * 51},+12015550100\n", "whole_name", "msisdn")) == {
        "too_long:first_name": [2]
    }


def test_only_numbers_will_do() -> None:
    assert parse("+12015550100\n", "msisdn", has_header=False).items == [("12015550100", "US", [])]


def test_each_refused_row_has_its_reason_and_number() -> None:
    long_name = "x" * 51
    rows = [
        "phone,name,zone",
        "+12015550100,Ann,Europe/London",
        "4.91512E+11,a,",
        ",Bob,",
        "",
        ",,",
        "+12015550101,Ann,",
        "(201) 555-0101,Twice,",
        "+12015550102,a,,,more",
        f"+12015550103,{long_name},",
        '+12015550104,"two\nlines",',
        "+12015550105,a\x00b,",
        "+12015550106,\udcff,",
        "+12015550107,Ann,Mars/Olympus",
        "+12015550108",
        "123,x,",
    ]
    chunk = parse("\n".join(rows) + "\n", "msisdn", "first_name", "time_zone")
    assert codes(chunk) == {
        "scientific": [3],
        "empty": [4],
        "too_many_cells": [9],
        "too_long:first_name": [10],
        "line_break": [11],
        "nul": [12],
        "encoding": [13],
        "time_zone": [14],
        "too_short": [16],
    }
    assert [item[0] for item in chunk.items] == ["12015550100", "12015550101", "12015550108"]
    assert (chunk.rows, chunk.duplicate, chunk.refused) == (13, 1, 9)
    told = describe(store(chunk.problems))
    assert all(one.sentence.endswith(".") and one.remedy for one in told)


def test_long_values_are_cut_where_that_is_allowed() -> None:
    text = "phone,name,note\n+12015550100," + "x" * 60 + "," + "y" * 5001 + "\n"
    chunk = parse(text, "msisdn", "first_name", "custom", truncate=True)
    assert chunk.items == [("12015550100", "US", ["x" * 50, "y" * 5000])]
    assert (chunk.cut, chunk.refused) == (1, 0)
    assert codes(chunk) == {"cut:first_name": [2], "cut:custom": [2]}


def test_custom_values_may_hold_line_breaks() -> None:
    chunk = parse('p,c,d\n+12015550100,"a\nb","c\nd"\n', "msisdn", "custom1", "extra:note")
    assert chunk.items == [("12015550100", "US", ["a\nb", '{"note": "c\\nd"}'])]


def test_a_refused_row_does_not_make_the_next_one_a_duplicate() -> None:
    chunk = parse("p,n\n+12015550100," + "x" * 51 + "\n+12015550100,Ann\n", "msisdn", "first_name")
    assert (len(chunk.items), chunk.duplicate, chunk.refused) == (1, 0, 1)


def test_numbers_follow_the_default_country() -> None:
    assert codes(parse("p\n07400 123456\n", "msisdn", default_country="")) == {"no_country": [2]}
    assert parse("p\n07400 123456\n", "msisdn", default_country="GB").items[0][:2] == ("447400123456", "GB")


def test_chunks_go_on_where_the_last_one_ended() -> None:
    text = "p\n" + "".join(f"+1201555010{n}\n" for n in range(7)) + "+12015550100\n"
    records = read_records(io.StringIO(text, newline=""), Format())
    parser = Parser(Plan(("msisdn",)), keep)
    chunks = [parser.take(records, 3) for _ in range(4)]
    assert [(chunk.rows, len(chunk.items), chunk.duplicate) for chunk in chunks] == [
        (3, 3, 0),
        (3, 3, 0),
        (2, 1, 1),
        (0, 0, 0),
    ]


def test_refused_rows_are_handed_on_as_they_were() -> None:
    refused: list[Any] = []
    plan = Plan(("msisdn", "first_name"))
    parser = Parser(plan, keep, on_refused=lambda row, cells, why: refused.append((row, list(cells), why)))
    text = 'p,n\nx, Ann\n1,"open\n'
    parser.take(read_records(io.StringIO(text, newline=""), Format()), 100)
    assert refused == [
        (2, ["x", "Ann"], "“x” holds letters: write the number in digits, without a name."),
        (
            3,
            ["1", "open"],
            "A quotation mark is opened and not closed. It begins with “1”. "
            "Close it, or write it twice where it belongs to the value.",
        ),
    ]


cells = st.one_of(
    st.sampled_from(
        [
            "+12015550100",
            "+12015550101",
            "(201) 555-0102",
            "4.91512E+11",
            "n/a",
            "",
            "2024-05-01",
            "=1+1",
            "\x00",
        ]
    ),
    st.text(max_size=60),
)


@settings(deadline=None)
@given(
    st.lists(st.lists(cells, max_size=5), max_size=40),
    st.sampled_from(["", "US", "GB"]),
    st.booleans(),
    st.sampled_from([",", ";"]),
    st.integers(1, 7),
)
def test_every_row_is_accounted_for(
    rows: list[list[str]], country: str, truncate: bool, delimiter: str, limit: int
) -> None:
    """Any cells joined by hand, so that quotes and line breaks fall where they may."""
    text = "\n".join(delimiter.join(row) for row in rows)
    plan = Plan(("msisdn", "first_name", "extra:city"), country, truncate, has_header=False)
    records = read_records(io.StringIO(text, newline=""), Format("utf-8", delimiter))
    parser = Parser(plan, keep)
    numbers = []
    while (chunk := parser.take(records, limit)).rows:
        assert chunk.rows == len(chunk.items) + chunk.duplicate + chunk.refused <= limit
        refused = sum(
            one.count for code, one in chunk.problems.items() if not code.startswith(("cut:", "kind:"))
        )
        assert refused == chunk.refused
        numbers += [digits for digits, _country, _values in chunk.items]
        assert all("\x00" not in value for _d, _c, values in chunk.items for value in values)
    assert len(numbers) == len(set(numbers))
    assert not list(records)
