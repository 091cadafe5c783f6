"""What looks like a token and is none is pointed out before it goes out."""

from __future__ import annotations

import pytest

from messaging.texts.braces import stray_braces

NAMES = {"first_name", "city", "Name Ö"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi {first_name}!", [("{first_name}", "{{first_name}}", 1, 4)]),
        ("Hi { city }", [("{ city }", "{{city}}", 1, 4)]),
        ("Hi\n{first_name|there}", [("{first_name|there}", "{{first_name}}", 2, 1)]),
        ("Hi {Name Ö}", [("{Name Ö}", "{{Name Ö}}", 1, 4)]),
        ("Hi first_name}}", [("}}", "", 1, 14)]),
        ("Hi ｛｛first_name｝｝", [("｛｛", "", 1, 4), ("｝｝", "", 1, 16)]),
        ("{{first_name}} }} {city}", [("}}", "", 1, 16), ("{city}", "{{city}}", 1, 19)]),
        ("Hi {{first_name}}, {Ann}, {} and {1:2}", []),
        ("{{{first_name}}} {{ {city} }}", []),
        ("No braces", []),
        ("", []),
    ],
)
def test_stray_braces(text: str, found: list[tuple[str, str, int, int]]) -> None:
    shown = [(one.written, one.meant, one.line, one.column) for one in stray_braces(text, NAMES)]
    assert shown == found


def test_a_text_of_nothing_but_braces_is_looked_at_quickly() -> None:
    assert len(stray_braces("}" * 100_000, NAMES)) == 50_000
