"""The page of one number, opting out and in there, and erasure on request."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, Role, Workspace
from contacts.models import Import, ImportBefore, OptOut, OptOutHow, OptOutReview, Recipient, RecipientList
from contacts.services.lists import Person, add_recipients
from contacts.services.opt_outs import add_members, create_unsubscribe_list, opt_in, opt_out
from messaging.erasure import erase_number
from messaging.models import Dispatch, InboundText, Message, MessageCount
from messaging.receipts import apply_inbound
from providers.connectors.base import InboundText as InboundNews
from providers.models import ProviderAccount, StoredWebhookCall, WebhookCallState
from providers.signals import InboundArrived
from tests.access import assert_access
from tests.contacts.support import NOBODY, list_named
from tests.engine.makers import SENDER, make_account, make_dispatch
from tests.people import api_client

pytestmark = pytest.mark.django_db

MAYA, AHMAD = "12015550101", "12015550102"
URL, ERASE = reverse("number-detail", args=[MAYA]), reverse("number-erase", args=[MAYA])
API = f"/api/v1/numbers/{MAYA}/"
ASKED = "asked for it on 3 May"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    made = list_named(acme, "Members")
    people = [
        Person(f"+{MAYA}", {"first_name": "Maya", "email": "maya@example.com"}, {"plan": "gold"}),
        Person(f"+{AHMAD}", {"first_name": "Ahmad"}),
    ]
    add_recipients(recipient_list=made, people=people, actor=NOBODY)
    return made


@pytest.fixture
def dispatch(acme: Workspace, account: ProviderAccount) -> Dispatch:
    made = make_dispatch(acme, account, msisdns=[MAYA, AHMAD])
    history = [["sent", timezone.now().isoformat(), "engine", "", "vendor said Maya"]]
    made.messages.update(text="Hello Maya, 25% off", state="sent", words="taken for Maya", history=history)
    return made


def wrote(account: ProviderAccount, text: str, msisdn: str = MAYA) -> None:
    at = timezone.now()
    body = f'{{"from": "+{msisdn}", "text": "{text}"}}'.encode()
    call = StoredWebhookCall.objects.create(
        account=account, received_at=at, method="POST", body=body, state=WebhookCallState.APPLIED
    )
    news = InboundNews(msisdn=msisdn, sender_number=SENDER, text=text)
    apply_inbound(InboundArrived(account.pk, account.workspace_id, ((call.pk, news),)))


@pytest.fixture
def ground(acme: Workspace, members: RecipientList, dispatch: Dispatch, account: ProviderAccount) -> None:
    wrote(account, "Maya here: please stop this")
    rivals = create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Rivals")
    add_members(unsubscribe_list=rivals, msisdns=[MAYA], source="letter", actor=NOBODY)


def test_it_works(bob_client: Client, acme: Workspace, ground: None) -> None:
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="Stop.", message_id=7)
    opt_in(workspace=acme, msisdn=MAYA, reason="START")
    page = bob_client.get(URL).content.decode()
    for words in (
        "+1 201-555-0101",
        "maya@example.com",
        "gold",
        "Hello Maya, 25% off",
        "Maya here: please stop this",
        "America/New_York",
        "landline or mobile",
        "On the unsubscribe list Rivals",
        "It has not opted out.",
        "Opted out by writing STOP; undone: START",
    ):
        assert words in page, words
    assert "Ahmad" not in page


def test_access(ground: None) -> None:
    assert_access(URL, wrong_method="post")
    assert_access(
        reverse("number-opt-out", args=[MAYA]), "post", viewer=403, marketer=302, wrong_method="get"
    )
    opt_in = reverse("number-opt-in", args=[MAYA])
    assert_access(opt_in, "post", data={"reason": "asked"}, viewer=403, marketer=302, wrong_method="get")
    assert_access(ERASE, viewer=403, marketer=403, admin=200)
    assert_access(API, viewer=200, wrong_method="put")
    assert_access(f"{API}?reason=asked", "delete", viewer=403, marketer=403, admin=200, wrong_method="put")


def test_a_number_nobody_knows_is_not_found(bob_client: Client, acme: Workspace) -> None:
    assert bob_client.get(URL).status_code == 404


def test_several_time_zones_are_all_shown(bob_client: Client, acme: Workspace) -> None:
    opt_out(workspace=acme, msisdn="78005553535", how=OptOutHow.STOP)
    page = bob_client.get(reverse("number-detail", args=["78005553535"])).content.decode()
    assert "Time zone, one of" in page
    assert ("Europe/Moscow" in page, "Asia/Vladivostok" in page) == (True, True)


def test_opting_out_and_in(bob_client: Client, ground: None) -> None:
    bob_client.post(reverse("number-opt-out", args=[MAYA]), {"source": "letter of 3 May"})
    assert (OptOut.objects.get().how, OptOut.objects.get().source) == ("person", "letter of 3 May")
    url = reverse("number-opt-in", args=[MAYA])
    refused = bob_client.post(url, {"reason": ""})
    assert (refused.status_code, OptOut.objects.exists()) == (422, True)
    page = bob_client.post(url, {"reason": "asked by phone"}, follow=True).content.decode()
    assert "may be texted again" in page
    assert not OptOut.objects.exists()


def test_a_viewer_sees_no_button(victor_client: Client, ground: None) -> None:
    page = victor_client.get(URL).content.decode()
    assert [name for name in ("opt-out", "opt-in", "erase") if f"{URL}{name}/" in page] == []


def test_the_page_asks_the_same_of_much_as_of_little(
    bob_client: Client,
    acme: Workspace,
    account: ProviderAccount,
    ground: None,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(5):
        made = list_named(acme, f"List {n}")
        add_recipients(recipient_list=made, people=[Person(f"+{MAYA}")], actor=NOBODY)
        wrote(account, f"text {n}")
    bob_client.get(URL)
    with django_assert_num_queries(14):
        bob_client.get(URL)


def test_the_api_tells_it(ground: None) -> None:
    told = api_client(Role.VIEWER).get(API).json()
    assert (told["msisdn"], told["country"], told["kind"]) == (MAYA, "US", "fixed_line_or_mobile")
    assert told["time_zones"] == ["America/New_York"]
    assert (told["lists"][0]["list_name"], told["lists"][0]["extra"]) == ("Members", {"plan": "gold"})
    assert told["opt_out"] is None
    assert told["unsubscribe_lists"][0]["source"] == "letter"
    assert [(one["is_ours"], one["text"], one["keyword"]) for one in told["thread"]] == [
        (False, "Maya here: please stop this", "maybe_stop"),
        (True, "Hello Maya, 25% off", ""),
    ]


def test_erasing_leaves_the_opt_out_and_the_counts(
    alice_client: Client, acme: Workspace, ground: None, members: RecipientList, dispatch: Dispatch
) -> None:
    imported = Import.objects.create(workspace=acme, file_name="people.csv", list=members)
    ImportBefore.objects.create(imported=imported, msisdn=MAYA, was={"first_name": "May"})
    counts = list(MessageCount.objects.values_list("state", "reason", "count"))
    page = alice_client.post(ERASE, {"reason": ASKED, "typed": "+1 201-555-0101"}, follow=True)
    assert page.status_code == 200
    for words in ("maya@example.com", "Maya", "gold"):
        assert words not in page.content.decode()
    members.refresh_from_db()
    assert members.recipient_count == 1
    assert not Recipient.objects.filter(msisdn=MAYA).exists()
    assert not ImportBefore.objects.exists()
    assert not OptOutReview.objects.exists()
    message = Message.objects.get(msisdn=MAYA)
    assert (message.text, message.words, message.recipient_id, message.state) == ("", "", None, "sent")
    assert [change[4] for change in message.history] == [""]
    assert InboundText.objects.get().text == ""
    assert bytes(StoredWebhookCall.objects.get().body) == b""
    assert (OptOut.objects.get().how, OptOut.objects.get().source) == ("person", ASKED)
    assert list(MessageCount.objects.values_list("state", "reason", "count")) == counts
    acme.refresh_from_db()
    assert acme.waiting_reviews == 0


def test_erasing_keeps_others(acme: Workspace, ground: None, account: ProviderAccount) -> None:
    wrote(account, "Ahmad here", AHMAD)
    erase_number(workspace=acme, msisdn=MAYA, reason=ASKED, actor=NOBODY)
    assert Recipient.objects.get().first_name == "Ahmad"
    assert Message.objects.get(msisdn=AHMAD).text == "Hello Maya, 25% off"
    assert InboundText.objects.get(msisdn=AHMAD).text == "Ahmad here"
    assert b"Ahmad" in bytes(StoredWebhookCall.objects.latest("pk").body)


def test_the_audit_trail_names_no_number(alice_client: Client, ground: None) -> None:
    AuditEntry.objects.all().delete()
    alice_client.post(ERASE, {"reason": ASKED, "typed": MAYA})
    entry = AuditEntry.objects.get(action="erased a number")
    assert entry.details == {"lists": 1, "messages": 1, "inbound": 1, "calls": 1, "files": 0}
    trail = str(list(AuditEntry.objects.values("label", "details")))
    assert (MAYA in trail, "Maya" in trail) == (False, False)


def test_erasing_keeps_the_first_proof(acme: Workspace, ground: None) -> None:
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="Stop.")
    erase_number(workspace=acme, msisdn=MAYA, reason=ASKED, actor=NOBODY)
    assert (OptOut.objects.get().how, OptOut.objects.get().source) == ("stop", "Stop.")


def test_erasing_again_finds_nothing(acme: Workspace, ground: None) -> None:
    erase_number(workspace=acme, msisdn=MAYA, reason=ASKED, actor=NOBODY)
    again = erase_number(workspace=acme, msisdn=MAYA, reason=ASKED, actor=NOBODY)
    assert (again.lists, again.messages, again.inbound, again.calls, again.on_the_way) == (0, 0, 0, 0, 0)


def test_a_message_on_its_way_is_told(alice_client: Client, ground: None, dispatch: Dispatch) -> None:
    dispatch.messages.filter(msisdn=MAYA).update(state="submitting")
    page = alice_client.post(ERASE, {"reason": ASKED, "typed": MAYA}, follow=True).content.decode()
    assert "1 message is just being sent and keeps its text: erase again in 10 minutes." in page


def test_a_call_that_waits_is_left(acme: Workspace, ground: None) -> None:
    StoredWebhookCall.objects.update(state=WebhookCallState.NEW)
    assert erase_number(workspace=acme, msisdn=MAYA, reason=ASKED, actor=NOBODY).calls == 0
    assert MAYA.encode() in bytes(StoredWebhookCall.objects.get().body)


@pytest.mark.parametrize(
    ("typed", "reason", "says"),
    [
        (AHMAD, ASKED, "is another number. Type +1 201-555-0101 to erase it."),
        (MAYA, " ", "Why it is erased is empty."),
    ],
)
def test_erasing_asks_for_the_number_and_the_reason(
    alice_client: Client, ground: None, typed: str, reason: str, says: str
) -> None:
    response = alice_client.post(ERASE, {"typed": typed, "reason": reason})
    assert response.status_code == 422
    assert says in response.content.decode()
    assert Recipient.objects.filter(msisdn=MAYA).exists()


def test_the_api_erases(ground: None) -> None:
    client = api_client(Role.ADMIN)
    assert client.delete(API).status_code == 400
    answer = client.delete(f"{API}?reason=asked")
    counts = {"lists": 1, "messages": 1, "inbound": 1, "calls": 1, "files": 0, "on_the_way": 0}
    assert answer.json() == counts
    assert client.get(API).json()["opt_out"]["source"] == "asked"
