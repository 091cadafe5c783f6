"""Filters of people: what they find on either database, and what they refuse."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from contacts import comparisons
from contacts.errors import ContactsError
from contacts.models import OptOut, Recipient, RecipientList
from contacts.rules import ExtraText, Rule, in_words, rule_of, to_q
from contacts.services.list_job_runner import _SetExtra
from contacts.services.lists import Person
from tests.contacts.support import list_named, number

PEOPLE = [
    Person(f"+{number(0)}", {"first_name": "Ann"}, {"city": "Leeds", "2024": "gold", "not": "x"}),
    Person(f"+{number(1)}", {"first_name": "Bob", "custom": "100% \\ 'sure'"}, {"city": "York"}),
    Person("+447400123456", {"email": "cy@example.com"}),
]
NAMES = {number(0): "Ann", number(1): "Bob", "447400123456": "Cy"}


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    made = list_named(acme, people=PEOPLE)
    made.recipients.filter(msisdn=number(0)).update(kind="mobile")
    made.recipients.exclude(msisdn=number(0)).update(kind="")
    made.recipients.update(created_at=datetime(2026, 5, 2, 3, 30, tzinfo=UTC))
    OptOut.objects.create(workspace=acme, msisdn=number(1))
    made.workspace.time_zone = "UTC"
    return made


def found(members: RecipientList, given: dict[str, Any]) -> str:
    rows = members.recipients.filter(to_q(rule_of(given), members.workspace)).order_by("pk")
    return " ".join(NAMES[row.msisdn] for row in rows)


def one(field: str, operator: str, value: str = "") -> dict[str, Any]:
    return {"conditions": [{"field": field, "operator": operator, "value": value}]}


@pytest.mark.parametrize(
    ("field", "operator", "value", "names"),
    [
        ("first_name", "is", "ann", "Ann"),
        ("first_name", "is_not", "Ann", "Bob Cy"),
        ("first_name", "contains", "N", "Ann"),
        ("first_name", "begins_with", "b", "Bob"),
        ("first_name", "empty", "", "Cy"),
        ("first_name", "not_empty", "", "Ann Bob"),
        ("custom", "contains", "0% \\", "Bob"),
        ("custom", "contains", "_", ""),
        ("custom", "contains", "'SURE'", "Bob"),
        ("extra:city", "is", "leeds", "Ann"),
        ("extra:city", "is_not", "Leeds", "Bob Cy"),
        ("extra:city", "contains", "OR", "Bob"),
        ("extra:city", "begins_with", "y", "Bob"),
        ("extra:city", "empty", "", "Cy"),
        ("extra:city", "not_empty", "", "Ann Bob"),
        ("extra:city", "one_of", "leeds; Rome,\nyork", "Ann Bob"),
        ("extra:city", "does_not_contain", "ee", "Bob Cy"),
        ("first_name", "one_of", "Cy,ann", "Ann"),
        ("msisdn", "one_of", "(201) 555-0100, +44 7400 123456", "Ann Cy"),
        ("country", "one_of", "gb,FR", "Cy"),
        ("kind", "one_of", "mobile,voip", "Ann"),
        ("extra:2024", "is", "gold", "Ann"),
        ("extra:not", "is", "x", "Ann"),
        ("extra:unheard_of", "empty", "", "Ann Bob Cy"),
        ("msisdn", "is", "+44 7400 123456", "Cy"),
        ("msisdn", "is_not", number(0), "Bob Cy"),
        ("msisdn", "is", "(201) 555-0100", "Ann"),
        ("msisdn", "is", "2015550100", "Ann"),
        ("msisdn", "is", "001 201 555 0100", "Ann"),
        ("msisdn", "is_not", "(201) 555-0100", "Bob Cy"),
        ("msisdn", "is", "07400 123456", ""),
        ("msisdn", "is", "0044 7400 123456", "Cy"),
        ("msisdn", "begins_with", "(201) 555", "Ann Bob"),
        ("msisdn", "begins_with", "00447400", "Cy"),
        ("msisdn", "contains", "(201) 555-0101", "Bob"),
        ("msisdn", "contains", "00 44 7400", "Cy"),
        ("msisdn", "begins_with", "+1 201", "Ann Bob"),
        ("msisdn", "contains", "3456", "Cy"),
        ("country", "is", "gb", "Cy"),
        ("country", "is_not", "GB", "Ann Bob"),
        ("kind", "is", "mobile", "Ann"),
        ("kind", "empty", "", "Bob Cy"),
        ("opted_out", "is", "yes", "Bob"),
        ("opted_out", "is", "no", "Ann Cy"),
        ("created_at", "before", "2026-05-02", ""),
        ("created_at", "is", "2026-05-02", "Ann Bob Cy"),
        ("created_at", "after", "2026-05-01", "Ann Bob Cy"),
        ("created_at", "after", "2026-05-02", ""),
    ],
)
def test_one_condition(members: RecipientList, field: str, operator: str, value: str, names: str) -> None:
    assert found(members, one(field, operator, value)) == names


AMOUNTS = ["7", " 19.5 ", "-3,25", "1e3", "12 pieces", "", "999999999999999", "+100"]
# The first two may be thousands or decimals.
GROUPED = [
    "1,000",
    "12.345",
    "1,234,567",
    "1.234.567",
    "1,000.50",
    "1.000,50",
    "0.125",
    "0,125",
    "5\n",
    "1000",
]
DAYS = [
    "2026-13-45",
    "2026-W47-6",
    "2026-11-21",
    "2026-11-20 13:00:00",
    "2026-10-22",
    "2025-11-21",
    "21.11.2026",
    "",
    "2026-11-22",
]


@pytest.mark.parametrize(
    ("values", "operator", "value", "kept"),
    [
        (AMOUNTS, "at_least", "19.5", [" 19.5 ", "999999999999999", "+100"]),
        (AMOUNTS, "at_most", "7", ["7", "-3,25"]),
        (AMOUNTS, "at_least", "-3,25", ["7", " 19.5 ", "-3,25", "999999999999999", "+100"]),
        (GROUPED, "at_least", "1000", ["1,234,567", "1.234.567", "1,000.50", "1.000,50", "1000"]),
        (GROUPED, "at_most", "1000.5", ["1,000.50", "1.000,50", "0.125", "0,125", "1000"]),
        (GROUPED, "at_least", "1,234,567", ["1,234,567", "1.234.567"]),
        (GROUPED, "at_least", "1.234.567", ["1,234,567", "1.234.567"]),
        (GROUPED, "at_most", "0.125", ["0.125", "0,125"]),
        (DAYS, "at_least", "2026-11-20", ["2026-11-21", "2026-11-20 13:00:00", "2026-11-22"]),
        (DAYS, "at_most", "2026-10-22", ["2026-10-22", "2025-11-21"]),
        (DAYS, "last_days", "1", ["2026-11-21", "2026-11-20 13:00:00"]),
        (DAYS, "last_days", "30", ["2026-11-21", "2026-11-20 13:00:00", "2026-10-22"]),
    ],
)
@pytest.mark.parametrize("field", ["custom", "extra:amount"])
def test_amounts_and_days_are_compared(
    acme: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    values: list[str],
    operator: str,
    value: str,
    kept: list[str],
) -> None:
    """What is neither, or of the other kind, fits no comparison."""
    people = [
        Person(f"+{number(n)}", *(({"custom": text}, {}) if field == "custom" else ({}, {"amount": text})))
        for n, text in enumerate(values)
    ]
    members = list_named(acme, people=people)
    for n, text in enumerate(values):  # as older rows may have them, not trimmed
        Recipient.objects.filter(msisdn=number(n)).update(custom=text, extra={"amount": text})
    now = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(comparisons.timezone, "now", lambda: now)
    acme.time_zone = "UTC"
    asked = to_q(rule_of(one(field, operator, value)), acme)
    found = members.recipients.filter(asked).order_by("pk")
    assert [row.custom for row in found] == kept


def test_as_many_values_as_may_be(members: RecipientList) -> None:
    """SQLite has a limit to how deep a question may be."""
    many = ", ".join(f"Nobody{n}" for n in range(199))
    conditions = [
        *(one("first_name", "one_of", f"{many}, ANN")["conditions"] * 10),
        *(one("extra:city", "one_of", f"{many}, york")["conditions"] * 9),
        *one("msisdn", "one_of", ", ".join(f"4420{n:08}" for n in range(199)) + ", +44 7400 123456")[
            "conditions"
        ],
    ]
    assert found(members, {"match": "any", "conditions": conditions}) == "Ann Bob Cy"


def test_when_they_were_added_in_days(members: RecipientList, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 5, 9, 1, tzinfo=UTC)
    monkeypatch.setattr(comparisons.timezone, "now", lambda: now)
    assert found(members, one("created_at", "last_days", "7")) == "Ann Bob Cy"
    assert found(members, one("created_at", "last_days", "6")) == ""
    assert in_words(rule_of(one("created_at", "last_days", "6"))) == "Added is in the last 6 days"


def test_national_writings_are_those_of_the_workspace(members: RecipientList) -> None:
    members.workspace.default_country = "GB"
    for operator, value in (("is", "07400 123456"), ("begins_with", "07400"), ("contains", "(07400) 12")):
        assert found(members, one("msisdn", operator, value)) == "Cy"
    assert found(members, one("msisdn", "is", "(201) 555-0100")) == ""


def test_days_are_those_of_the_workspace(members: RecipientList) -> None:
    members.workspace.time_zone = "America/New_York"
    assert found(members, one("created_at", "is", "2026-05-01")) == "Ann Bob Cy"


def test_all_and_any(members: RecipientList) -> None:
    conditions = [*one("country", "is", "US")["conditions"], *one("extra:city", "is", "York")["conditions"]]
    assert found(members, {"match": "all", "conditions": conditions}) == "Bob"
    assert found(members, {"match": "any", "conditions": conditions}) == "Ann Bob"
    assert found(members, {}) == "Ann Bob Cy"


def test_dict_and_back() -> None:
    given = {"match": "any", **one("extra:city", "is", "York")}
    assert rule_of(given).as_dict() == given
    assert Rule().as_dict() == {}
    assert rule_of({}) == Rule()


def test_in_words() -> None:
    conditions = [*one("first_name", "is", "Ann")["conditions"], *one("extra:city", "empty")["conditions"]]
    assert in_words(rule_of({"conditions": conditions})) == "First name is Ann, and city is empty"
    assert in_words(rule_of(one("opted_out", "is", "no"))) == "Opted out is no"
    assert in_words(Rule()) == "everybody"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "The filter is no object"),
        ({"rules": []}, "The filter is no object"),
        ({"match": "some"}, "“match” is some. Use all or any."),
        ({"match": []}, "“match” is []"),
        ({"conditions": {}}, "“conditions” is no list of at most 20"),
        ({"conditions": [1]}, "Condition 1 is no object"),
        (one("first_name", "one_of", ",;"), "first_name has 0 values. Enter 1 to 200"),
        (one("first_name", "one_of", "x," * 201), "first_name has 201 values. Enter 1 to 200"),
        (one("country", "one_of", "US,XX"), "there is no country “XX”"),
        (
            one("extra:points", "at_least", "many"),
            "compared with “many”. Enter a number such as 100, or a day",
        ),
        (one("extra:points", "at_least", "1,000"), "“1,000” may be a thousand times what it may be as well."),
        (one("extra:points", "at_least", "2026-W47-6"), "compared with “2026-W47-6”. Enter a number"),
        (one("first_name", "at_least", "1"), "“at_least” cannot be asked of first_name"),
        (one("created_at", "last_days", "0"), "“0” is no number of days. Enter 1 to 9999."),
        (one("password", "is", "x"), "Condition 1: there is no field “password”."),
        (one("extra:", "is", "x"), "there is no field “extra:”"),
        (one('extra:a"b', "is", "x"), "there is no field"),
        (one("first_name", "before", "x"), "“before” cannot be asked of first_name"),
        (one("first_name", "is", " "), "Condition 1: first_name has no value"),
        (one("first_name", "empty", "x"), "takes no value here"),
        (one("first_name", "is", "\x00"), "cannot hold"),
        (one("msisdn", "is", "abc"), "which has no digits"),
        (one("country", "is", "Mars"), "there is no country “Mars”"),
        (one("kind", "is", "tin"), "there is no kind of number “tin”. Use one of mobile"),
        (one("opted_out", "is", "maybe"), "is yes or no"),
        (one("created_at", "after", "yesterday"), "Write it as in 2026-11-21."),
        (one("created_at", "after", "9999-12-31"), "Write it as in 2026-11-21."),
        ({"conditions": [{"field": "custom", "operator": "is", "value": 3}]}, "something that is no text"),
        ({"conditions": [*one("custom", "empty")["conditions"], {}]}, "Condition 2: there is no field"),
    ],
)
def test_refused(given: Any, words: str) -> None:
    with pytest.raises(ContactsError) as refused:
        rule_of(given)
    assert words in str(refused.value.sentence)
    assert refused.value.field == "rule"


ODD_NAMES = (
    "höhe",
    "имя",
    "名前",
    "😀",
    'a"b',
    "a'b",
    "a.b",
    "a[0]",
    "[0]",
    "a\\b",
    "\\u00f6",
    "$",
    "$.a",
    "100%",
    "%s",
    "2024",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.one_of(
        st.sampled_from(ODD_NAMES),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=50),
    )
)
def test_a_column_of_any_name_is_found_and_set(acme: Workspace, name: str) -> None:
    """Services refuse most of these names; the database is asked all the same."""
    Recipient.objects.filter(list__workspace=acme).delete()
    of = RecipientList.objects.get_or_create(workspace=acme, name="Odd")[0]
    for n, extra in enumerate([{"other": "1", name: "XL"}, {"other": "2", name: "S"}, {"other": "3"}]):
        Recipient.objects.create(list=of, msisdn=number(n), extra=extra)
    rows = of.recipients.order_by("msisdn").annotate(text=ExtraText(name))
    without = {"other": "3"}.get(name, "")
    assert list(rows.values_list("text", flat=True)) == ["XL", "S", without]
    assert [row.msisdn for row in rows.filter(text="XL")] == [number(0)]
    of.recipients.filter(msisdn__in=[number(0), number(2)]).update(extra=_SetExtra(name, "M"))
    kept = [{"other": str(n)} for n in (1, 2, 3)]
    expected = [kept[0] | {name: "M"}, kept[1] | {name: "S"}, kept[2] | {name: "M"}]
    assert list(of.recipients.order_by("msisdn").values_list("extra", flat=True)) == expected
    of.recipients.update(extra=_SetExtra(name, ""))
    for one in kept:
        one.pop(name, None)
    assert list(of.recipients.order_by("msisdn").values_list("extra", flat=True)) == kept
