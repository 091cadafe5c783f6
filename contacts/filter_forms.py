"""A filter in the address of a page: ?match=all&field=…&operator=…&value=… as often as there are conditions.

Its form adds `row=more`, to be given one row more, or `row=drop-2`, to leave the second one out: both without a script.
Or people who were ticked one by one: ?selected=<id>&selected=<id>…; the filter then only says what the page showed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.choices import country_choices, time_zone_choices
from contacts.errors import ContactsError
from contacts.models import NumberKind, RecipientList
from contacts.people import MAX_TICKED, Sought
from contacts.rules import (
    EXTRA,
    MATCH,
    MAX_CONDITIONS,
    NO,
    OPERATORS,
    OWN_FIELDS,
    WITHOUT_VALUE,
    YES,
    Condition,
    Rule,
    field_label,
    in_words,
    operators_of,
    require_known_columns,
    rule_of,
)
from web.posted import ids_in

WORDS_LIMIT = 200
MORE, DROP = "more", "drop-"
# With what a value is entered; a field with a fixed set of them is chosen from a select of its own name.
TEXT, DATE, NOTHING = "text", "date", "nothing"
DATES = frozenset({"created_at", "updated_at"})
CHOSEN = frozenset({"kind", "country", "time_zone", "opted_out"})
WHOLE_VALUE = frozenset({"is", "is_not"})


@dataclass(frozen=True, slots=True)
class FilterRow:
    """The controls of one condition, with what fits its field; an empty field is yet to be chosen."""

    number: int
    condition: Condition

    @property
    def operators(self) -> list[tuple[str, str | Promise]]:
        field = self.condition.field
        return [(name, OPERATORS[name]) for name in (operators_of(field) if field else OPERATORS)]

    @property
    def control(self) -> str:
        field, operator = self.condition.field, self.condition.operator
        if operator in WITHOUT_VALUE:
            return NOTHING
        if operator == "last_days":
            return TEXT
        control = control_of(field)
        return TEXT if control == field and operator not in WHOLE_VALUE else control

    @property
    def value(self) -> str:
        value = self.condition.value
        return value.upper() if self.control == "country" else value

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Also what the address names and nobody offers: it must not turn into something else unseen."""
        offered = values_of(self.control)
        return offered if self.value in dict(offered) else [*offered, (self.value, self.value)]


def control_of(field: str) -> str:
    """Of its whole values."""
    if field in DATES:
        return DATE
    return field if field in CHOSEN else TEXT


def values_of(field: str) -> list[tuple[str, str]]:
    """What a select of this field's values offers."""
    return [("", _("Choose a value")), *((value, str(words)) for value, words in _values(field))]


@cache
def _select_of(field: str, language: str) -> str:
    """Kept: its 750 options took half the time of the page."""
    return render_to_string(
        "contacts/_filter_values.html", {"values": values_of(field), "is_country": field == "country"}
    )


def _values(field: str) -> Iterable[tuple[str, Any]]:
    if field == "kind":
        return [(kind, capfirst(str(words))) for kind, words in NumberKind.choices]
    if field == "opted_out":
        return [(YES, _("Yes")), (NO, _("No"))]
    return time_zone_choices() if field == "time_zone" else country_choices()


@cache
def _operators_by_field() -> dict[str, dict[str, Any]]:
    return {name: {"operators": [*operators_of(name)], "control": control_of(name)} for name in OWN_FIELDS}


