"""What stands right beside a link: pointed out where it spoils the link, and only there."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from django.test import Client

from accounts.models import Workspace
from messaging.links.lookup import Lookup
from messaging.links.redirect import Redirects
from messaging.models import Dispatch, LinkUse
from messaging.texts.glued import Glue, glued_links
from sms.parts import swap_smart
from tests.messaging.links.makers import IPHONE, WAY_OUT, code_of, make_linked_dispatch, messages_of

BEHIND, SCHEME, BEFORE = Glue.BEHIND, Glue.SCHEME, Glue.BEFORE

ASCII = [chr(code) for code in range(0x21, 0x7F)]
ENDS = list("！，、？「」『』«»„“”‘’–—·¿¡؟،۔।։\u037e。…€£•éßñяאあ漢한🎉👍")
UNSEEN = list("\u200b\u200e\u200f\u2060\ufeff\u00ad\u200d\ufe0f\u2066")
RUNS = [
    *(
        "...",
        "....",
        "…”",
        '..."',
        '...."',
        "!!!",
        "!!!!",
        "?a=1",
        "#top",
        "?",
        "ééé",
        "ééééééé",
        "漢字漢",
        "漢字漢字漢字漢",
    ),
    *(
        ".)",
        "/.",
        "/x",
        ".x",
        "%2E",
        "%41",
        "%41.",
        "%",
        "\u200bnow",
        "\u200b.",
        "-x",
        "_",
        "-",
        "--",
        "🎉🎉🎉",
        "🎉🎉🎉🎉",
    ),
    *("«»«»", "é.é.", "あ。", "x" * 12, "." * 100, "/" + "a" * 99, "/" + "a" * 101, "漢" * 101, "漢" * 102),
]
ALL = [*ASCII, *ENDS, *UNSEEN, *RUNS]


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_linked_dispatch(acme)


def opens(path: str, client: Client) -> bool:
    """As a phone asks for it, and the server hands it on: led to the link's address, or the unsubscribe page."""
    path, _mark, query = path.partition("#")[0].partition("?")
    answered: list[tuple[str, str]] = []

    def pages(environ: object, start_response: object) -> list[bytes]:
        is_page = path.startswith("/o/") and client.get(quote(unquote(path))).status_code == 200
        answered.append(("200" if is_page else "404", ""))
        return []

    class Hits:
        def add(self, *_facts: object, **_more: object) -> None: ...

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote(path).encode().decode("latin-1"),
        "QUERY_STRING": query,
        "HTTP_USER_AGENT": IPHONE,
        "REMOTE_ADDR": "203.0.113.7",
    }
    site = Redirects(pages, lookup=Lookup(), spool=Hits())  # type: ignore[arg-type]  # stand-ins
    site(environ, lambda status, headers: answered.append((status[:3], dict(headers).get("Location", ""))))
    return answered in ([("302", "https://example.com/sale")], [("200", "")])


def warned(text: str, *, swaps: bool = False) -> bool:
    return any(one.glue == BEHIND for one in glued_links(text, swaps=swaps))


def sent_behind(behind: str, *, swaps: bool) -> str:
    """Up to the blank, as it stands behind the link in the text that is sent."""
    text = swap_smart(f"{behind} now") if swaps else f"{behind} now"
    return re.split(r"\s", text)[0]


@pytest.mark.parametrize("swaps", [False, True])
def test_the_check_says_what_the_redirect_does(dispatch: Dispatch, client: Client, swaps: bool) -> None:
    code = code_of(messages_of(dispatch)[0])
    wrong = {}
    for behind in ALL:
        led = opens(f"/{code}{sent_behind(behind, swaps=swaps)}", client)
        if led == warned(f"Sale {{{{link:1}}}}{behind} now", swaps=swaps):
            wrong[behind] = led
    assert wrong == {}


