"""contacts.files.names: a whole name in two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.files.names import split_name


@pytest.mark.parametrize(
    ("whole", "first", "last"),
    [
        ("Ann Lee", "Ann", "Lee"),
        ("  Ann   Lee ", "Ann", "Lee"),
        ("Anna Maria Schmidt", "Anna Maria", "Schmidt"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Jan van der Berg", "Jan", "van der Berg"),
        ("Oscar De La Renta", "Oscar", "De La Renta"),
        ("Lee, Ann", "Ann", "Lee"),
        ("van der Berg, Jan Pieter", "Jan Pieter", "van der Berg"),
        ("Lee, Dr. Ann", "Ann", "Lee"),
        ("Dr. Ann Lee", "Ann", "Lee"),
        ("Herr Schmidt", "Herr", "Schmidt"),
        ("John Smith Jr.", "John", "Smith Jr."),
        ("John Smith, PhD", "John", "Smith PhD"),
        ("Lee,", "Lee", ""),
        ("Cher", "Cher", ""),
        ("王小明", "王小明", ""),
        ("Minh Van", "Minh", "Van"),
        ("", "", ""),
        (",", "", ""),
    ],
)
def test_it_works(whole: str, first: str, last: str) -> None:
    assert split_name(whole) == (first, last)


@given(st.text())
def test_any_text_is_taken(whole: str) -> None:
    first, last = split_name(whole)
    assert len(first) + len(last) <= len(whole)
