"""The words of a spinner as people write and paste them."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.texts.words import MOST_WORDS, WordsError, clean_words, lines_of, read_lines


def test_it_works() -> None:
    pasted = "Hello * 3\r\n\r\n  Hi  \nGood morning *2\n"
    assert read_lines(pasted) == [("Hello", 3), ("Hi", 1), ("Good morning", 2)]
    found = clean_words(read_lines(pasted))
    assert found.words == [("Hello", 3), ("Hi", 1), ("Good morning", 2)]
    assert lines_of(found.words) == "Hello * 3\nHi\nGood morning * 2"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("Hello\t3", ("Hello", 3)),
        ("5 * stars", ("5 * stars", 1)),
        ("5*3", ("5*3", 1)),
        ("*", ("*", 1)),
        ("Hi {name}", ("Hi {name}", 1)),
        ("a | b", ("a | b", 1)),
        ("Hi * 1.5", ("Hi", "1.5")),
        ("Hi * -2", ("Hi", -2)),
        ("2 * 3 * 1", ("2 * 3", 1)),
    ],
)
def test_reads_a_line(line: str, word: tuple[str, Any]) -> None:
    assert read_lines(line) == [word]


@pytest.mark.parametrize("words", [[("2 * 3", 1)], [("a * 2", 5), ("b", 1000)], [("x\t7", 1)], [("*", 2)]])
def test_what_is_written_is_read_back(words: list[tuple[str, int]]) -> None:
    assert read_lines(lines_of(words)) == words


def test_words_that_stand_twice_are_merged() -> None:
    found = clean_words([("Hi", 2), ("hi", 1), ("Hi ", 3)])
    assert found.words == [("Hi", 5), ("hi", 1)]
    assert found.merged == ["Hi"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs one word at least"),
        ([("", 1)], "Word 1: it is empty"),
        ([("a" * 161, 1)], "has 161 characters; at most 160 fit"),
        ([("Hi", 0)], "“Hi” has the weight 0. Use a whole number from 1 to 1000."),
        ([("Hi", 1001)], "the weight 1001"),
        ([("Hi", "1.5")], "the weight 1.5"),
        ([("Hi", True)], "the weight True"),
        ([("Hi {{first_name}}", 1)], "holds doubled braces. A word goes out as it stands"),
        ([("Hi\nthere", 1)], "control character U+000A"),
        ([("Hi\x00", 1)], "control character U+0000"),
        ([("Hi", 600), ("Hi", 600)], "add up to 1200"),
        ([("w", 1)] * (MOST_WORDS + 1), "These are 201 words; at most 200 fit"),
    ],
)
def test_rejects(words: list[tuple[str, Any]], said: str) -> None:
    with pytest.raises(WordsError) as caught:
        clean_words(words)
    assert said in str(caught.value.sentence)
    assert caught.value.field == "words"


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(WordsError) as caught:
        clean_words([("ok", 1), ("a" * 161, 1), ("Hi", 0)])
    assert [sentence[:7] for sentence in caught.value.sentences] == ["Word 2:", "Word 3:"]


def test_keeps_what_is_unusual() -> None:
    words = [("שלום", 1), ("a\u200bb", 1), ("\u202eabc", 1), ("👩‍👧", 1), ("Hi {", 1)]
    assert clean_words(words).words == words
