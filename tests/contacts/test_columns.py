"""contacts.files.columns and inspection: what the columns of a file are for."""

from pathlib import Path

import pytest

from contacts.errors import FileRefused
from contacts.fields import column_name
from contacts.files.columns import describe_columns, looks_like_header
from contacts.files.inspection import inspect_text, inspect_upload

ROWS = [
    ["Maya", "Okafor", "(201) 555-0100", "maya@example.com", "https://example.com/m", "f", "Oakland"],
    ["Zoë", "Lee", "+44 7400 123456", "zoe@example.com", "", "f", "Leeds"],
]


def guesses(names: list[str] | None, rows: list[list[str]] = ROWS, country: str = "US") -> list[str]:
    return [column.guess for column in describe_columns(names, rows, country)]


@pytest.mark.parametrize(
    "names",
    [
        ["fname", "surname", "Mobile", "E-Mail", "Website", "Sex", "City"],
        ["Vorname", "Nachname", "Handy-Nr.", "E-Mail-Adresse", "Internetseite", "Geschlecht", "City"],
        ["Prénom", "Nom", "Téléphone portable", "Courriel", "Site web", "Genre", "City"],
        ["Nombre", "Apellidos", "Teléfono móvil", "Correo electrónico", "Página web", "Género", "City"],
        ["Имя", "Фамилия", "Телефон", "Почта", "Сайт", "Пол", "City"],
        ["שם פרטי", "שם משפחה", "נייד", "אימייל", "אתר", "מין", "City"],
        ["first_name", "last_name", "msisdn", "email", "url", "gender", "city"],
    ],
)
def test_it_knows_names_in_several_languages(names: list[str]) -> None:
    assert guesses(names) == ["first_name", "last_name", "msisdn", "email", "url", "gender", "extra:city"]


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "Full name",
        "Contact",
        "имя",
        "Nombre",
        "Nombre completo",
        "Nom",
        "Nome",
        "naam",
        "Navn",
        "ad",
        "ФИО",
    ],
)
@pytest.mark.parametrize("values", [("Maya", "Zoë"), ("Maya Okafor", "Zoë O'Neil-Lee"), ("Майя", "Зоя Ли")])
def test_a_column_of_names_is_greeted_by(name: str, values: tuple[str, str]) -> None:
    rows = [[value, f"+1201555010{at}"] for at, value in enumerate(values)]
    says_first = name in {"имя", "Nombre", "Nome"}
    expected = "whole_name" if " " in values[1] and not says_first else "first_name"
    assert guesses([name, "phone"], rows) == [expected, "msisdn"]


@pytest.mark.parametrize("value", ["Okafor, Maya", "Maya Okafor"])
def test_whole_names_stay_together_where_a_last_name_is_given(value: str) -> None:
    rows = [[value, "Okafor", "+12015550100"]]
    assert guesses(["name", "surname", "phone"], rows) == ["first_name", "last_name", "msisdn"]
    assert guesses(["name", "city", "phone"], rows) == ["whole_name", "extra:city", "msisdn"]


def test_several_number_columns_are_taken_in_order_of_preference() -> None:
    rows = [
        ["+12015550100", "+12015550101", "+12015550102", "+12015550103", "+12015550104"],
        ["+12015550105", "", "+12015550106", "+12015550107", "n/a"],
    ]
    names = ["Customer number", "Phone 2", "Phone", "Mobile (work)", "Fax"]
    assert guesses(names, rows) == [
        "extra:customer_number",
        "msisdn:3",
        "msisdn",
        "msisdn:2",
        "extra:fax",
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["name", "first name"], ["extra:name", "first_name"]),
        (["name", "surname"], ["first_name", "last_name"]),
        (["Prénom", "Nom"], ["first_name", "last_name"]),
        (["Nom", "Prénom"], ["last_name", "first_name"]),
        (["contact", "name"], ["first_name", "extra:name"]),
    ],
)
def test_one_column_is_the_first_name(names: list[str], expected: list[str]) -> None:
    rows = [["Maya", "Okafor", "+12015550100"], ["Zoë", "Lee", "+12015550101"]]
    assert guesses([*names, "phone"], rows) == [*expected, "msisdn"]


@pytest.mark.parametrize("value", ["maya@example.com", "17-b", "Okafor, Maya, 17", "A/B"])
def test_what_is_no_name_is_not_greeted_by(value: str) -> None:
    assert guesses(["contact", "phone"], [[value, "+12015550100"]])[0] != "first_name"


def test_it_tells_whole_names_from_first_names() -> None:
    rows = [["Maya", "Maya Okafor"], ["Zoë", "Zoë Lee"], ["Ann", ""]]
    assert [column.whole_names for column in describe_columns(["a", "b"], rows, "")] == [0, 1]


def test_it_knows_contents_without_names() -> None:
    assert guesses(None) == ["", "", "msisdn", "email", "url", "gender", ""]


def test_the_column_with_numbers_wins_over_one_that_is_only_named_so() -> None:
    rows = [["17", "(201) 555-0100", "n/a"], ["18", "(201) 555-0101", ""]]
    assert guesses(["Number", "Contact", "Phone"], rows) == ["extra:number", "msisdn", "extra:phone"]


def test_a_named_column_of_mistakes_is_believed() -> None:
    assert guesses(["Phone", "City"], [["4.91512E+11", "Leeds"], ["n/a", "York"]]) == ["msisdn", "extra:city"]


def test_empty_columns_and_the_reject_files_own_are_left_out() -> None:
    rows = [["2", "The row has no phone number.", "+12015550100", ""]]
    assert guesses(["Crier row", "Crier reason", "phone", "notes"], rows) == ["", "", "msisdn", ""]


