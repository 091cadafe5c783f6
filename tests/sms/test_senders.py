"""What may stand as a sender."""

from __future__ import annotations

import pytest

from sms.senders import sender_error, sender_kind


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("Acme", "alphanumeric"),
        ("O'Neil & Co", "alphanumeric"),
        ("a.b_c-d+e", "alphanumeric"),
        ("24x7", "alphanumeric"),
        ("ABCDEFGHIJK", "alphanumeric"),
        ("12015550123", "number"),
        ("447700900", "number"),
        ("1" * 20, "number"),
        ("60123", "short_code"),
        ("112", "short_code"),
        ("12345678", "short_code"),
    ],
)
def test_accepts(sender: str, kind: str) -> None:
    assert sender_error(sender) is None
    assert sender_kind(sender) == kind


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        ("", "The sender is empty: give a name of up to 11 characters or a number of up to 20 digits."),
        ("  ", "The sender is empty: give a name of up to 11 characters or a number of up to 20 digits."),
        ("Acme ", "The sender “Acme ” begins or ends with a space: remove it."),
        ("1" * 21, f"The sender “{'1' * 21}” has 21 digits: at most 20 are possible."),
        (
            "1",
            "The sender “1” is too short for a number: a short code has 3 to 8 digits, a long number its country"
            " code in front.",
        ),
        (
            "12",
            "The sender “12” is too short for a number: a short code has 3 to 8 digits, a long number its country"
            " code in front.",
        ),
        (
            "+12015550123",
            "The sender “+12015550123” is a number: write it with digits only, without the plus.",
        ),
        (
            "Café",
            "The sender “Café” holds “é”: use the letters A to Z without accents, digits, spaces and"
            " ' . _ - + & only.",
        ),
        (
            "A\u200bB",
            "The sender “A\N{REPLACEMENT CHARACTER}B” holds the invisible character U+200B: use the letters"
            " A to Z without accents, digits, spaces and ' . _ - + & only.",
        ),
        ("1-800", "The sender “1-800” has no letter: a name needs one, a number has digits only."),
        ("ABCDEFGHIJKL", "The sender “ABCDEFGHIJKL” has 12 characters: shorten it to 11."),
    ],
)
def test_refuses_with_a_sentence(sender: str, sentence: str) -> None:
    assert sender_error(sender) == sentence


def test_digits_of_other_scripts_are_no_number() -> None:
    assert sender_error("١٢٣٤٥") is not None


def test_a_long_value_is_shortened_in_the_sentence() -> None:
    sentence = sender_error("é" * 500)
    assert sentence is not None
    assert len(sentence) < 200
