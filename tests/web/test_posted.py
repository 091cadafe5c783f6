"""Ids and other whole numbers in addresses and forms; a form that holds what is no text."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from web.posted import NotText, guarded, ids_in, marked, number_in, whole_number


def test_it_works() -> None:
    sent = QueryDict("page=7&selected=3&selected=3&selected=5")
    assert (number_in(sent, "page"), ids_in(sent)) == (7, [3, 5])


@pytest.mark.parametrize("raw", ["", "²", "1e3", "-1", "+1", "1_0", " 1", "1.0", "٣", "9" * 19, "0x1"])
def test_what_is_no_id(raw: str) -> None:
    assert whole_number(raw) is None


def test_the_largest_fits_every_database() -> None:
    assert whole_number("9" * 18) == 999_999_999_999_999_999


def test_a_number_may_be_kept_shorter() -> None:
    assert (whole_number("12345", 4), whole_number("1234", 4)) == (None, 1234)


@pytest.mark.parametrize(
    ("query", "found"), [("page=1&page=2", 2), ("page=", None), ("", None), ("page", None)]
)
def test_twice_empty_or_missing(query: str, found: int | None) -> None:
    assert number_in(QueryDict(query), "page") == found


def test_senseless_ids_are_left_out() -> None:
    assert ids_in(QueryDict("selected=²&selected=4&selected=-1&selected=")) == [4]


def test_a_sound_form_is_not_guarded() -> None:
    sent = QueryDict("name=Sale")
    assert guarded(sent) is sent


def test_whoever_reads_what_is_no_text_is_told() -> None:
    posted = guarded(QueryDict("name=a%00b&other=Kept"))
    assert posted["other"] == "Kept"
    for read in (posted.get, posted.getlist, posted.copy().get):
        with pytest.raises(NotText, match="name holds a NUL character"):
            read("name")


def test_what_is_set_instead_is_read() -> None:
    posted = guarded(QueryDict("name=a%00b")).copy()
    posted["name"] = "Sale"
    assert posted["name"] == "Sale"


def test_marked_is_what_can_be_shown() -> None:
    assert marked(QueryDict("name=a%00b&other=Kept")).dict() == {"name": "a\ufffdb", "other": "Kept"}
