"""The menu “Insert a token”."""

from __future__ import annotations

from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from messaging.links.links import create_link_list, set_link_enabled
from messaging.models import WordSpinner
from messaging.texts.menu import (
    MOST_ITEMS,
    MOST_LINKS,
    MenuGroup,
    MenuItem,
    callback_group,
    inserts,
    link_groups,
    named_groups,
    spinner_group,
    token_menu,
)
from messaging.texts.spinners import create_spinner, set_spinner_enabled, token_of
from tests.messaging.links.makers import make_link
from tests.messaging.webhooks.support import make_endpoint


def test_it_works(greeting: WordSpinner) -> None:
    menu = token_menu({"city", "first_name"}, [spinner_group(greeting.workspace)])
    assert [str(group.label) for group in menu] == [
        "Recipient",
        "Columns of your lists",
        "Other",
        "Word spinners",
    ]
    assert [item.insert for item in menu[1].items] == ["{{city}}"]
    assert [(item.label, item.insert) for item in menu[3].items] == [("Greeting", token_of(greeting))]
    assert "{{word_spinner:ID}}" not in inserts(menu)
    assert "{{first_name}}" in inserts(menu)


def test_tokens_by_id_stay_until_somebody_offers_them_by_name() -> None:
    assert "{{link:ID}}" in inserts(token_menu([]))
    group = MenuGroup("Links", [MenuItem("Shop", "{{link:7}}")], frozenset({"link"}))
    offered = inserts(token_menu([], [group]))
    assert "{{link:7}}" in offered
    assert "{{link:ID}}" not in offered


def test_without_spinners_it_says_how_to_make_one(acme: Workspace, other: Workspace) -> None:
    create_spinner(workspace=other, actor=Actor(), name="Theirs", words=[("x", 1)])
    hidden, _merged = create_spinner(workspace=acme, actor=Actor(), name="Hidden", words=[("x", 1)])
    set_spinner_enabled(spinner=hidden, actor=Actor(), enabled=False)
    assert [(item.href, item.insert) for item in spinner_group(acme).items] == [("/spinners/new/", "")]


def test_of_many_the_first_and_where_the_others_are(acme: Workspace) -> None:
    WordSpinner.objects.bulk_create(
        WordSpinner(workspace=acme, name=f"S{number:03}", words=[["x", 1]])
        for number in range(MOST_ITEMS + 1)
    )
    items = spinner_group(acme).items
    assert (len(items), items[0].label, items[-1].href) == (MOST_ITEMS + 1, "S000", "/spinners/")


def test_links_by_name_the_newest_and_where_the_others_are(acme: Workspace, other: Workspace) -> None:
    links, lists = link_groups(acme)
    assert [(item.href, item.insert) for item in links.items] == [("/links/new/", "")]
    assert not lists.items
    make_link(other, "Theirs")
    over = make_link(acme, "Over", expires_at=timezone.now())
    hidden = make_link(acme, "Hidden", "hidden")
    set_link_enabled(link=hidden, actor=Actor(), enabled=False)
    made = [make_link(acme, f"Link {number:02}", f"l{number}") for number in range(MOST_LINKS + 1)]
    create_link_list(workspace=acme, actor=Actor(), name="Empty", links=[])
    full = create_link_list(workspace=acme, actor=Actor(), name="Full", links=[over, *made[:2]])
    links, lists = link_groups(acme)
    assert [str(item.label) for item in links.items] == [
        *(f"Link {number:02}" for number in range(1, MOST_LINKS + 1)),
        "All links",
    ]
    assert links.items[0].insert == f"{{{{link:{made[1].pk}}}}}"
    assert [(item.label, item.insert) for item in lists.items] == [("Full", f"{{{{link_list:{full.pk}}}}}")]
    assert not {"{{link:ID}}", "{{link_list:ID}}"} & set(inserts(token_menu([], named_groups(acme))))


def test_the_link_with_callback_needs_a_webhook(acme: Workspace) -> None:
    assert [(item.href, item.insert) for item in callback_group(acme).items] == [("/settings/webhooks/", "")]
    assert "{{callback_link}}" not in inserts(token_menu([], named_groups(acme)))
    make_endpoint(acme)
    assert [item.insert for item in callback_group(acme).items] == ["{{callback_link}}"]
    assert "{{callback_link}}" in inserts(token_menu([], named_groups(acme)))
