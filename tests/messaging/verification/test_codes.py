"""The code: drawn, hashed, compared, read as it was typed, kept masked."""

from __future__ import annotations

from collections import Counter

import pytest

from messaging.models import Verification
from messaging.verification import codes
from messaging.verification.codes import (
    begins_masked,
    draw_code,
    hash_code,
    holds_code,
    is_code,
    masked,
    new_salt,
    typed_code,
)

DRAWN = 20_000


def of(code: str, salt: str = "salt") -> Verification:
    return Verification(salt=salt, code_hash=hash_code(code, salt))


def test_it_works() -> None:
    code = draw_code(6)
    assert is_code(of(code), code)
    assert not is_code(of(code), str(int(code) ^ 1))


@pytest.mark.parametrize("length", range(4, 11))
def test_a_code_has_its_length_and_no_leading_zero(length: int) -> None:
    drawn = {draw_code(length) for _ in range(500)}
    assert {(len(code), code.isdigit(), code[0] == "0") for code in drawn} == {(length, True, False)}
    assert len(drawn) > 450


def test_every_digit_comes_as_often_as_the_others() -> None:
    drawn = [draw_code(6) for _ in range(DRAWN)]
    first = Counter(code[0] for code in drawn)
    assert set(first) == set("123456789")
    # Six standard deviations either way: false once in 500 million runs.
    assert all(abs(count - DRAWN / 9) < 6 * (DRAWN / 9) ** 0.5 for count in first.values())
    for place in range(1, 6):
        counts = Counter(code[place] for code in drawn)
        assert set(counts) == set("0123456789")
        assert all(abs(count - DRAWN / 10) < 6 * (DRAWN / 10) ** 0.5 for count in counts.values())


def test_the_ends_of_the_range_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes.secrets, "randbelow", lambda below: 0)
    assert draw_code(4) == "1000"
    monkeypatch.setattr(codes.secrets, "randbelow", lambda below: below - 1)
    assert draw_code(4) == "9999"


@pytest.mark.parametrize("answer", [True, False])
def test_the_comparison_that_takes_constant_time_decides(
    monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return answer

    monkeypatch.setattr(codes, "compare_digest", compare)
    assert is_code(of("482913"), "482913") is answer
    assert is_code(of("482913"), "111111") is answer
    assert [len(part) for pair in compared for part in pair] == [64] * 4


def test_the_same_code_has_another_hash_with_another_salt() -> None:
    assert hash_code("482913", new_salt()) != hash_code("482913", new_salt())
    assert len(new_salt()) == 32


def test_the_hash_needs_the_installations_secret(settings: object) -> None:
    before = hash_code("482913", "salt")
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]  # pytest-django's
    assert hash_code("482913", "salt") != before


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("482913", "482913"),
        (" 482 913\n", "482913"),
        ("482-913", "482913"),
        ("482–913", "482913"),
        ("4\u00a08\u200b2913", "482913"),
        ("٤٨٢٩١٣", "482913"),
        ("４８２９１３", "482913"),
        ("48291", "48291"),
        ("482913x", ""),
        ("²82913", ""),
        ("-", ""),
        ("", ""),
        ("4" * 61, ""),
    ],
)
def test_a_code_is_read_as_people_type_it(written: str, read: str) -> None:
    assert typed_code(written) == read


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Code {{verification_code}}", True),
        ("Code {{ verification_code }}", True),
        ("{{{verification_code}}}", True),
        ("Your verification_code", False),
        ("{{my_verification_code}}", False),
        ("{{verification_code_2|none}}", False),
        ("{verification_code}", False),
    ],
)
def test_a_text_with_a_code_is_told_by_its_token(text: str, holds: bool) -> None:
    assert holds_code(text) is holds


def test_a_text_is_kept_masked() -> None:
    assert masked("Your code is 482913. 482913!", "482913") == "Your code is ••••••. ••••••!"
    assert masked("No code", "") == "No code"


@pytest.mark.parametrize(
    ("beginning", "fits"),
    [
        ("Code 482913 is", True),
        ("Code 999", True),
        ("", True),
        ("Kode 482913", False),
        ("Code 482913 is it", False),
    ],
)
def test_a_report_that_quotes_the_text_is_told_by_it(beginning: str, fits: bool) -> None:
    assert begins_masked("Code •••••• is", beginning) is fits