def test_it_describes_what_is_in_a_column() -> None:
    rows = [["+12015550100"], [""], ["+447400123456"], ["x" * 80]]
    column = describe_columns(["phone"], rows, "")[0]
    assert (column.filled, column.numbers) == (0.75, 0.667)
    assert column.countries == ["US", "GB"]
    assert column.samples == ["+12015550100", "+447400123456", "x" * 59 + "…"]


def test_names_are_made_distinct_and_trailing_empty_columns_dropped() -> None:
    columns = describe_columns(["a", "", "a", "", ""], [["1", "2", "3", "", ""]], "")
    assert [column.name for column in columns] == ["a", "Column 2", "a (3)"]


def test_names_are_fit_for_any_database() -> None:
    columns = describe_columns(["a\x00b", "\udcff", "\x00"], [["1", "2", "3"]], "")
    assert [column.name for column in columns] == ["a b", "Column 2", "Column 3"]


def test_rows_of_too_many_cells_do_not_widen_the_file() -> None:
    rows = [["1", "2"], ["1", "2", "3", "4"], ["1", "2"]]
    assert len(describe_columns(["a", "b"], rows, "")) == 2
    assert len(describe_columns(["a"], rows, "")) == 2


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["Mobile", "City"], True),
        (["Anything", "Else"], True),
        (["Ann", "(201) 555-0100"], False),
        (["Ann", "ann@example.com"], False),
        (["Ann", "42"], False),
        (["+12015550100"], False),
        (["", ""], False),
    ],
)
def test_it_tells_a_header_from_data(first: list[str], expected: bool) -> None:
    assert looks_like_header(first, "US") is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Loyalty points", "loyalty_points"),
        ("  Straße / Nr. ", "strasse_nr"),
        ("עיר", "עיר"),
        ("first_name", "first_name_"),
        ("link", "link_"),
        ("{{x|y}}", "x_y"),
        ("!?", ""),
        ("x" * 60, "x" * 50),
    ],
)
def test_a_columns_own_name_is_fit_for_a_token(raw: str, expected: str) -> None:
    assert column_name(raw) == expected
    assert column_name(expected) == ("first_name_" if expected == "first_name" else expected)


def inspected(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "upload.csv"
    path.write_text(text)
    return path


def test_inspection_counts_rows_without_header_and_empty_ones(tmp_path: Path) -> None:
    path = inspected(tmp_path, "\nphone,name\n+12015550100,Ann\n\n,\n+12015550101,Bob\n")
    found = inspect_text(path, "US")
    assert (found.has_header, found.rows, [column.name for column in found.columns]) == (
        True,
        2,
        ["phone", "name"],
    )


def test_inspection_counts_more_rows_than_it_looks_at(tmp_path: Path) -> None:
    path = inspected(tmp_path, "phone\n" + "+12015550100\n" * 2500)
    assert inspect_text(path, "US").rows == 2500


@pytest.mark.parametrize("names", ["phone,name", f"phone,name{',' * 300}"])
def test_empty_cells_at_the_end_are_no_columns(tmp_path: Path, names: str) -> None:
    rows = "".join(f"+1201555010{n},Ann{',' * 300}\n" for n in range(3))
    found = inspect_upload(inspected(tmp_path, f"{names}\n{rows}"), "US")
    assert [column.name for column in found.columns] == ["phone", "name"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("phone,name\n", "only_header"),
        ("\n\n  \n,,\n", "empty"),
        (",".join(f"c{n}" for n in range(10_000)) + "\n" + "x," * 9_999 + "x\n", "too_many_columns"),
    ],
)
def test_inspection_refuses_what_cannot_be_imported(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(FileRefused) as caught:
        inspect_upload(inspected(tmp_path, text), "US")
    assert caught.value.code == code
    assert str(caught.value.sentence).endswith(".")


# --- the country that is suggested ---

GERMAN = "01512 3456789"


def suggested(rows: list[list[str]], names: list[str], country: str = "US") -> list[str]:
    return [column.suggested_country for column in describe_columns(names, rows, country)]


def test_a_country_is_suggested_where_most_numbers_want_one() -> None:
    rows = [[GERMAN, "10001000"], ["+12015550100", "10001001"], ["01512/3456789", "10001002"]]
    assert suggested(rows, ["Phone", "Customer"]) == ["DE", ""]
    assert suggested([rows[0], rows[1]], ["Phone", "Customer"]) == ["", ""], "half is not most"
    assert suggested([rows[0], rows[1]], ["Phone", "Customer"], "") == ["DE", ""], "none is chosen yet"
    assert suggested(rows, ["Phone", "Customer"], "DE") == ["", ""], "they can be read"


def test_a_column_of_unknown_name_may_want_one() -> None:
    rows = [["Ann", GERMAN], ["Bea", "01512-3456789"]]
    assert suggested(rows, ["Who", "Where"]) == ["", "DE"]


def test_what_is_not_clear_is_not_suggested() -> None:
    assert suggested([["07400123456"]] * 5, ["Phone"]) == [""], "of Britain, India or Iraq"
    assert suggested([["2024-05-01"]] * 5, ["Phone"]) == [""]
    assert suggested([["0" * 5_000]] * 5, ["Phone"]) == [""]


@pytest.mark.parametrize(
    ("values", "guess"),
    [
        (["x", "x", "", "x"], "extra:vip"),
        (["d", "f", "d", "f"], "extra:vip"),
        (["m", "x", "d", "m"], "gender"),
        (["Herr", "Frau", "Herr", ""], "gender"),
    ],
)
def test_a_tick_is_no_gender(values: list[str], guess: str) -> None:
    rows = [[f"+1201555010{n}", value] for n, value in enumerate(values)]
    assert [one.guess for one in describe_columns(["phone", "VIP"], rows, "US")] == ["msisdn", guess]
