"""The composer: saves what is written, says what is wrong at its place, and counts what would happen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft
from contacts.models import OptOut, RecipientList
from messaging.models import Message
from tests.engine.makers import make_list
from tests.messaging.links.makers import make_link

pytestmark = pytest.mark.django_db


def form_of(draft: Broadcast, **changes: Any) -> dict[str, Any]:
    """What the composer's form posts for a draft as it is; None leaves a field out."""
    fields: dict[str, Any] = {
        "version": draft.version,
        "name": draft.name,
        "campaign": draft.campaign_id,
        "lists": list(draft.lists.values_list("id", flat=True)),
        "sender": draft.sender_id or "",
        "account": draft.account_id or "",
        "text": draft.text,
        "when": "now",
        "send_date": "2026-12-01",
        "send_time": "09:00",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def save(client: Client, draft: Broadcast, **changes: Any) -> Any:
    """As composer.js does it."""
    url = f"/broadcasts/{draft.pk}/edit/"
    return client.post(url, form_of(draft, **changes), headers={"accept": "application/json"})


def test_it_works(bob_client: Client, draft: Broadcast) -> None:
    page = bob_client.get(f"/broadcasts/{draft.pk}/edit/")

    assert page.status_code == 200
    html = page.content.decode()
    assert "<strong>30 people</strong>" in html
    assert "Hi Person 0, 25% off. Reply STOP to opt out" in html
    assert "$0.24" in html  # 30 parts at $0.0079


def test_a_save_answers_with_the_new_version(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, text="Hello")

    assert answer.status_code == 200
    assert answer.json()["version"] == draft.version + 1
    assert answer.json()["errors"] == {}
    draft.refresh_from_db()
    assert draft.text == "Hello"


def test_a_person_without_a_last_name_has_no_blank_before_the_comma(
    bob_client: Client, draft: Broadcast
) -> None:
    html = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()

    assert 'data-who role="status">Person 0, +' in html


def test_one_wrong_field_does_not_cost_the_others(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, text="Hello", name=" ")

    assert list(answer.json()["errors"]) == ["id_name"]
    draft.refresh_from_db()
    assert (draft.name, draft.text) == ("Autumn sale", "Hello")


def test_a_text_that_is_too_long_is_kept_out_with_a_sentence(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, text="a" * 100_001, name="Winter sale")

    assert answer.json()["errors"] == {
        "id_text": ["The text has 100001 characters; at most 100000. Shorten it."]
    }
    draft.refresh_from_db()
    assert draft.name == "Winter sale"


def test_an_unknown_token_is_told_at_its_place(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, text="Hi\nyou {{frist_name}}")

    (error,) = answer.json()["token_errors"]
    assert (error["line"], error["column"], error["start"], error["end"]) == (2, 5, 7, 21)
    assert "{{first_name}}" in error["sentence"]


def test_a_second_editor_is_told(bob_client: Client, alice_client: Client, draft: Broadcast) -> None:
    save(alice_client, draft, text="Alice's")

    answer = save(bob_client, draft, text="Bob's")

    assert answer.status_code == 409
    assert answer.json()["code"] == "edited_elsewhere"
    draft.refresh_from_db()
    assert draft.text == "Alice's"


def test_what_was_launched_is_edited_no_more(bob_client: Client, running: Broadcast) -> None:
    assert save(bob_client, running, text="Changed").status_code == 409
    assert (
        bob_client.get(f"/broadcasts/{running.pk}/edit/").headers["Location"] == f"/broadcasts/{running.pk}/"
    )


def test_a_list_of_another_workspace_is_refused(
    bob_client: Client, draft: Broadcast, other: Workspace, members: RecipientList
) -> None:
    foreign = make_list(other, 2, "Theirs", start=500)

    answer = save(bob_client, draft, lists=[members.pk, foreign.pk])

    assert list(answer.json()["errors"]) == ["id_lists"]
    assert list(draft.lists.all()) == [members]


def test_a_time_is_that_of_the_workspace(bob_client: Client, draft: Broadcast) -> None:
    save(bob_client, draft, when="at", send_date="2026-12-24", send_time="18:30")

    draft.refresh_from_db()
    assert draft.send_at == datetime(2026, 12, 24, 18, 30, tzinfo=ZoneInfo("America/New_York"))


def test_a_time_that_the_clocks_skip_is_refused(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, when="at", send_date="2027-03-14", send_time="02:30")

    assert answer.json()["errors"] == {
        "id_send_time": ["The clocks skip 02:30 on that day. Choose another time."]
    }
    draft.refresh_from_db()
    assert draft.send_at is None


def test_a_set_time_needs_a_date(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, when="at", send_date="")

    assert answer.json()["errors"] == {"id_send_date": ["Choose a date and a time."]}


def test_numbers_come_as_fragments(bob_client: Client, draft: Broadcast, acme: Workspace) -> None:
    first = draft.lists.get().recipients.order_by("id")[0]
    OptOut.objects.create(workspace=acme, msisdn=first.msisdn)

    html = bob_client.get(f"/broadcasts/{draft.pk}/edit/numbers/").content.decode()

    assert "<strong>29 people</strong>" in html
    assert "after 1 is left out" in html
    assert 'id="reach-sum" hx-swap-oob="true"' in html


def test_people_come_page_by_page(bob_client: Client, draft: Broadcast) -> None:
    url = f"/broadcasts/{draft.pk}/edit/people/"
    first = bob_client.get(url).json()["people"]
    second = bob_client.get(url, {"after": first[-1]["id"]}).json()["people"]

    assert [len(first), len(second)] == [20, 10]
    assert first[0]["text"] == "Hi Person 0, 25% off. Reply STOP to opt out"
    assert not {one["id"] for one in first} & {one["id"] for one in second}


def test_a_single_one_has_a_number_instead_of_lists(
    bob_client: Client, acme: Workspace, actor: Actor
) -> None:
    single = create_draft(workspace=acme, actor=actor, kind="single")
    html = bob_client.get(f"/broadcasts/{single.pk}/edit/").content.decode()
    assert 'name="msisdn"' in html
    assert 'name="lists"' not in html

    answer = save(bob_client, single, msisdn="(201) 555-0123")

    assert answer.json()["errors"] == {}
    single.refresh_from_db()
    assert single.msisdn == "12015550123"


def test_a_wrong_number_is_told(bob_client: Client, acme: Workspace, actor: Actor) -> None:
    single = create_draft(workspace=acme, actor=actor, kind="single")

    answer = save(bob_client, single, msisdn="12", text="Hello")

    assert list(answer.json()["errors"]) == ["id_msisdn"]
    single.refresh_from_db()
    assert single.text == "Hello"


class TestWithoutScript:
    def test_saving_goes_back_to_the_draft(self, bob_client: Client, draft: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, text="Hello", save="1"))

        assert answer.headers["Location"] == f"/broadcasts/{draft.pk}/edit/"
        draft.refresh_from_db()
        assert draft.text == "Hello"

    def test_review_saves_first(self, bob_client: Client, draft: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, text="Hello", review="1"))

        assert answer.headers["Location"] == f"/broadcasts/{draft.pk}/review/"
        draft.refresh_from_db()
        assert draft.text == "Hello"

    def test_a_wrong_field_shows_the_form_again(self, bob_client: Client, draft: Broadcast) -> None:
        answer = bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, name="", text="Hello"))

        assert answer.status_code == 422
        assert 'href="#id_name"' in answer.content.decode()
        draft.refresh_from_db()
        assert draft.text == "Hello"

    def test_a_list_is_added_and_removed_by_buttons(
        self, bob_client: Client, draft: Broadcast, acme: Workspace, members: RecipientList
    ) -> None:
        url = f"/broadcasts/{draft.pk}/edit/"
        more = make_list(acme, 3, "More", start=600)

        bob_client.post(url, form_of(draft, add="1", add_list=more.pk))
        assert set(draft.lists.all()) == {members, more}

        draft.refresh_from_db()
        bob_client.post(url, form_of(draft, remove_list=str(members.pk)))
        assert set(draft.lists.all()) == {more}

    def test_odd_characters_are_swapped_by_a_button(self, bob_client: Client, draft: Broadcast) -> None:
        bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, text="“Façade”", swap="1"))

        draft.refresh_from_db()
        assert draft.text == '"Facade"'

    def test_the_odd_character_is_named(self, bob_client: Client, draft: Broadcast) -> None:
        save(bob_client, draft, text="Façade")

        html = bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()

        assert "latin small letter c with cedilla (U+00E7)" in html

    def test_another_editor_is_told_and_nothing_is_lost(
        self, bob_client: Client, alice_client: Client, draft: Broadcast
    ) -> None:
        save(alice_client, draft, text="Alice's")

        answer = bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, text="Bob's words"))

        assert answer.status_code == 409
        html = answer.content.decode()
        assert "changed elsewhere" in html
        assert "Bob&#x27;s words" in html


