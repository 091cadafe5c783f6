"""What looks like a token and is none is pointed out before it goes out."""

from __future__ import annotations

import pytest

from messaging.texts.braces import glued_links, stray_braces

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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pay{{link:9}}now", ["{{link:9}}"]),
        ("{{ link_list : 3 }}{{first_name}} {{shorten_url}}-x", ["{{ link_list : 3 }}", "{{shorten_url}}"]),
        ("{{unsubscription_link}}{{link:1}}", ["{{unsubscription_link}}"]),
        ("{{link:9}} now, {{link:9}}. {{link:9}}\n{{link:9}}!", []),
        ("{{link:9}}?a=1 {{link:9}}.) {{link:9}}…", []),
        ("Sale {{link:1}}.Reply STOP", ["{{link:1}}"]),
        ("{{link:1}},{{first_name}} {{link:2}}....", ["{{link:1}}", "{{link:2}}"]),
        ("{{first_name}}now", []),
    ],
)
def test_what_stands_right_behind_a_link(text: str, found: list[str]) -> None:
    assert glued_links(text) == found


def test_a_text_of_nothing_but_braces_is_looked_at_quickly() -> None:
    assert len(stray_braces("}" * 100_000, NAMES)) == 50_000
