"""Names that people give: each character of them can be seen, wherever a name is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import Role, Workspace
from accounts.services import create_api_key, update_workspace
from campaigns.errors import CampaignError
from campaigns.services.campaigns import create_campaign, update_campaign
from campaigns.services.drafts import create_draft, save_draft
from contacts.errors import ContactsError
from contacts.models import RecipientList
from contacts.rules import Condition, Rule
from contacts.services import lists, opt_outs
from messaging.errors import MessagingError
from messaging.links.links import create_link_list
from messaging.sender_lists import create_sender_list
from messaging.texts.spinners import create_spinner
from messaging.texts.templates import create_template
from messaging.texts.words import WordsError, clean_words
from tests.messaging.links.makers import make_link
from tests.people import api_client
from web.names import name_problem, seen_name, stripped_name

REFUSED = (AccountsError, CampaignError, ContactsError, MessagingError)
UNSEEN = ["\u200b", "\u2066", "\u3164", "\ufeff", "\u2800", "\ufe0f", "\U000e0041"]
Create = Callable[[Workspace, str], Any]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (" Sale ", "Sale"),
        ("\ufeffSale\u200b \u200e", "Sale"),
        ("Sale\u00a0", "Sale"),
        ("\u200b", ""),
        ("\u200b \u2060\u00ad", ""),
        ("A\u200bB", "A\u200bB"),
    ],
)
def test_what_is_copied_along_is_left_out(written: str, name: str) -> None:
    assert stripped_name(written) == name


@pytest.mark.parametrize(
    ("name", "char", "place"),
    [
        ("\u3164", "hangul filler (U+3164)", 1),
        ("Sa\u200ble", "zero width space (U+200B)", 3),
        ("Sale \u202eelas", "right-to-left override (U+202E)", 6),
        ("Sale\x1b[31m", "U+001B", 5),
        ("Two\nlines", "a line end (U+000A)", 4),
        ("é\u200dé", "zero width joiner (U+200D)", 2),
    ],
)
def test_what_cannot_be_seen_is_named_with_its_place(name: str, char: str, place: int) -> None:
    sentence = f"The name holds a character that cannot be seen: {char} at place {place}. Take it out."
    assert name_problem(name) == sentence


@pytest.mark.parametrize(
    "name", ["Sale", "Été – 50 %", "👩🏽\u200d🚀 ❤\ufe0f", "می\u200cخواهم", "מבצע", "促销", ""]
)
def test_what_can_be_seen_is_no_problem(name: str) -> None:
    assert name_problem(name) == ""


def test_of_the_name_of_a_file_the_rest_is_taken() -> None:
    assert seen_name("\ufeffmem\u200bbers\t2026\u202e") == "members 2026"


CREATE: dict[str, Create] = {
    "link": make_link,
    "link list": lambda acme, name: create_link_list(workspace=acme, actor=Actor(), name=name, links=[]),
    "sender list": lambda acme, name: create_sender_list(workspace=acme, actor=Actor(), name=name),
    "template": lambda acme, name: create_template(workspace=acme, actor=Actor(), name=name, text="Hi"),
    "spinner": lambda acme, name: create_spinner(workspace=acme, actor=Actor(), name=name, words=[("Hi", 1)]),
    "recipient list": lambda acme, name: lists.create_list(workspace=acme, actor=Actor(), name=name),
    "unsubscribe list": lambda acme, name: opt_outs.create_unsubscribe_list(
        workspace=acme, actor=Actor(), name=name
    ),
    "campaign": lambda acme, name: create_campaign(workspace=acme, actor=Actor(), name=name),
    "workspace": lambda acme, name: update_workspace(workspace=acme, actor=Actor(), name=name),
    "key": lambda acme, name: create_api_key(workspace=acme, name=name, role="viewer", actor=Actor()),
}


@pytest.mark.parametrize("kind", CREATE)
def test_nothing_has_a_name_that_nobody_can_see(acme: Workspace, kind: str) -> None:
    for char in UNSEEN:
        with pytest.raises(REFUSED) as refused:
            CREATE[kind](acme, char)
        assert refused.value.field == "name", char
        with pytest.raises(REFUSED) as refused:
            CREATE[kind](acme, f"a{char}b")
        assert "at place 2. Take it out." in str(refused.value.sentence), char


@pytest.mark.parametrize("kind", [kind for kind in CREATE if kind not in ("workspace", "key")])
def test_two_names_that_look_alike_do_not_stand_side_by_side(acme: Workspace, kind: str) -> None:
    CREATE[kind](acme, "Sale 1")
    with pytest.raises(REFUSED) as refused:
        CREATE[kind](acme, "Sale 1\u200b")
    assert refused.value.field == "name"


def test_broadcasts_too(acme: Workspace) -> None:
    draft = create_draft(workspace=acme, actor=Actor(), name="\u200b")
    assert draft.name == "Untitled broadcast"
    with pytest.raises(CampaignError):
        save_draft(broadcast=draft, actor=Actor(), version=draft.version, changes={"name": "\u3164"})
    with pytest.raises(CampaignError):
        create_draft(workspace=acme, actor=Actor(), name="a\u202eb")


def test_a_changed_name_is_looked_at_too(acme: Workspace) -> None:
    campaign = create_campaign(workspace=acme, actor=Actor(), name="Spring")
    with pytest.raises(CampaignError):
        update_campaign(campaign=campaign, actor=Actor(), name="\u2066")
    recipient_list = lists.create_list(workspace=acme, actor=Actor(), name="Members")
    with pytest.raises(ContactsError):
        lists.rename_list(recipient_list=recipient_list, actor=Actor(), name="Mem\u200bbers")
    assert RecipientList.objects.get().name == "Members"
    rule = Rule("all", (Condition("first_name", "is", "Ann"),))
    with pytest.raises(ContactsError):
        lists.save_filter(recipient_list=recipient_list, actor=Actor(), name="\u3164", rule=rule)


@pytest.mark.parametrize("char", UNSEEN)
def test_words_of_a_spinner_can_be_seen(char: str) -> None:
    with pytest.raises(WordsError) as refused:
        clean_words([("Hi", 1), (char, 1)])
    assert "Word 2: nothing of it can be seen: it holds " in refused.value.sentences[0]
    assert f"(U+{ord(char):04X})" in refused.value.sentences[0]


def test_pages_and_api_tell_it_at_the_field(acme: Workspace, bob_client: Client) -> None:
    page = bob_client.post("/links/new/", {"name": "\u2066", "url": "https://example.com/x"})
    assert page.status_code in (200, 422)
    assert "left-to-right isolate (U+2066) at place 1" in page.content.decode()
    answer = api_client(Role.MARKETER).post(
        "/api/v1/links/", {"name": "\u3164", "url": "https://example.com/x"}
    )
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert "hangul filler (U+3164) at place 1" in error["detail"]
    assert not acme.links.exists()