class TestTheTestText:
    def test_it_is_sent_through_the_ledger(self, bob_client: Client, draft: Broadcast) -> None:
        person = draft.lists.get().recipients.order_by("id")[4]
        fields = {"test-msisdn": "(201) 555-0199", "test-recipient_id": person.pk}

        answer = bob_client.post(f"/broadcasts/{draft.pk}/test/", fields)

        message = Message.objects.get()
        assert answer.headers["Location"] == f"/broadcasts/{draft.pk}/test/{message.pk}/"
        assert (message.msisdn, message.recipient_id, message.broadcast_id) == (
            "12015550199",
            person.pk,
            None,
        )

    def test_the_number_is_remembered(self, bob_client: Client, draft: Broadcast) -> None:
        bob_client.post(f"/broadcasts/{draft.pk}/test/", {"test-msisdn": "(201) 555-0199"})

        assert 'value="(201) 555-0199"' in bob_client.get(f"/broadcasts/{draft.pk}/edit/").content.decode()

    def test_a_recipient_that_is_not_in_the_audience_is_refused(
        self, bob_client: Client, draft: Broadcast, other: Workspace
    ) -> None:
        foreign = make_list(other, 1, "Theirs", start=500).recipients.get()

        fields = {"test-msisdn": "12015550199", "test-recipient_id": foreign.pk}
        answer = bob_client.post(f"/broadcasts/{draft.pk}/test/", fields)

        assert answer.status_code == 422
        assert f"{foreign.pk} is not one of the available choices" in answer.content.decode()
        assert not Message.objects.exists()

    def test_an_opted_out_number_is_refused(
        self, bob_client: Client, draft: Broadcast, acme: Workspace
    ) -> None:
        OptOut.objects.create(workspace=acme, msisdn="12015550199")

        answer = bob_client.post(f"/broadcasts/{draft.pk}/test/", {"test-msisdn": "12015550199"})

        assert answer.status_code == 422
        assert "+12015550199 has opted out and is not texted." in answer.content.decode()
        assert not Message.objects.exists()

    def test_the_result_of_another_workspace_is_not_shown(
        self, charlie_client: Client, bob_client: Client, draft: Broadcast
    ) -> None:
        bob_client.post(f"/broadcasts/{draft.pk}/test/", {"test-msisdn": "12015550199"})
        url = f"/broadcasts/{draft.pk}/test/{Message.objects.get().pk}/"

        assert charlie_client.get(url).status_code == 404
        assert bob_client.get(url).status_code == 200


