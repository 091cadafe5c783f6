"""contacts.files.columns of files of opt-outs: number, date and source are guessed, everything else is left out."""

import pytest

from contacts.files.columns import describe_columns, looks_like_header

ROWS = [
    ["Maya Okafor", "(201) 555-0100", "2026-05-03 09:30", "Please stop"],
    ["Zoë Lee", "+44 7400 123456", "2026-05-04", "STOP"],
]


def guesses(names: list[str] | None, rows: list[list[str]] | None = None, country: str = "US") -> list[str]:
    columns = describe_columns(names, ROWS if rows is None else rows, country, "opt_outs")
    return [column.guess for column in columns]


@pytest.mark.parametrize(
    "names",
    [
        ["Name", "Phone", "Opted out at", "Reason"],
        ["Name", "Handynummer", "Abmeldedatum", "Quelle"],
        ["Nom", "Téléphone", "Date de désinscription", "Motif"],
        ["Nombre", "Móvil", "Fecha de baja", "Origen"],
        ["Nome", "Cellulare", "Data disiscrizione", "Fonte"],
        ["Naam", "Telefoon", "Afmelddatum", "Bron"],
        ["Имя", "Телефон", "Дата отписки", "Источник"],
        ["שם", "נייד", "תאריך", "מקור"],
        ["name", "number", "at", "source"],
        ["name", "msisdn", "unsubscribed_at", "message text"],
    ],
)
def test_it_knows_names_in_several_languages(names: list[str]) -> None:
    assert guesses(names) == ["", "msisdn", "at", "source"]


def test_a_date_is_known_by_its_content() -> None:
    assert guesses(None) == ["", "msisdn", "at", ""]
    assert guesses(["who", "phone", "xyz", "zyx"]) == ["", "msisdn", "at", ""]


@pytest.mark.parametrize("name", ["Date of birth", "Geburtstag", "added_at", "Last order", "Signup date"])
def test_a_date_of_something_else_is_left_out(name: str) -> None:
    assert guesses(["who", "phone", name, "zyx"])[2] == ""


def test_of_several_dates_the_surest_name_counts() -> None:
    rows = [["2020-01-01", "+12015550100", "2026-05-03", "2026-06-01"]]
    assert guesses(["created_at", "phone", "date", "opt_out_date"], rows) == ["", "msisdn", "", "at"]
    assert guesses(["created_at", "phone", "x", "y"], rows) == ["at", "msisdn", "", ""]
    assert guesses(["a", "phone", "b", "c"], rows) == ["", "msisdn", "", ""]


def test_a_column_called_date_without_dates_is_none() -> None:
    rows = [["+12015550100", "A-17"], ["+12015550101", "A-18"]]
    assert guesses(["phone", "date"], rows) == ["msisdn", ""]
    assert guesses(["phone", "Opted out on"], rows) == ["msisdn", "at"], "the name leaves no doubt"
    assert guesses(["phone", "Opted out on"], [["+12015550100", ""]]) == ["msisdn", ""]


def test_days_as_a_spreadsheet_counts_them_are_dates_below_such_a_name_alone() -> None:
    rows = [["+12015550100", "45000"], ["+12015550101", "45001"]]
    assert guesses(["phone", "date"], rows) == ["msisdn", "at"]
    assert guesses(["phone", "points"], rows) == ["msisdn", ""]


def test_an_export_of_ours_goes_where_it_came_from() -> None:
    names = ["number", "at", "how", "source", "message_id"]
    row = ["+12015550100", "2026-05-03T09:30:00+00:00", "stop", "STOP", "17"]
    own = ["msisdn", "at", "how", "source", ""]
    assert guesses(names, [row]) == own
    undone = ["undone_at", "undone_reason", "undone_by"]
    assert guesses([*names, *undone], [[*row, "", "", ""]]) == [*own, "undone_at", "", ""]
    refused = ["Crier row", "Crier reason"]
    assert guesses([*refused, *names], [["2", "why", *row]]) == ["", "", *own]
    assert guesses(["phone", "undone_at", "how"], [["+12015550100", "", "sms"]]) == [
        "msisdn",
        "undone_at",
        "source",
    ]


def test_dates_are_no_numbers() -> None:
    """03052026 is a number of Berlin, too."""
    rows = [["03.05.2026", "0151 23456789"], ["04.05.2026", "0151 23456788"]]
    assert guesses(None, rows, "DE") == ["at", "msisdn"]


def test_several_number_columns_keep_their_order_of_preference() -> None:
    rows = [["+12015550100", "+12015550101", "2026-05-03"]]
    assert guesses(["Phone", "Mobile", "Date"], rows) == ["msisdn:2", "msisdn", "at"]


def test_shares_of_dates_are_told() -> None:
    rows = [["+12015550100", "2026-05-03"], ["+12015550101", "soon"], ["+12015550102", ""]]
    assert describe_columns(["phone", "date"], rows, "", "opt_outs")[1].dates == 0.5
    assert describe_columns(["phone", "date"], rows, "")[1].dates == 0.5


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["+12015550100", "2026-05-03", "SMS"], False),
        (["+12015550100", "mail"], False),
        (["Phone", "Date", "Source"], True),
        (["number", "at", "how", "source"], True),
    ],
)
def test_how_somebody_opted_out_is_no_header(first: list[str], expected: bool) -> None:
    assert looks_like_header(first, "US", "opt_outs") is expected