@dataclass(frozen=True, slots=True)
class FilterForm:
    """What was asked for; `error`: why it cannot be, in a sentence, and then `sought` is everybody."""

    words: str
    match: str
    conditions: tuple[Condition, ...]
    sought: Sought
    error: str = ""
    wants_more: bool = False

    @property
    def ids(self) -> tuple[int, ...]:
        return self.sought.ids

    @property
    def rows(self) -> list[FilterRow]:
        """With an empty one to be filled in, where there is none or one more is asked for."""
        empty = (Condition("", "is"),) if self.wants_more or not self.conditions else ()
        return [FilterRow(at, one) for at, one in enumerate((*self.conditions, *empty), start=1)]

    @property
    def empty_row(self) -> FilterRow:
        return FilterRow(0, Condition("", "is"))

    @property
    def most_rows(self) -> int:
        return MAX_CONDITIONS

    @property
    def can_have_more(self) -> bool:
        return len(self.rows) < MAX_CONDITIONS

    @property
    def is_open(self) -> bool:
        return bool(self.conditions) or self.wants_more

    @property
    def fitting(self) -> dict[str, Any]:
        """For the script: operators and control by field; "" is any further column."""
        further = {"operators": [*operators_of(EXTRA)], "control": TEXT}
        return {**_operators_by_field(), "": further}

    @property
    def chosen_values(self) -> list[tuple[str, str]]:
        """For the script: a select of the values, by field."""
        language = get_language() or ""
        return [(name, _select_of(name, language)) for name in sorted(CHOSEN)]

    @property
    def query(self) -> str:
        """Of an address, without a question mark."""
        return "&".join(filter(None, (self.filter_query, ids_query(self.ids))))

    @property
    def filter_query(self) -> str:
        """The same without those who were ticked: what the page of the list showed."""
        return query_of(self.words, Rule(self.match, self.conditions))

    @property
    def in_words(self) -> str:
        return ticked_in_words(len(self.ids)) if self.ids else in_words(self.sought.rule)

    @property
    def fields(self) -> list[tuple[str, str]]:
        columns = [EXTRA + name for name in self.sought.recipient_list.columns]
        return [("", _("Choose a field")), *((name, field_label(name)) for name in (*OWN_FIELDS, *columns))]

    @property
    def matches(self) -> list[tuple[str, str]]:
        return [(name, str(capfirst(str(words)))) for name, words in MATCH.items()]


def read_filter(recipient_list: RecipientList, data: QueryDict) -> FilterForm:
    words, match = data.get("q", "").strip()[:WORDS_LIMIT], data.get("match", "all")
    asked_row = data.get("row", "")
    conditions, more = _conditions(data, asked_row), asked_row == MORE
    try:
        rule = rule_of(_raw(match, conditions))
        require_known_columns(rule, recipient_list.columns)
    except ContactsError as error:
        return FilterForm(words, match, conditions, Sought(recipient_list), str(error.sentence), more)
    ids = tuple(ids_in(data))
    if len(ids) > MAX_TICKED:
        refused = _("These are %(count)d people; at most %(limit)d can be ticked. Use a filter.")
        sentence = refused % {"count": len(ids), "limit": MAX_TICKED}
        return FilterForm(words, match, rule.conditions, Sought(recipient_list), sentence)
    sought = Sought(recipient_list, ids=ids) if ids else Sought(recipient_list, words, rule)
    return FilterForm(words, match, rule.conditions, sought, wants_more=more)


def _conditions(data: QueryDict, asked_row: str) -> tuple[Condition, ...]:
    """But for the row that is to be dropped, and for those without a field."""
    parts = zip_longest(data.getlist("field"), data.getlist("operator"), data.getlist("value"), fillvalue="")
    rows = [Condition(*part) for part in parts]
    return tuple(one for at, one in enumerate(rows, start=1) if one.field and asked_row != f"{DROP}{at}")


def ids_query(ids: Iterable[int]) -> str:
    return urlencode([("selected", one) for one in ids])


def ticked_in_words(count: int) -> str:
    return ngettext("%(n)d person who was ticked", "%(n)d people who were ticked", count) % {"n": count}


def query_of(words: str, rule: Rule) -> str:
    pairs = [("q", words)] if words else []
    if rule:
        pairs.append(("match", rule.match))
    for one in rule.conditions:
        pairs += [("field", one.field), ("operator", one.operator), ("value", one.value)]
    return urlencode(pairs)


def _raw(match: str, conditions: Iterable[Condition]) -> dict[str, object]:
    return {
        "match": match,
        "conditions": [
            {"field": one.field, "operator": one.operator, "value": one.value} for one in conditions
        ],
    }
