"""What `make check` refuses in templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from web.template_rules import breaks_in, main

PAGE = Path("page.html")


def sentences(text: str, components: Path | None = None) -> list[str]:
    return [found.sentence for found in breaks_in(text, PAGE, components)]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('<p style="color:red">', "style="),
        ('<p {% if wide %}style="width:1px"{% endif %}>', "style="),
        ("<style>p{}</style>", "<style>"),
        ("<script>go()</script>", "inline script"),
        ('<script type="module">go()</script>', "inline script"),
        ('<button onclick="go()">', "onclick"),
        ("<img src='a.png' ONERROR='go()'>", "onerror"),
        ('<div hx-on:click="go()">', "hx-on:click"),
        ('<div hx-on::after-request="go()">', "hx-on::after-request"),
        ('<div data-hx-on-click="go()">', "data-hx-on-click"),
        ("""<div hx-vals='js:{a: 1}'>""", "js:"),
        ("""<div hx-headers='javascript:{a: 1}'>""", "js:"),
        ('<div hx-trigger="keyup[ctrlKey]">', "filter"),
        ('<div hx-ext="sse">', "htmx 4"),
        ('<div hx-params="*">', "htmx 4"),
        ('<div hx-vars="a:1">', "htmx 4"),
        ("<div hx-disable>", "htmx 4"),
        ('<a href="javascript:go()">', "javascript:"),
        ('<c-button onclick="go()">Go</c-button>', "onclick"),
        ('<br style="x"/>', "style="),
    ],
)
def test_it_refuses(text: str, part: str) -> None:
    (sentence,) = sentences(text)
    assert part in sentence


@pytest.mark.parametrize(
    "text",
    [
        '<script src="{% static "js/shell.js" %}" type="module"></script>',
        '<script type="application/json">{"style": "onclick="}</script>',
        '<div hx-trigger="every 2s, keyup changed delay:300ms from:#search">',
        """<div hx-vals='{"a": 1}' hx-disabled-elt="this">""",
        "<p>style= and onclick= and <code>hx-on</code> in words</p>",
        '{# <p style="x"> #}',
        '{% comment %}<script>go()</script>\n<p style="x">{% endcomment %}',
        '<svg viewBox="0 0 10 4"><rect width="{{ width }}" height="4"></rect></svg>',
        "<c-table only>",
    ],
)
def test_it_lets_pass(text: str) -> None:
    assert sentences(text) == []


def test_it_says_the_line() -> None:
    text = '<p>\n{% comment %}\n\n{% endcomment %}\n<div\n  class="a"\n  style="b">\n'
    assert [found.line for found in breaks_in(text, PAGE)] == [7]


@pytest.fixture
def components(tmp_path: Path) -> Path:
    folder = tmp_path / "cotton"
    folder.mkdir()
    (folder / "big_table.html").write_text('<c-vars rows="" :page="None" plain />\n{{ rows }}{{ attrs }}')
    return folder


@pytest.mark.parametrize(
    "text", ['<c-big-table :title="x">', "<c-big_table title=x>", '<c-big_table :href="x" />']
)
def test_it_refuses_bindings_that_cotton_would_not_escape(text: str, components: Path) -> None:
    (sentence,) = sentences(text, components)
    assert "unescaped" in sentence


@pytest.mark.parametrize(
    "text",
    ['<c-big-table :rows="x" :page="y" :plain="z">', '<c-big_table title="{{ x }}">', '<c-unheard :of="x">'],
)
def test_it_lets_declared_bindings_pass(text: str, components: Path) -> None:
    assert sentences(text, components) == []


def test_the_command_prints_place_and_sentence_and_fails(tmp_path: Path, capsys) -> None:
    (tmp_path / "bad.html").write_text("\n<p style='x'>")
    (tmp_path / "good.html").write_text("<p class='x'>")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith(f"{tmp_path}/bad.html:2: style= is refused")


def test_the_command_refuses_a_folder_that_is_not_there(tmp_path: Path, capsys) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_command_wants_a_folder(capsys) -> None:
    assert main([]) == 2


def test_our_own_templates_keep_the_rules(capsys) -> None:
    assert main([str(Path(settings.BASE_DIR) / "templates")]) == 0, capsys.readouterr().out
