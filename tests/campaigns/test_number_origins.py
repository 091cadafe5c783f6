"""The page of a number: which import, person or program brought it, on what consent; and what an opt-out answered."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Actor
from accounts.models import ApiKey, User, Workspace
from contacts.models import Import, OptOutHow, RecipientList
from contacts.people import Sought
from contacts.services import import_runner, imports
from contacts.services.list_jobs import Wish, start_job
from contacts.services.lists import Person, add_recipients
from contacts.services.opt_outs import opt_in, opt_out
from messaging.models import Message
from tests.contacts.support import list_named, number, upload
from tests.engine.makers import make_account, make_dispatch
from tests.people import ApiClient

pytestmark = pytest.mark.django_db

MAYA = number(1)
URL, API = reverse("number-detail", args=[MAYA]), f"/api/v1/numbers/{MAYA}/"
Api = Callable[..., ApiClient]


def imported(acme: Workspace, bob: User, text: str, **choices: Any) -> Import:
    one = upload(acme, text, "people.csv")
    Import.objects.filter(pk=one.pk).update(created_by=bob)
    one.refresh_from_db()
    name = choices.pop("name", "Members")
    chosen = imports.Choices(mapping=one.mapping, new_list_name=name, **choices)
    imports.choose(imported=one, choices=chosen)
    imports.start_check(imported=one)
    imports.start_run(imported=one, actor=Actor(user=bob))
    import_runner.run_import(one.pk)
    one.refresh_from_db()
    return one


def page_of(client: Client) -> str:
    return " ".join(client.get(URL).content.decode().split())


def origin(client: ApiClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(API).json()["lists"][0]["origin"]
    return found


def test_it_works(acme: Workspace, bob: User, bob_client: Client, api: Api) -> None:
    one = imported(acme, bob, f"phone\n+{MAYA}\n", consent=" Web form, double opt-in ")
    page = page_of(bob_client)
    assert f'the import <a href="{reverse("import-detail", args=[one.pk])}">people.csv</a> of ' in page
    assert f"</a> of {one.created_at:%B} " in page or str(one.created_at.year) in page
    assert f"· {bob}" in page
    assert "Web form, double opt-in" in page
    assert origin(api("viewer")) == {
        "brought_by": "import",
        "by": str(bob),
        "import_id": one.pk,
        "file_name": "people.csv",
        "consent": "Web form, double opt-in",
        "consent_at": "",
    }
    report = bob_client.get(reverse("import-detail", args=[one.pk])).content.decode()
    assert "Web form, double opt-in" in report


def test_columns_of_consent_are_kept_with_the_person(
    acme: Workspace, bob: User, bob_client: Client, api: Api
) -> None:
    text = f"phone,Opt-in date,Consent source\n+{MAYA},2026-05-03 09:30,Landing page\n"
    one = imported(acme, bob, text, consent="Web form")
    assert one.mapping == ["msisdn", "extra:consent_at", "extra:consent_source"]
    page = page_of(bob_client)
    assert "Landing page · 2026-05-03 09:30" in page
    assert ("Web form" in page, "<dt>consent_at</dt>" in page) == (False, False)
    told = origin(api("viewer"))
    assert (told["consent"], told["consent_at"]) == ("Landing page", "2026-05-03 09:30")


def test_the_columns_page_asks_and_offers(acme: Workspace, bob_client: Client) -> None:
    one = upload(acme, f"phone,x\n+{MAYA},y\n")
    page = bob_client.get(reverse("import-columns", args=[one.pk])).content.decode()
    assert ("How they agreed to be texted" in page, "Consent given at" in page) == (True, True)
    stops = upload(acme, f"phone\n+{MAYA}\n", purpose="opt_outs")
    page = bob_client.get(reverse("import-columns", args=[stops.pk])).content.decode()
    assert "How they agreed to be texted" not in page


def test_the_api_takes_consent_of_people_alone(acme: Workspace, api: Api) -> None:
    client, one = api("marketer"), upload(acme, f"phone\n+{MAYA}\n")
    changed = client.patch(f"/api/v1/imports/{one.pk}/", {"consent": "Fair, paper form"})
    assert (changed.status_code, changed.json()["consent"]) == (200, "Fair, paper form")
    stops = upload(acme, f"phone\n+{MAYA}\n", purpose="opt_outs")
    refused = client.patch(f"/api/v1/imports/{stops.pk}/", {"consent": "x"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "consent")


def test_by_hand_through_the_api_and_by_a_job(
    acme: Workspace, bob: User, bob_client: Client, api: Api
) -> None:
    client = api("marketer")
    key = ApiKey.objects.latest("pk")
    by_hand, by_key = list_named(acme, "A by hand"), list_named(acme, "B by key")
    copies: RecipientList = list_named(acme, "C copies")
    add_recipients(recipient_list=by_hand, people=[Person(f"+{MAYA}")], actor=Actor(user=bob))
    add_recipients(recipient_list=by_key, people=[Person(f"+{MAYA}")], actor=Actor(api_key=key))
    by_hand.refresh_from_db()
    start_job(sought=Sought(by_hand), wish=Wish("copy", target=copies), actor=Actor(user=bob))
    told = [one["origin"] for one in client.get(API).json()["lists"]]
    assert [(one["brought_by"], one["by"]) for one in told] == [
        ("person", str(bob)),
        ("api", str(key)),
        ("job", str(bob)),
    ]
    page = page_of(bob_client)
    for words in (
        f"by hand, {bob}",
        f"the API, with the key {key}",
        "</a> of the list A by hand",
        "no record",
    ):
        assert words in page, words


def test_nobody_knows(acme: Workspace, bob_client: Client) -> None:
    list_named(acme).recipients.create(msisdn=MAYA, import_id=987)
    assert "not known" in page_of(bob_client)


def test_another_workspaces_import_is_not_named(
    acme: Workspace, other: Workspace, bob: User, bob_client: Client
) -> None:
    foreign = imported(other, bob, f"phone\n+{number(2)}\n", consent="Secret words")
    list_named(acme, "Ours").recipients.create(msisdn=MAYA, import_id=foreign.pk)
    assert "Secret words" not in page_of(bob_client)


# --- what an opt-out answered ---


@pytest.fixture
def message(acme: Workspace) -> Message:
    dispatch = make_dispatch(acme, make_account(acme), msisdns=[MAYA, number(2)])
    dispatch.messages.update(text="Hello Maya, 25% off", state="sent")
    found: Message = dispatch.messages.get(msisdn=MAYA)
    return found


def test_the_answered_message_is_linked_with_its_words(
    bob_client: Client, acme: Workspace, message: Message, api: Api
) -> None:
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="Stop.", message_id=message.pk)
    page = page_of(bob_client)
    assert f'<a href="#message-{message.pk}">Hello Maya, 25% off</a>' in page
    assert f'id="message-{message.pk}"' in page
    assert api("viewer").get(API).json()["answered"] == "Hello Maya, 25% off"


def test_a_message_of_somebody_else_is_not_shown(
    bob_client: Client, acme: Workspace, message: Message
) -> None:
    theirs = Message.objects.get(msisdn=number(2))
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="Stop.", message_id=theirs.pk)
    assert f"#message-{theirs.pk}" not in page_of(bob_client)


def test_the_proof_tells_the_words(bob_client: Client, acme: Workspace, message: Message) -> None:
    opt_out(workspace=acme, msisdn=number(2), how=OptOutHow.STOP, source="Stop.", message_id=message.pk)
    opt_in(workspace=acme, msisdn=number(2), reason="START")
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="Stop.", message_id=message.pk)
    opt_out(workspace=acme, msisdn=number(3), how=OptOutHow.PERSON)
    response = bob_client.get(reverse("opt-out-export"))
    raw = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    lines = list(csv.DictReader(raw.splitlines()))
    assert [(line["number"], line["message"]) for line in lines] == [
        (f"+{MAYA}", "Hello Maya, 25% off"),
        (f"+{number(3)}", ""),
        (f"+{number(2)}", "Hello Maya, 25% off"),
    ]