def test_before_anybody_is_chosen_samples_stand_for_everybody(
    bob_client: Client, acme: Workspace, settings: Any
) -> None:
    settings.LINK_URL = "https://sho.example.com"
    link = make_link(acme)
    tail = f" {{{{link:{link.pk}}}}} {{{{unsubscription_link}}}}"
    links = "https://sho.example.com/zzzzzzzz https://sho.example.com/o/zzzzzzzz"
    for kind in ("base", "single"):
        draft = create_draft(workspace=acme, actor=Actor(), kind=kind)
        answer = save(bob_client, draft, text="x" * 100 + tail, lists=[])
        assert answer.json()["sample"] == "x" * 100 + " " + links
        page = bob_client.get(f"/broadcasts/{draft.pk}/edit/")
        assert page.context["preview"] == "x" * 100 + " " + links
        assert page.context["counted"].parts == 2
        assert page.context["data"]["sample"] == page.context["preview"]
        assert (
            f"{page.context['data']['links']['link']} {page.context['data']['links']['unsubscription_link']}"
            == links
        )


NUL_SAID = (
    "The text holds a NUL character in line 2, column 3, which is no text (shown as \ufffd). Take it out."
)


def test_a_nul_is_told_at_its_place_and_all_else_is_saved(bob_client: Client, draft: Broadcast) -> None:
    answer = save(bob_client, draft, text="Hi\r\nab\x00c", name="Renamed")
    assert answer.status_code == 200
    told = answer.json()
    assert told["errors"]["id_text"] == [NUL_SAID]
    (error,) = told["token_errors"]
    assert (error["start"], error["end"], error["line"], error["column"]) == (5, 6, 2, 3)
    was = draft.text
    draft.refresh_from_db()
    assert (draft.name, draft.text) == ("Renamed", was)


def test_without_script_a_nul_keeps_what_was_written(bob_client: Client, draft: Broadcast) -> None:
    page = bob_client.post(f"/broadcasts/{draft.pk}/edit/", form_of(draft, text="Hi\r\nab\x00c"))
    assert page.status_code == 422
    assert NUL_SAID in page.content.decode()
    assert "ab\ufffdc" in page.content.decode().replace("\x00", "\ufffd")
