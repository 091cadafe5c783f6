"""A filter in the address of a page: ?match=all&field=…&operator=…&value=… as often as there are conditions.

Or people who were ticked one by one: ?selected=<id>&selected=<id>…; the filter then only says what the page showed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.errors import ContactsError
from contacts.models import RecipientList
from contacts.people import MAX_TICKED, Sought
from contacts.rules import (
    EXTRA,
    MATCH,
    OPERATORS,
    OWN_FIELDS,
    Condition,
    Rule,
    field_label,
    in_words,
    require_known_columns,
    rule_of,
)

WORDS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class FilterForm:
    """What was asked for; `error`: why it cannot be, in a sentence, and then `sought` is everybody."""

    words: str
    match: str
    conditions: tuple[Condition, ...]
    sought: Sought
    error: str = ""

    @property
    def ids(self) -> tuple[int, ...]:
        return self.sought.ids

    @property
    def rows(self) -> list[Condition]:
        """With an empty one to be filled in."""
        return [*self.conditions, Condition("", "is")]

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
    def operators(self) -> Iterable[tuple[str, str | Promise]]:
        return OPERATORS.items()

    @property
    def matches(self) -> list[tuple[str, str]]:
        return [(name, str(capfirst(str(words)))) for name, words in MATCH.items()]


def read_filter(recipient_list: RecipientList, data: QueryDict) -> FilterForm:
    words, match = data.get("q", "").strip()[:WORDS_LIMIT], data.get("match", "all")
    parts = zip_longest(data.getlist("field"), data.getlist("operator"), data.getlist("value"), fillvalue="")
    conditions = tuple(Condition(*part) for part in parts if part[0])
    try:
        rule = rule_of(_raw(match, conditions))
        require_known_columns(rule, recipient_list.columns)
    except ContactsError as error:
        return FilterForm(words, match, conditions, Sought(recipient_list), str(error.sentence))
    ids = ids_in(data)
    if len(ids) > MAX_TICKED:
        refused = _("These are %(count)d people; at most %(limit)d can be ticked. Use a filter.")
        sentence = refused % {"count": len(ids), "limit": MAX_TICKED}
        return FilterForm(words, match, rule.conditions, Sought(recipient_list), sentence)
    sought = Sought(recipient_list, ids=ids) if ids else Sought(recipient_list, words, rule)
    return FilterForm(words, match, rule.conditions, sought)


def ids_in(data: QueryDict, name: str = "selected") -> tuple[int, ...]:
    """Ids sent by checkboxes, each once; what is no id is left out."""
    known = (int(raw) for raw in data.getlist(name) if raw.isascii() and raw.isdigit() and len(raw) < 19)
    return tuple(dict.fromkeys(known))


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
