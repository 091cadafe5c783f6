"""Texts that perhaps ask us to stop: from the inbound text to the decision, its undoing, and the menu's number."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, Role, User, Workspace
from contacts.models import OptOut, OptOutHow, OptOutReview
from contacts.services.opt_outs import opt_in, opt_out, opt_out_many
from messaging.models import InboundText
from messaging.receipts import apply_inbound
from providers.connectors.base import InboundText as InboundNews
from providers.models import ProviderAccount
from providers.signals import InboundArrived
from sms.msisdn import format_msisdn
from tests.access import assert_access
from tests.engine.makers import SENDER, make_account, make_dispatch
from tests.people import api_client

pytestmark = pytest.mark.django_db

MAYA, AHMAD = "12015550101", "12015550102"
PLEASE = "please stop this"
LIST, DECIDE, UNDO = (reverse(f"opt-out-review-{name}") for name in ("list", "decide", "undo"))
API = "/api/v1/opt-out-reviews/"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def wrote(account: ProviderAccount, text: str, msisdn: str = MAYA) -> None:
    news = InboundNews(msisdn=msisdn, sender_number=SENDER, text=text)
    apply_inbound(InboundArrived(account.pk, account.workspace_id, ((1, news),)))


@pytest.fixture
def review(account: ProviderAccount) -> OptOutReview:
    wrote(account, PLEASE)
    return OptOutReview.objects.get()


def decision_of(review: OptOutReview) -> str:
    review.refresh_from_db()
    return str(review.decision)


def waiting(workspace: Workspace) -> int:
    workspace.refresh_from_db()
    return workspace.waiting_reviews


def test_it_works(bob_client: Client, bob: User, acme: Workspace, review: OptOutReview) -> None:
    assert (review.msisdn, review.text, review.inbound_id) == (MAYA, PLEASE, InboundText.objects.get().pk)
    page = bob_client.get(LIST).content.decode()
    assert (PLEASE in page, format_msisdn(MAYA) in page) == (True, True)
    page = bob_client.post(DECIDE, {"opt_out": review.pk}, follow=True).content.decode()
    assert ("1 number opted out." in page, "No text waits" in page) == (True, True)
    out = OptOut.objects.get()
    assert (out.msisdn, out.how, out.source) == (MAYA, OptOutHow.PERSON, PLEASE)
    assert (decision_of(review), review.decided_by) == ("opted_out", bob)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "user")) == [
        ("opted out", bob.pk),
        ("decided perhaps-opt-outs", bob.pk),
    ]


def test_access(review: OptOutReview) -> None:
    assert_access(LIST, wrong_method="post")
    for url in (DECIDE, UNDO):
        assert_access(url, "post", viewer=403, marketer=302, wrong_method="get")
    assert_access(API, viewer=200, wrong_method="put", missing=False)
    assert_access(f"{API}{review.pk}/", viewer=200)
    body = {"ids": [review.pk], "decision": "dismissed"}
    assert_access(f"{API}decide/", "post", data=body, viewer=403, marketer=200, wrong_method="put")


def test_a_viewer_sees_no_button(victor_client: Client, review: OptOutReview) -> None:
    page = victor_client.get(LIST).content.decode()
    assert PLEASE in page
    assert "No opt-out of" not in page


def test_the_menu_names_it_while_some_wait(
    bob_client: Client, acme: Workspace, account: ProviderAccount
) -> None:
    assert "To review" not in bob_client.get(reverse("opt-out-list")).content.decode()
    wrote(account, PLEASE)
    wrote(account, PLEASE, AHMAD)
    assert waiting(acme) == 2
    page = bob_client.get(reverse("opt-out-list")).content.decode()
    assert '<span class="nav-count num">2</span>' in page
    assert "2 texts perhaps ask us to stop." in page


def test_a_posting_repeated_is_asked_about_once(account: ProviderAccount, acme: Workspace) -> None:
    wrote(account, PLEASE)
    wrote(account, PLEASE)
    assert (OptOutReview.objects.count(), waiting(acme)) == (1, 1)


def test_who_opted_out_already_is_not_asked_about(account: ProviderAccount, acme: Workspace) -> None:
    wrote(account, "STOP")
    wrote(account, PLEASE)
    assert (OptOutReview.objects.count(), waiting(acme)) == (0, 0)


@pytest.mark.parametrize(("text", "decision"), [("STOP", "opted_out"), ("start", "dismissed")])
def test_a_later_stop_or_start_settles_it(
    account: ProviderAccount, acme: Workspace, review: OptOutReview, text: str, decision: str
) -> None:
    wrote(account, text)
    assert (decision_of(review), review.decided_by, waiting(acme)) == (decision, None, 0)


def test_a_file_or_a_paste_settles_it_too(acme: Workspace, review: OptOutReview) -> None:
    opt_out_many(workspace=acme, msisdns=[MAYA, AHMAD], how=OptOutHow.FILE)
    assert (decision_of(review), waiting(acme)) == ("opted_out", 0)


def test_other_workspaces_reviews_stay(other: Workspace, review: OptOutReview) -> None:
    opt_out(workspace=other, msisdn=MAYA, how=OptOutHow.STOP)
    assert decision_of(review) == "waiting"


def test_many_at_once(bob_client: Client, acme: Workspace, account: ProviderAccount) -> None:
    wrote(account, PLEASE)
    wrote(account, "stop it, will you", MAYA)
    wrote(account, PLEASE, AHMAD)
    ids = list(OptOutReview.objects.values_list("pk", flat=True))
    page = bob_client.post(DECIDE, {"opt_out": "selected", "selected": ids}, follow=True).content.decode()
    assert "2 numbers opted out." in page
    assert OptOut.objects.get(msisdn=MAYA).source == "stop it, will you"
    assert waiting(acme) == 0


def test_no_opt_out_and_undo(bob_client: Client, acme: Workspace, review: OptOutReview) -> None:
    page = bob_client.post(DECIDE, {"dismiss": review.pk}, follow=True).content.decode()
    assert ("1 text is no opt-out." in page, UNDO in page) == (True, True)
    assert not OptOut.objects.exists()
    assert "1 text waits again." in bob_client.post(UNDO, follow=True).content.decode()
    assert (decision_of(review), waiting(acme)) == ("waiting", 1)
    assert "There is nothing to undo" in bob_client.post(UNDO, follow=True).content.decode()


def test_undo_takes_the_opt_out_back(bob_client: Client, review: OptOutReview) -> None:
    bob_client.post(DECIDE, {"opt_out": review.pk})
    page = bob_client.get(LIST, {"decided": "1"}).content.decode()
    assert ("bob@" in page or "Bob" in page, "opted out" in page) == (True, True)
    bob_client.post(UNDO, {"reopen": review.pk})
    assert (OptOut.objects.exists(), decision_of(review)) == (False, "waiting")
    was = AuditEntry.objects.get(action="opted in").details["was"]
    assert (was["source"], was["how"]) == (PLEASE, "person")


def test_undo_never_takes_a_stop_back(
    bob_client: Client, account: ProviderAccount, review: OptOutReview
) -> None:
    bob_client.post(DECIDE, {"opt_out": review.pk})
    wrote(account, "STOP")
    page = bob_client.post(UNDO, follow=True).content.decode()
    assert "There is nothing to undo" in page
    assert (OptOut.objects.exists(), decision_of(review)) == (True, "opted_out")


def test_undo_leaves_an_older_opt_out(bob_client: Client, acme: Workspace, review: OptOutReview) -> None:
    OptOut.objects.create(workspace=acme, msisdn=MAYA, how=OptOutHow.VENDOR)
    bob_client.post(DECIDE, {"opt_out": review.pk})
    bob_client.post(UNDO)
    assert (OptOut.objects.get().how, decision_of(review)) == ("vendor", "opted_out")


def test_a_stranger_decides_nothing(review: OptOutReview) -> None:
    charlie = api_client(Role.OWNER, Workspace.objects.create(name="foreign"))
    answer = charlie.post(f"{API}decide/", {"ids": [review.pk], "decision": "opted_out"})
    assert answer.json() == {"decided": 0}
    assert decision_of(review) == "waiting"


def test_the_api_lists_decides_and_undoes(acme: Workspace, review: OptOutReview) -> None:
    client = api_client(Role.MARKETER)
    (row,) = client.get(API, {"decision": "waiting", "msisdn": f"+{MAYA}"}).json()["results"]
    assert (row["id"], row["text"], row["decision"]) == (review.pk, PLEASE, "waiting")
    for decision, opted_out in [("opted_out", True), ("waiting", False), ("dismissed", False)]:
        answer = client.post(f"{API}decide/", {"ids": [review.pk], "decision": decision})
        assert answer.json() == {"decided": 1}
        assert (decision_of(review), OptOut.objects.exists()) == (decision, opted_out)
    refused = client.post(f"{API}decide/", {"ids": [review.pk], "decision": "perhaps"})
    assert refused.status_code == 400


def test_the_threads_last_texts_stand_beside_it(
    bob_client: Client, acme: Workspace, account: ProviderAccount
) -> None:
    dispatch = make_dispatch(acme, account, msisdns=[MAYA])
    dispatch.messages.update(text="Hello Maya, 25% off", state="sent")
    wrote(account, "what is this?")
    wrote(account, PLEASE)
    page = bob_client.get(LIST).content.decode()
    assert page.index("Hello Maya, 25% off") < page.index("what is this?")


def test_the_page_asks_as_much_of_25_texts_as_of_one(
    bob_client: Client,
    account: ProviderAccount,
    review: OptOutReview,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(30):
        wrote(account, PLEASE, f"120155502{n:02}")
    bob_client.get(LIST)
    with django_assert_num_queries(6):
        page = bob_client.get(LIST).content.decode()
    assert page.count("bubble") == 25


def test_to_opt_in_with_a_reason_settles_it(acme: Workspace, review: OptOutReview) -> None:
    opt_in(workspace=acme, msisdn=MAYA, reason="asked by phone")
    assert decision_of(review) == "dismissed"