@pytest.mark.parametrize("swaps", [False, True])
def test_the_check_says_what_the_unsubscribe_page_does(
    dispatch: Dispatch, client: Client, swaps: bool
) -> None:
    code = code_of(messages_of(dispatch)[0], WAY_OUT)
    assert dispatch.links.filter(entry=WAY_OUT, use=LinkUse.UNSUBSCRIBE).exists()
    wrong = {}
    for behind in ALL:
        led = opens(f"/o/{code}{sent_behind(behind, swaps=swaps)}", client)
        if led == warned(f"No more: {{{{unsubscription_link}}}}{behind} now", swaps=swaps):
            wrong[behind] = led
    assert wrong == {}


def test_what_is_sent_counts(dispatch: Dispatch) -> None:
    text = "Sale {{link:1}}…” now"
    assert not glued_links(text)
    assert [(one.glue, one.beside) for one in glued_links(text, swaps=True)] == [(BEHIND, '..."')]
    assert not glued_links("{{link:1}}\u200b now {{link:1}}\u00a0now", swaps=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pay {{link:9}}now", [(BEHIND, "{{link:9}}", "now", 1, 5)]),
        ("Pay\n {{link:9}}now, yes", [(BEHIND, "{{link:9}}", "now,", 2, 2)]),
        (
            "{{ link_list : 3 }}{{first_name}} {{shorten_url}}-x",
            [(BEHIND, "{{ link_list : 3 }}", "", 1, 1), (BEHIND, "{{shorten_url}}", "-x", 1, 35)],
        ),
        ("{{unsubscription_link}}{{link:1}}", [(BEHIND, "{{unsubscription_link}}", "", 1, 1)]),
        ("{{link:9}} now, {{link:9}}. {{link:9}}\n{{link:9}}!", []),
        ("{{link:9}}?a=1 {{link:9}}.) {{link:9}}…", []),
        ("{{link:9}}?a={{first_name}} {{callback_link}}#x", []),
        ("Sale {{link:1}}.Reply STOP", [(BEHIND, "{{link:1}}", ".Reply", 1, 6)]),
        (
            "{{link:1}},{{first_name}} {{link:2}}....",
            [(BEHIND, "{{link:1}}", ",", 1, 1), (BEHIND, "{{link:2}}", "....", 1, 27)],
        ),
        ("{{first_name}}now {{url}}x", []),
        ("Sale https://{{link:1}} now", [(SCHEME, "{{link:1}}", "https://", 1, 14)]),
        (
            "http:{{link:1}} WWW.{{shorten_url}}",
            [(SCHEME, "{{link:1}}", "http:", 1, 6), (SCHEME, "{{shorten_url}}", "WWW.", 1, 21)],
        ),
        ("Sale:{{link:1}} ({{link:1}}) “{{link:1}}” -{{link:1}}", []),
        ("Sale{{link:1}}", [(BEFORE, "{{link:1}}", "e", 1, 5)]),
        (
            "5{{link:1}} Ж{{link:1}} 見{{link:1}}",
            [
                (BEFORE, "{{link:1}}", "5", 1, 2),
                (BEFORE, "{{link:1}}", "Ж", 1, 14),
                (BEFORE, "{{link:1}}", "見", 1, 26),
            ],
        ),
        ("{{first_name}}{{link:1}}", [(BEFORE, "{{link:1}}", "", 1, 15)]),
        ("Hi {{first_name}}\n{{link:1}}\n{{link:2}}", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_stands_right_beside_a_link(text: str, found: list[tuple[str, str, str, int, int]]) -> None:
    assert [(one.glue, one.link, one.beside, one.line, one.column) for one in glued_links(text)] == found


def test_what_is_left_out_between_word_and_link_parts_nothing() -> None:
    assert not glued_links("Sale\u200b{{link:1}}")
    assert [one.glue for one in glued_links("Sale\u200b{{link:1}}", swaps=True)] == [BEFORE]


@pytest.mark.parametrize(
    "text", ["{{link:1}}x" * 9_000, "{{link:1}}" + "é" * 100_000, "x" * 100_000 + "{{link:1}}"]
)
def test_long_texts_are_looked_at(text: str) -> None:
    assert glued_links(text, swaps=True)
