"""Components whose logic is more than their mark-up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import TemplateSyntaxError, engines
from django.template.loader import get_template
from django.test import RequestFactory

from web.templatetags.crier import ago, bar_parts, icon, initials, msisdn, new_id

pytestmark = pytest.mark.urls("tests.web.frame_urls")

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COMPONENTS = sorted((Path(settings.BASE_DIR) / "templates" / "cotton").glob("*.html"))


def component(name: str, slot: str = "", /, **attributes: Any) -> str:
    """The component as a page would get it; attributes come in as variables."""
    bound = " ".join(f':{key}="{key}"' for key in attributes)
    source = f"{{% cotton {name} {bound} %}}{slot}{{% endcotton %}}"
    return (
        engines["django"].from_string(source).render(attributes, RequestFactory().get("/list/?sort=name&q=x"))
    )


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_each_component_compiles_and_says_how_it_is_used(path: Path) -> None:
    get_template(f"cotton/{path.name}")
    assert path.read_text().startswith("{# ")


def test_the_styleguide_shows_each_component() -> None:
    pages = [Path(settings.BASE_DIR) / "templates" / name for name in ("base.html", "web/styleguide.html")]
    inside = [*pages, *COMPONENTS, *pages[0].parent.glob("web/**/*.html")]
    text = "".join(path.read_text() for path in inside)
    assert [path.stem for path in COMPONENTS if f"<c-{path.stem}" not in text] == []


@pytest.mark.parametrize("name", ["badge", "button", "icon", "chip", "relative_time", "crumb", "menu_item"])
def test_components_in_a_line_bring_no_white_space(name: str) -> None:
    html = component(name, "x", **({"name": "send"} if name == "icon" else {}))
    assert html == html.strip()


def test_a_button_with_href_is_a_link() -> None:
    assert component("button", "Go", href="/x/?a=1&b=2").startswith('<a href="/x/?a=1&amp;b=2" class="btn"')
    assert component("button", "Go").startswith('<button type="submit" class="btn"')


def test_words_of_people_are_escaped() -> None:
    evil = '"><script>x</script>'
    for name, attributes in (
        ("chip", {"label": evil, "name": "n", "value": evil}),
        ("select", {"name": evil, "label": evil, "options": [(evil, evil)]}),
        ("combobox", {"name": evil, "label": evil, "options": [(evil, evil)], "value": evil}),
        ("copy_field", {"label": evil, "value": evil}),
        ("phone", {"sender": evil, "when": evil}),
        ("confirm", {"id": "a", "title": evil, "action": evil, "verb": evil}),
        ("filter_tabs", {"label": evil, "tabs": [{"label": evil, "url": evil, "count": 1}]}),
        ("state_bar", {"parts": [{"kind": "failed", "label": evil, "count": 1}]}),
        (
            "chart",
            {
                "chart": {
                    "labels": [evil],
                    "series": [{"key": evil, "label": evil, "color": "--chart-1", "values": [1]}],
                }
            },
        ),
    ):
        assert "<script>x" not in component(name, **attributes), name


def test_a_select_keeps_its_choice_across_types() -> None:
    html = component("select", name="list", label="List", options=[(7, "Seven"), (8, "Eight")], value="8")
    assert '<option value="8" selected>Eight' in html and html.count("selected") == 1


def test_a_sorted_column_offers_the_other_way_and_keeps_the_search() -> None:
    html = component("sort_head", "Name", name="name", sort="name")
    assert 'aria-sort="ascending"' in html and 'href="?sort=-name&amp;q=x"' in html
    assert 'aria-sort="descending"' in component("sort_head", "Name", name="name", sort="-name")
    assert "aria-sort" not in component("sort_head", "Parts", name="parts", sort="name")


def test_the_pager_ends_at_both_ends() -> None:
    html = component("pager", first=1, last=50, total=12168, next="?page=2")
    assert "1–50 of 12,168" in html and 'rel="next"' in html and 'rel="prev"' not in html


def test_a_state_bar_fills_its_width_and_hides_nothing() -> None:
    parts = bar_parts(
        [
            {"kind": "delivered", "label": "Delivered", "count": 999_990},
            {"kind": "failed", "label": "Failed", "count": 3},
            {"kind": "waiting", "label": "Waiting", "count": 0},
        ]
    )
    assert [part["width"] for part in parts] == ["1000.0", "0.0", "0.0"] or float(parts[1]["width"]) >= 2
    assert float(parts[1]["x"]) + float(parts[1]["width"]) <= 1000


def test_a_state_bar_of_nothing_is_empty() -> None:
    assert [part["width"] for part in bar_parts([{"kind": "failed", "label": "Failed", "count": 0}])] == [
        "0.0"
    ]


def test_a_state_bar_says_its_numbers() -> None:
    html = component("state_bar", parts=[{"kind": "delivered", "label": "Delivered", "count": 8829}])
    assert 'aria-label="Delivered 8,829"' in html


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12, "just now"),
        (-12, "in a moment"),
        (60, "1 minute ago"),
        (300, "5 minutes ago"),
        (-7200, "in 2 hours"),
        (86400, "1 day ago"),
        (40 * 86400, "12 Oct 2026"),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_relative_time_carries_the_full_one() -> None:
    html = component("relative_time", time=NOW)
    assert 'datetime="2026-11-21T12:00:00+00:00"' in html and 'title="21 November 2026, 12:00:00 UTC"' in html
    assert component("relative_time", time=None, empty="never") == "<span>never</span>"


def test_an_unknown_icon_is_a_mistake_of_ours() -> None:
    with pytest.raises(TemplateSyntaxError, match="no-such-icon"):
        icon("no-such-icon")


def test_ids_differ() -> None:
    assert new_id("menu") != new_id("menu")


def test_small_words() -> None:
    assert (initials("Northwind Traders Ltd"), initials("alice@example.com"), initials("")) == ("NT", "A", "")
    assert (msisdn("12015550123"), msisdn(None)) == ("+1 201-555-0123", "")
