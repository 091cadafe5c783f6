"""contacts.files.reading: records, whatever the quotation marks do."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.files import reading
from contacts.files.formats import Format
from contacts.files.parsing import Parser, Plan
from contacts.files.reading import Broken, Record, read_records


def read(text: str, delimiter: str = ",", quote: str = '"') -> list[Record]:
    return list(read_records(io.StringIO(text, newline=""), Format("utf-8", delimiter, quote)))


def test_it_works() -> None:
    assert read('a,b\r\n"x, y", "z"\r\n\r\n1,"two\nlines"\n') == [
        ["a", "b"],
        ["x, y", "z"],
        [],
        ["1", "two\nlines"],
    ]


def test_it_leaves_out_the_line_that_names_the_delimiter() -> None:
    assert read("sep=;\na;b\n", ";") == [[], ["a", "b"]]


def test_old_line_ends_and_nul_characters_are_read() -> None:
    assert read("a,b\rc,d\x00\r") == [["a", "b"], ["c", "d\x00"]]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    text = 'a,b\n1,"open\n' + "".join(f"{n},x\n" for n in range(300))
    records = read(text)
    assert records[:3] == [["a", "b"], Broken("unclosed_quote", ("1", "open")), ["0", "x"]]
    assert len(records) == 302


def test_a_quote_that_is_open_at_the_end_costs_its_own_line_only() -> None:
    assert read('1,"open\n2,x\n3,y\n') == [Broken("unclosed_quote", ("1", "open")), ["2", "x"], ["3", "y"]]
    assert read('1,x\n2,"open') == [["1", "x"], Broken("unclosed_quote", ("2", "open"))]


def test_two_open_quotes_far_apart_cost_two_lines() -> None:
    text = '1,"a\n' + "x,y\n" * 150 + '2,"b\n' + "x,y\n" * 150
    records = read(text)
    assert [r for r in records if isinstance(r, Broken)] == [
        Broken("unclosed_quote", ("1", "a")),
        Broken("unclosed_quote", ("2", "b")),
    ]
    assert len(records) == 302


def test_a_cell_of_ten_megabytes_costs_its_own_line_and_little_memory() -> None:
    stream = io.StringIO("a,b\n1," + "x" * 10_000_000 + "\n2,y\n", newline="")
    tracemalloc.start()
    records = list(read_records(stream, Format()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(record) for record in records] == [list, Broken, list]
    assert isinstance(records[1], Broken)
    assert records[1].code == "too_long_line"
    assert peak < 20_000_000


def test_a_cell_over_the_readers_limit_costs_its_own_line() -> None:
    records = read("a,b\n1," + "x" * 200_000 + "\n2,y\n")
    assert isinstance(records[1], Broken)
    assert (records[1].code, records[0], records[2]) == ("too_long_cell", ["a", "b"], ["2", "y"])


lines = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12), min_size=1, max_size=12
)


@given(lines)
def test_no_line_is_lost_whatever_it_holds(given_lines: list[str]) -> None:
    """Each line is in exactly one record: as it is, within a quoted group, or broken."""
    text = "\n".join(given_lines) + "\n"
    seen = 0
    for record in read(text):
        inside = 0 if isinstance(record, Broken) else sum(cell.count("\n") for cell in record)
        seen += 1 + inside
    assert seen == len(given_lines)


@given(st.lists(st.text('ab",;\n', max_size=8), min_size=1, max_size=30))
def test_reading_ends_and_reads_all(pieces: list[str]) -> None:
    text = ",".join(pieces) + "\n"
    records = read(text)
    assert len(records) <= text.count("\n")
    assert records


def test_records_of_many_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINES_OF_RECORD", 3)
    assert read('"a\nb\nc",1\nd,2\n') == [["a\nb\nc", "1"], ["d", "2"]]
    assert read('"a\nb\nc\nd",1\ne,2\n')[0] == Broken("unclosed_quote", ("a",))


LONG = "x" * 3_000_000


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        (f"1,{LONG},b", ("1", "x" * 10_000, "b")),
        (f'1,"{LONG}",b', ("1", "x" * 10_000, "b")),
        (f'1, "{LONG}, ""so""" ,"b,c"', ("1", "x" * 10_000, "b,c")),
        (f'"a ""b"" c",{LONG}', ('a "b" c', "x" * 10_000)),
        (f"{LONG}", ("x" * 10_000,)),
        (f'1,"{LONG}', ()),
        (",".join("ab" for _ in range(600_000)), ()),
    ],
)
def test_a_line_that_is_too_long_is_read_up_to_what_fields_take(line: str, cut: tuple[str, ...]) -> None:
    records = read(f"a,b\n{line}\n2,y\n")
    assert isinstance(records[1], Broken)
    assert (records[1].code, records[1].cut) == ("too_long_line", cut)
    assert [records[0], records[2]] == [["a", "b"], ["2", "y"]]


@given(st.lists(st.text(st.sampled_from('ab" ,é'), max_size=8), min_size=1, max_size=6))
def test_it_is_read_as_the_csv_reader_reads(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    found = reading._cut_cells(iter([out.getvalue()]), Format())
    assert [list(found)] == [
        list(one) for one in csv.reader([out.getvalue()], skipinitialspace=True)
    ] or cells == [""]


@pytest.mark.parametrize("size", [200_000, 10_000_000])
def test_a_long_cell_is_cut_where_that_is_allowed(size: int) -> None:
    text = f"p,n,o\n+12015550100,Ann,{'x' * size}\n+12015550101,{'y' * size},z\n+12015550102,Bob,\n"
    plan = Plan(("msisdn", "first_name", ""), "US", truncate=True)
    parser = Parser(plan, lambda digits, _country, _kind, values: (digits, values))
    tracemalloc.start()
    chunk = parser.take(read_records(io.StringIO(text, newline=""), Format()), 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(values[0]) for _digits, values in chunk.items] == [3, 50, 3]
    assert (chunk.cut, chunk.refused) == (1, 0)
    assert peak < 4 * len(text) + 20_000_000
