"""The unsubscribe page: one button, no script; opening it does nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from contacts.models import OptOut, OptOutHow
from contacts.services.opt_out_reviews import ask_for_review
from contacts.services.opt_outs import opt_in, opt_out, opt_out_many
from messaging.engine.jobs import claim_jobs, load_lanes
from messaging.erasure import erase_number
from messaging.links.unsubscribe_words import SENTENCES
from messaging.models import Dispatch, Message
from tests.engine.makers import make_dispatch
from tests.messaging.links.makers import WAY_OUT, code_of, make_linked_dispatch, messages_of

KEEP = "Keep getting texts"


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_linked_dispatch(acme)


@pytest.fixture
def message(dispatch: Dispatch) -> Message:
    return messages_of(dispatch)[0]


@pytest.fixture
def address(message: Message) -> str:
    return f"/o/{code_of(message, WAY_OUT)}"


def test_it_works(acme: Workspace, client: Client, message: Message, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    assert "Stop texts from \u2068acme\u2069?" in page.text
    assert message.msisdn not in page.text
    assert not OptOut.objects.exists(), "opened by a preview, perhaps"
    done = client.post(address, {"stop": "1"})
    assert "You are unsubscribed" in done.text
    row = OptOut.objects.get()
    assert (row.workspace, row.msisdn, row.how, row.message_id) == (
        acme,
        message.msisdn,
        OptOutHow.PAGE,
        message.pk,
    )
    again = client.get(address).text
    assert "You are unsubscribed" in again
    assert "Keep getting texts" in again


def test_with_and_without_the_last_slash(client: Client, address: str) -> None:
    assert client.get(f"{address}/").status_code == 200


ENDS = [".", ",", ")", "!", ";", ":", "/.", "%2E", ")!.", '"', "…", "。", ">", "]", "/x", "؟"]


@pytest.mark.parametrize("behind", ENDS)
def test_with_what_ends_a_sentence_behind_it(client: Client, address: str, behind: str) -> None:
    assert client.get(f"{address}{behind}").status_code == 200
    assert client.post(f"{address}{behind}", {"stop": "1"}).status_code == 200
    assert OptOut.objects.count() == 1


def test_it_works_without_cookies_and_tokens(address: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(address, {"stop": "1"}).status_code == 200
    assert OptOut.objects.count() == 1


def test_it_holds_no_script_and_nothing_from_elsewhere(client: Client, address: str) -> None:
    page = client.get(address).text
    assert "<script" not in page
    assert "http" not in page.replace('<meta http-equiv="', "")


def test_it_takes_effect_on_what_runs(
    client: Client, dispatch: Dispatch, message: Message, address: str
) -> None:
    client.post(address, {"stop": "1"})
    lane = load_lanes({})[dispatch.account_id]
    jobs = claim_jobs(lane, lane.dispatches[dispatch.pk], claim="test", limit=10)
    assert message.pk not in {job.outgoing.message_id for job in jobs}
    assert Message.objects.get(pk=message.pk).state == "suppressed"


def test_one_click_of_a_machine(client: Client, address: str) -> None:
    """RFC 8058, section 3.1."""
    body = "List-Unsubscribe=One-Click"
    answer = client.post(address, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert OptOut.objects.count() == 1


@pytest.mark.parametrize("posted", [{}, {"something": "1"}, {"List-Unsubscribe": "no"}, {"undo": "1"}])
def test_other_posts_opt_nobody_out(client: Client, address: str, posted: dict[str, str]) -> None:
    assert client.post(address, posted).status_code == 200
    assert not OptOut.objects.exists()


def test_a_mistake_is_undone(client: Client, address: str) -> None:
    client.post(address, {"stop": "1"})
    # Pressed twice, or loaded again.
    assert KEEP in client.post(address, {"stop": "1"}).text
    assert "You stay subscribed" in client.post(address, {"undo": "1"}).text
    assert not OptOut.objects.exists()
    assert "You stay subscribed" in client.post(address, {"undo": "1"}).text, "pressed twice"


def assert_stays_out(client: Client, address: str) -> None:
    page = client.post(address, {"undo": "1"}).text
    assert "You are unsubscribed" in page
    assert KEEP not in page
    assert OptOut.objects.get().how == OptOutHow.PAGE, "the first proof"


def test_nobody_undoes_it_an_hour_later(client: Client, address: str) -> None:
    """Who is sent the link."""
    client.post(address, {"stop": "1"})
    OptOut.objects.update(undo_until=timezone.now() - timedelta(seconds=1))
    assert KEEP not in client.post(address, {"stop": "1"}).text
    assert_stays_out(client, address)


@pytest.mark.parametrize("how", [OptOutHow.STOP, OptOutHow.VENDOR, OptOutHow.PERSON])
def test_nobody_undoes_what_was_said_again_since(
    acme: Workspace, client: Client, message: Message, address: str, how: OptOutHow
) -> None:
    client.post(address, {"stop": "1"})
    opt_out(workspace=acme, msisdn=message.msisdn, how=how, source="STOP", message_id=message.pk)
    assert_stays_out(client, address)


def test_nobody_undoes_a_later_list_of_opt_outs(
    acme: Workspace, client: Client, message: Message, address: str
) -> None:
    client.post(address, {"stop": "1"})
    opt_out_many(workspace=acme, msisdns=[message.msisdn], how=OptOutHow.API)
    assert_stays_out(client, address)


def test_nobody_undoes_a_text_that_perhaps_asks_to_stop(
    acme: Workspace, client: Client, message: Message, address: str
) -> None:
    client.post(address, {"stop": "1"})
    ask_for_review(workspace=acme, msisdn=message.msisdn, text="please stop this", inbound_id=1)
    assert_stays_out(client, address)


def test_nobody_undoes_an_erasure(acme: Workspace, client: Client, message: Message, address: str) -> None:
    client.post(address, {"stop": "1"})
    erase_number(workspace=acme, msisdn=message.msisdn, reason="asked by letter", actor=Actor())
    assert_stays_out(client, address)


def test_nobody_undoes_a_press_in_another_text(
    client: Client, dispatch: Dispatch, message: Message, address: str
) -> None:
    other = make_dispatch(
        dispatch.workspace,
        dispatch.account,
        text=dispatch.text,
        broadcast_id=2,
        msisdns=[message.msisdn],
    )
    second = f"/o/{code_of(messages_of(other)[0], WAY_OUT)}"
    client.post(address, {"stop": "1"})
    client.post(second, {"stop": "1"})
    assert_stays_out(client, second)
    assert_stays_out(client, address)


def test_after_start_the_page_takes_it_back_no_more(
    acme: Workspace, client: Client, message: Message, address: str
) -> None:
    """Nor does it say that somebody is out who is not."""
    client.post(address, {"stop": "1"})
    opt_in(workspace=acme, msisdn=message.msisdn, reason="START")
    assert "You stay subscribed" in client.post(address, {"undo": "1"}).text
    client.post(address, {"stop": "1"})
    assert "You stay subscribed" in client.post(address, {"undo": "1"}).text
    assert not OptOut.objects.exists()


def test_nobody_undoes_a_stop(acme: Workspace, client: Client, message: Message, address: str) -> None:
    opt_out(workspace=acme, msisdn=message.msisdn, how=OptOutHow.STOP, source="STOP")
    assert KEEP not in client.post(address, {"stop": "1"}).text
    assert "You are unsubscribed" in client.post(address, {"undo": "1"}).text
    assert OptOut.objects.get().how == OptOutHow.STOP


def test_other_codes_lead_nowhere(client: Client, message: Message) -> None:
    """Also the code of an ordinary link of the same text."""
    for code in (code_of(message), "zzzzzzzz", code_of(message, 60)):
        page = client.get(f"/o/{code}")
        assert page.status_code == 404
        assert "Reply STOP" in page.text
        assert client.post(f"/o/{code}", {"stop": "1"}).status_code == 404
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    ("languages", "asked", "shown"),
    [
        ([], "de-DE,de;q=0.9", "en"),
        (["de"], "de-DE,de;q=0.9,en;q=0.5", "de"),
        (["de", "fr"], "fr-CA", "fr"),
        (["de", "fr"], "ja", "de"),
        (["de"], "en-US,de", "en"),
        (["he"], "he", "he"),
        (["de"], "", "de"),
    ],
)
def test_it_speaks_the_workspaces_languages(
    acme: Workspace, client: Client, address: str, languages: list[str], asked: str, shown: str
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(opt_out_languages=languages)
    page = client.get(address, headers={"accept-language": asked}).text
    assert f'lang="{shown}"' in page
    assert SENTENCES[shown].button in page
    assert ('dir="rtl"' in page) is (shown == "he")


@pytest.mark.parametrize("language", SENTENCES)
def test_every_sentence_is_whole(language: str) -> None:
    words = SENTENCES[language]
    for name in ("title", "question", "done", "undone"):
        filled = getattr(words, name) % {"name": "Acme", "number": "+12"}
        assert "Acme" in filled
        assert "%" not in filled
    for name in ("button", "done_title", "mistake", "undo", "undone_title", "unknown"):
        assert getattr(words, name)


@pytest.mark.parametrize(("accepted", "language"), [("de-AT,en;q=0.5", "de"), ("tlh", "en")])
def test_its_language_is_that_of_its_words(
    client: Client, acme: Workspace, address: str, accepted: str, language: str
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(opt_out_languages=["en", "de"])
    response = client.get(address, headers={"accept-language": accepted})
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]
    assert f'<html lang="{language}"' in response.content.decode()
