"""Composer, review, report and lists in a real browser: empty, full and read-only, in both themes and sizes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from random import Random

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Response, Route, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.control import stop_broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.senders import sender_for
from contacts.models import OptOut, Recipient
from messaging.content import compile_content, seed_of
from messaging.ledger import Change, apply_changes
from messaging.models import Message
from messaging.sender_lists import create_sender_list
from messaging.senders import create_sender
from messaging.texts.spinners import create_spinner, token_of
from messaging.tokens import FIELD_TOKENS, Reader, compile_text
from sms.parts import GSM_BASIC, GSM_EXTENSION, SMART_SWAPS, count_parts, swap_smart
from sms.states import MessageState
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean, watch_of
from tests.campaigns.makers import make_draft, send
from tests.engine.makers import make_list

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture
def running(acme: Workspace, actor: Actor) -> Broadcast:
    """Thirty people: some delivered, one of each other outcome, the rest waiting."""
    broadcast = send(make_draft(acme, actor), actor)
    settle(broadcast, 12)
    return broadcast


def settle(broadcast: Broadcast, count: int) -> None:
    """The next ones that wait: three get bad ends, the others are delivered."""
    outcomes = [
        (MessageState.EXPIRED, "expired"),
        (MessageState.UNKNOWN, "no_answer"),
        (MessageState.REJECTED, "rejected"),
        *[(MessageState.DELIVERED, "")] * count,
    ]
    rows = Message.objects.filter(broadcast_id=broadcast.pk, state="queued").order_by("id")[:count]
    apply_changes(
        [
            Change(row.pk, state, timezone.now(), "receipt", reason, "said the vendor")
            for row, (state, reason) in zip(rows, outcomes, strict=False)
        ]
    )


@pytest.fixture
def bob_page(open_page: OpenPage, site: str, bob: User) -> Page:
    return open_page(user=bob, base_url=site)


class TestEveryPage:
    @SIZES
    @THEMES
    def test_full(
        self,
        open_page: OpenPage,
        site: str,
        running: Broadcast,
        acme: Workspace,
        actor: Actor,
        bob: User,
        size: tuple[int, int],
        dark: bool,
    ) -> None:
        draft = create_draft(workspace=acme, actor=actor, copy_of=running)
        single = create_draft(workspace=acme, actor=actor, kind="single", name="To one")
        message = Message.objects.filter(broadcast_id=running.pk).order_by("id")[0]
        page = open_page(width=size[0], height=size[1], dark=dark, user=bob, base_url=site)
        for address in (
            "/",
            "/broadcasts/",
            "/broadcasts/?q=nothing",
            "/broadcasts/new/",
            f"/broadcasts/{draft.pk}/edit/",
            f"/broadcasts/{single.pk}/edit/",
            f"/broadcasts/{draft.pk}/test/",
            f"/broadcasts/{draft.pk}/review/",
            f"/broadcasts/{draft.pk}/delete/",
            f"/broadcasts/{running.pk}/missed/",
            f"/broadcasts/{running.pk}/stop/",
            f"/broadcasts/{running.pk}/messages/{message.pk}/",
            "/campaigns/",
            f"/campaigns/{running.campaign_id}/",
        ):
            assert_page_is_clean(page, site + address)

    @SIZES
    @THEMES
    def test_the_report(
        self,
        open_page: OpenPage,
        site: str,
        running: Broadcast,
        bob: User,
        actor: Actor,
        size: tuple[int, int],
        dark: bool,
    ) -> None:
        page = open_page(width=size[0], height=size[1], dark=dark, user=bob, base_url=site)
        page.goto(f"{site}/broadcasts/{running.pk}/")
        expect(page.locator("canvas")).to_be_visible()
        assert_shown_page_is_clean(page)
        stop_broadcast(broadcast=running, actor=actor)
        expect(page.get_by_role("button", name="Duplicate")).to_be_visible()
        assert_shown_page_is_clean(page)

    def test_empty(self, open_page: OpenPage, site: str, bob: User) -> None:
        page = open_page(user=bob, base_url=site)
        for address in ("/", "/broadcasts/", "/broadcasts/new/", "/campaigns/"):
            assert_page_is_clean(page, site + address)

    def test_read_only(self, open_page: OpenPage, site: str, running: Broadcast, victor: User) -> None:
        page = open_page(user=victor, base_url=site)
        for address in ("/", "/broadcasts/", f"/broadcasts/{running.pk}/missed/", "/campaigns/"):
            assert_page_is_clean(page, site + address)
        page.goto(f"{site}/broadcasts/{running.pk}/")
        assert_shown_page_is_clean(page)
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)


class TestComposer:
    @pytest.fixture
    def composer(self, bob_page: Page, site: str, draft: Broadcast) -> Page:
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
        return bob_page

    def test_typing_changes_counter_phone_and_cost(self, composer: Page, draft: Broadcast) -> None:
        composer.get_by_label("Text").fill("a" * 161)

        expect(composer.locator("#text-count")).to_contain_text("2 parts")
        expect(composer.locator("#text-count")).to_contain_text("145 left in this part")
        expect(composer.locator("#preview")).to_have_text("a" * 161)
        expect(composer.locator("#cost")).to_contain_text("$0.47")
        expect(composer.locator("[data-saved-word]")).to_have_text("Saved")
        draft.refresh_from_db()
        assert draft.text == "a" * 161

    def test_an_odd_character_is_named_and_swapped(self, composer: Page) -> None:
        composer.get_by_label("Text").fill("Façade")

        expect(composer.locator("#text-count")).to_contain_text("UCS-2")
        note = composer.locator("#odd-note .note")
        expect(note).to_contain_text("“ç” (U+00E7)")
        note.get_by_role("button", name="Replace it with “c”").click()

        expect(composer.get_by_label("Text")).to_have_value("Facade")
        expect(composer.locator("#text-count")).to_contain_text("GSM-7")
        expect(note).to_have_count(0)

    def test_a_token_is_inserted_at_the_caret(self, composer: Page) -> None:
        text = composer.get_by_label("Text")
        text.fill("Hi , hello")
        text.evaluate("(area) => area.setSelectionRange(3, 3)")
        composer.get_by_role("button", name="Insert a token").click()
        composer.get_by_role("menuitem", name="First name").click()

        expect(text).to_have_value("Hi {{first_name}}, hello")
        expect(composer.locator("#preview")).to_have_text("Hi Person 0, hello")

    def test_tokens_are_offered_while_one_writes_them(self, composer: Page) -> None:
        text, offered = composer.get_by_label("Text", exact=True), composer.get_by_role("listbox")
        text.fill("")
        text.type("Hi {{")
        expect(offered.get_by_role("option")).to_have_count(8)
        text.type("na")
        expect(offered.get_by_role("option")).to_have_text(
            ["First name{{first_name}}", "Last name{{last_name}}"]
        )
        assert_shown_page_is_clean(composer)
        text.press("ArrowDown")
        assert text.get_attribute("aria-activedescendant") == "token-option-1"
        text.press("Enter")
        expect(text).to_have_value("Hi {{last_name}}")
        expect(offered).to_be_hidden()
        text.type(" {{fir")
        text.press("Escape")
        expect(offered).to_be_hidden()
        text.press("Backspace")
        offered.get_by_text("First name").click()
        expect(text).to_have_value("Hi {{last_name}} {{first_name}}")
        expect(text).to_be_focused()
        # One that stands there already is not written twice, and what nobody offers is left alone.
        text.fill("{{}}")
        text.evaluate("(area) => area.setSelectionRange(2, 2)")
        text.type("las")
        text.press("Tab")
        expect(text).to_have_value("{{last_name}}")
        text.type(" {{zzz")
        expect(offered).to_be_hidden()
        assert watch_of(composer).errors == []

    def test_an_unknown_token_is_marked_in_place(self, composer: Page) -> None:
        text = composer.get_by_label("Text")
        text.fill("Hi {{frist_name}}")

        expect(composer.locator("[data-marks] mark")).to_have_text("{{frist_name}}")
        expect(composer.locator("#token-errors")).to_contain_text("Line 1, column 4")
        composer.get_by_role("button", name="Show it").click()
        assert text.evaluate("(area) => [area.selectionStart, area.selectionEnd]") == [3, 17]
        expect(composer.locator("#cost")).to_contain_text("{{first_name}}")
        assert_shown_page_is_clean(composer)

    def test_the_preview_steps_through_real_people(self, composer: Page) -> None:
        expect(composer.locator("[data-who]")).to_contain_text("Person 0")
        for number in range(1, 23):
            composer.get_by_label("Next person").click()
            expect(composer.locator("[data-who]")).to_contain_text(f"Person {number},")
        expect(composer.locator("#preview")).to_contain_text("Hi Person 22")
        composer.get_by_label("Previous person").click()
        expect(composer.locator("[data-who]")).to_contain_text("Person 21,")

    def test_the_preview_draws_what_will_be_sent(
        self, composer: Page, draft: Broadcast, acme: Workspace
    ) -> None:
        spinner, _repeated = create_spinner(
            workspace=acme, actor=Actor(), name="Greeting", words=[(f"Hello{n}", 1) for n in range(9)]
        )
        text = f"{token_of(spinner)} {{{{first_name}}}} {{{{unsubscription_link}}}}"
        composer.get_by_label("Text").fill(text)
        content = compile_content(acme.pk, text)
        people = list(Recipient.objects.order_by("id"))

        def shows(person: Recipient) -> None:
            sent = content.render({"first_name": person.first_name}, seed=seed_of(draft.pk, person.msisdn))
            expect(composer.locator("#preview")).to_have_text(sent)

        shows(people[0])
        for person in people[1:22]:
            composer.get_by_label("Next person").click()
            shows(person)
        # Beyond the first twenty, and again after a change.
        composer.get_by_label("Text").press("End")
        composer.get_by_label("Text").type("!")
        content = compile_content(acme.pk, text + "!")
        shows(people[21])

    def test_the_phone_shows_each_ones_sender(self, bob_page: Page, site: str, draft: Broadcast) -> None:
        senders = [
            create_sender(workspace=draft.workspace, actor=Actor(), value=f"1202555010{n}")
            for n in range(1, 5)
        ]
        several = create_sender_list(workspace=draft.workspace, actor=Actor(), name="Main", senders=senders)
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
        bob_page.get_by_label("Sender", exact=True).select_option(label=several.name)
        expect(bob_page.locator("[data-saved-word]")).to_have_text("Saved")
        draft.refresh_from_db()
        people = list(Recipient.objects.order_by("id")[:6])
        shown = [sender_for(draft, person.msisdn) for person in people]
        assert len(set(shown)) > 1
        for value in shown:
            expect(bob_page.locator("[data-phone-sender]")).to_have_text(value)
            bob_page.get_by_label("Next person").click()
        bob_page.reload()
        expect(bob_page.locator("[data-phone-sender]")).to_have_text(shown[0])

    def test_lists_add_up(self, bob_page: Page, site: str, draft: Broadcast, acme: Workspace) -> None:
        more = make_list(acme, 20, "Newsletter", start=20)
        gone = Recipient.objects.filter(list=more).order_by("id")[19]
        OptOut.objects.create(workspace=acme, msisdn=gone.msisdn)
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/edit/")

        bob_page.get_by_label("Add a list").select_option(label="Newsletter (20)")

        expect(bob_page.locator("#reach-sum")).to_have_text("39 people after 11 are left out")
        bob_page.locator(".reach > summary").click()
        expect(bob_page.locator("#reach dl > div")).to_have_text(
            ["On the lists 50", "On more than one list −10", "Opted out −1", "People 39"], use_inner_text=True
        )
        bob_page.get_by_label("Remove Members").click()
        expect(bob_page.locator("#reach-sum")).to_contain_text("19 people")
        expect(bob_page.locator("[data-who]")).to_contain_text("Person 0,")

    def test_a_reload_keeps_the_draft(self, composer: Page) -> None:
        composer.get_by_label("Text").fill("Kept")
        expect(composer.locator("[data-saved-word]")).to_have_text("Saved")
        composer.reload()

        expect(composer.get_by_label("Text")).to_have_value("Kept")

    def test_a_failed_save_can_be_retried_and_loses_nothing(self, composer: Page, draft: Broadcast) -> None:
        composer.context.set_offline(True)
        composer.get_by_label("Text").fill("Written offline")

        expect(composer.locator("#save-trouble")).to_contain_text("Your text is safe on this page.")
        composer.context.set_offline(False)
        # Back on line it tries by itself as well.
        expect(composer.locator("[data-saved-word]")).to_have_text("Saved")
        expect(composer.locator("#save-trouble")).to_be_empty()
        draft.refresh_from_db()
        assert draft.text == "Written offline"

    def test_a_second_tab_is_told(self, composer: Page, draft: Broadcast, actor: Actor) -> None:
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"text": "Alice's"})
        composer.get_by_label("Text").fill("Bob's")

        expect(composer.locator("#save-trouble")).to_contain_text("changed elsewhere")
        expect(composer.get_by_label("Text")).to_have_value("Bob's")
        draft.refresh_from_db()
        assert draft.text == "Alice's"
        composer.get_by_role("link", name="Load this page again").click()
        expect(composer.get_by_label("Text")).to_have_value("Alice's")

    def test_a_wrong_time_is_told_at_its_field(self, composer: Page) -> None:
        composer.get_by_role("radio", name="At a set time", exact=True).check()
        composer.get_by_label("Date").fill("2027-03-14")
        composer.get_by_label("Time (New York)").fill("02:30")

        expect(composer.locator("#id_send_time_wrong")).to_contain_text("The clocks skip 02:30")
        composer.get_by_label("Time (New York)").fill("03:30")
        expect(composer.locator("#id_send_time_wrong")).to_have_count(0)

    def test_review_takes_what_was_just_written(self, composer: Page) -> None:
        composer.get_by_label("Text").fill("Last words. Reply STOP to opt out")
        composer.get_by_role("button", name="Review and send").click()

        expect(composer.get_by_role("heading", name="Review and send")).to_be_visible()
        expect(composer.get_by_text("Last words. Reply STOP to opt out").first).to_be_visible()

    def test_a_test_text_is_sent_from_a_dialog(self, composer: Page, no_broker: object) -> None:
        composer.get_by_role("button", name="Send test").click()
        composer.get_by_role("textbox", name="Send to").fill("(201) 555-0199")
        assert_shown_page_is_clean(composer)
        composer.get_by_role("button", name="Send the test").click()

        expect(composer.locator("#test-result")).to_contain_text("+1 201-555-0199")
        message = Message.objects.get()
        apply_changes([Change(message.pk, MessageState.DELIVERED, timezone.now(), "receipt")])
        expect(composer.locator("#test-result")).to_contain_text("Delivered")

    def test_it_works_without_script(
        self, open_page: OpenPage, site: str, draft: Broadcast, bob: User
    ) -> None:
        page = open_page(user=bob, base_url=site, javascript=False)
        page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
        page.get_by_label("Text").fill("Plain")
        page.locator("#composer button[name=save]", has_text="Save").last.click()
        expect(page.get_by_label("Text")).to_have_value("Plain")
        expect(page.locator("#text-count")).to_contain_text("5 characters")

        page.get_by_role("button", name="Review and send").click()
        page.get_by_role("button", name="Send to 30 people for $0.24").click()
        expect(page.get_by_text("0 of 30 sent")).to_be_visible()


class TestReview:
    def test_a_double_click_is_one_launch(self, bob_page: Page, site: str, draft: Broadcast) -> None:
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/review/")
        bob_page.get_by_role("button", name="Send to 30 people for $0.24").dblclick()

        expect(bob_page.get_by_text("of 30 sent")).to_be_visible()
        draft.refresh_from_db()
        assert draft.state == BroadcastState.RUNNING
        assert draft.segments.count() == 1

    def test_a_stale_estimate_shows_the_difference(
        self, bob_page: Page, site: str, draft: Broadcast, acme: Workspace
    ) -> None:
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/review/")
        OptOut.objects.create(workspace=acme, msisdn=draft.lists.get().recipients.order_by("id")[0].msisdn)
        bob_page.get_by_role("button", name="Send to 30 people").click()

        expect(bob_page.get_by_text("Nothing was sent")).to_be_visible()
        expect(bob_page.locator("del").first).to_have_text("30")
        expect(bob_page.locator("ins").first).to_have_text("29")
        assert bob_page.evaluate("document.activeElement.matches('[data-error-summary]')")
        assert_shown_page_is_clean(bob_page)
        bob_page.get_by_role("button", name="Send to 29 people").click()
        expect(bob_page.get_by_text("of 29 sent")).to_be_visible()

    def test_a_blocking_check_leads_to_its_place(
        self, bob_page: Page, site: str, draft: Broadcast, actor: Actor
    ) -> None:
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"sender_id": None})
        bob_page.goto(f"{site}/broadcasts/{draft.pk}/review/")

        expect(bob_page.get_by_role("button", name="Send to")).to_be_disabled()
        bob_page.get_by_role("link", name="Choose a sender").click()
        expect(bob_page).to_have_url(f"{site}/broadcasts/{draft.pk}/edit/#sender")


class TestReport:
    @pytest.fixture
    def report(self, bob_page: Page, site: str, running: Broadcast) -> Page:
        bob_page.goto(f"{site}/broadcasts/{running.pk}/")
        return bob_page

    def test_bar_and_counts_move_by_themselves(self, report: Page, running: Broadcast) -> None:
        expect(report.locator("#report-head")).to_contain_text("Delivered 9")
        settle(running, 5)

        expect(report.locator("#report-head")).to_contain_text("Delivered 11")
        expect(report.locator("#tab-count-delivered")).to_have_text("11")
        expect(report.locator("#report-reasons")).to_contain_text("The network rejected it")

    def test_pause_stops_the_clock_and_resume_goes_on(self, report: Page, running: Broadcast) -> None:
        report.get_by_role("button", name="Pause").click()
        expect(report.get_by_role("button", name="Resume")).to_be_visible()
        running.refresh_from_db()
        assert running.state == BroadcastState.PAUSED

        report.get_by_role("button", name="Resume").click()
        expect(report.get_by_role("button", name="Pause")).to_be_visible()

    def test_stop_asks_with_the_safe_button_focused(self, report: Page, running: Broadcast) -> None:
        report.get_by_role("button", name="Stop sending").click()
        dialog = report.get_by_role("dialog", name="Stop sending to 18 people?")
        expect(dialog.get_by_role("button", name="Keep sending")).to_be_focused()
        assert_shown_page_is_clean(report)
        dialog.get_by_role("button", name="Stop sending").click()

        expect(report.locator("#report-state")).to_have_text("Stopped")
        running.refresh_from_db()
        assert running.state == BroadcastState.STOPPED

    def test_a_change_elsewhere_changes_the_buttons(
        self, report: Page, running: Broadcast, actor: Actor
    ) -> None:
        stop_broadcast(broadcast=running, actor=actor)

        expect(report.locator("#report-state")).to_have_text("Stopped")
        expect(report.get_by_role("button", name="Pause")).to_have_count(0)

    def test_polling_ends_when_nothing_can_change(
        self, bob_page: Page, site: str, running: Broadcast, actor: Actor
    ) -> None:
        settle(running, 40)
        unknown = Message.objects.filter(state="unknown")
        apply_changes([Change(row.pk, MessageState.DELIVERED, timezone.now(), "receipt") for row in unknown])
        stop_broadcast(broadcast=running, actor=actor)
        bob_page.goto(f"{site}/broadcasts/{running.pk}/", wait_until="networkidle")
        asked: list[str] = []
        bob_page.on("request", lambda request: asked.append(request.url))

        bob_page.wait_for_timeout(5000)

        # The browser fetches the tab's icon when it likes.
        assert [url for url in asked if not url.endswith("/icon.svg")] == []

    def test_the_focus_survives_three_polls(self, report: Page) -> None:
        report.locator("#recipient-search").focus()
        for _poll in range(3):
            with report.expect_response("**/head/**"):
                pass

        assert report.evaluate("document.activeElement.id") == "recipient-search"

    def test_tab_and_search_are_in_the_address_and_back_works(
        self, report: Page, site: str, running: Broadcast
    ) -> None:
        report.locator("#recipients").get_by_role("link", name="Failed").click()
        expect(report).to_have_url(f"{site}/broadcasts/{running.pk}/?tab=failed")
        expect(report.locator("#recipients tbody tr")).to_have_count(2)

        report.reload()
        expect(report.locator("#recipients tbody tr")).to_have_count(2)
        report.go_back()
        expect(report.locator("#recipients tbody tr")).to_have_count(30)

        report.locator("#recipient-search").fill("Person 7")
        expect(report.locator("#recipients tbody tr")).to_have_count(1)
        assert "q=Person" in report.url

    def test_the_chart_and_its_table_agree(self, report: Page) -> None:
        report.get_by_text("Show as table").click()
        table = report.locator("figure table")
        expect(table.locator("tbody td").nth(1)).to_have_text("9")
        drawn = report.evaluate(
            "window.Chart.getChart(document.querySelector('canvas')).data.datasets[1].data"
        )
        assert drawn == [9] or [point.get("y", point.get("delivered")) for point in drawn] == [9]

    def test_who_missed_it_becomes_a_draft(self, report: Page, running: Broadcast) -> None:
        report.get_by_role("link", name="Who missed it").click()
        report.get_by_role("button", name="Write to the 1 reachable one").click()

        expect(report.get_by_role("heading", name="Review and send")).to_be_visible()
        expect(report.get_by_role("link", name="Autumn sale, again")).to_be_visible()
        expect(report.get_by_role("button", name="Send to 1 person")).to_be_visible()


def test_the_list_filters_and_goes_back(
    bob_page: Page, site: str, running: Broadcast, acme: Workspace, actor: Actor
) -> None:
    create_draft(workspace=acme, actor=actor, name="Winter sale")
    bob_page.goto(f"{site}/broadcasts/")
    expect(bob_page.locator("#broadcasts tbody tr")).to_have_count(2)

    bob_page.get_by_label("Search broadcasts by name").fill("winter")
    expect(bob_page.locator("#broadcasts tbody tr")).to_have_count(1)
    assert "q=winter" in bob_page.url
    bob_page.reload()
    expect(bob_page.locator("#broadcasts tbody tr")).to_have_count(1)

    bob_page.goto(f"{site}/broadcasts/")
    row = bob_page.locator("#broadcasts tbody tr", has_text="Autumn sale")
    row.get_by_role("button", name="Actions for Autumn sale").click()
    row.get_by_role("menuitem", name="Pause").click()
    expect(bob_page.locator("#broadcasts tbody tr", has_text="Autumn sale")).to_contain_text("Paused")


def test_the_dashboard_polls_what_runs(bob_page: Page, site: str, running: Broadcast) -> None:
    bob_page.goto(site + "/")
    expect(bob_page.locator("#running")).to_contain_text("11 of 30 sent")
    settle(running, 5)

    expect(bob_page.locator("#running")).to_contain_text("15 of 30 sent", timeout=30_000)
    assert watch_of(bob_page).errors == []


def sample_texts() -> list[str]:
    """Texts about every border: septets, escapes and pairs at the end of a part, odd characters, tokens."""
    random = Random(7)  # the same each time
    alphabet = "abc ÇçÄ€[]{}|^~\\\n“”…é😀ș" + "xyz" * 10
    made = ["".join(random.choices(alphabet, k=random.randint(0, 340))) for _ in range(300)]
    borders = [
        char * n for char in ("a", "€", "ç", "😀") for n in (1, 34, 35, 69, 70, 71, 153, 160, 161, 306, 307)
    ]
    cut = ["a" * 152 + "€" + "b" * 20, "ç" * 66 + "😀" + "b" * 5]
    clusters = [
        "👨\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "❤\ufe0f",
        "e\u0301",
        "q\u0323\u0302",
        "ş\u0301",
        "\u200b",
        "\u202e",
    ]
    at_borders = ["Ж" * n + one + "b" * 5 for one in clusters for n in range(61, 72)]
    letters = {form for char in GSM_BASIC + GSM_EXTENSION for form in (char, char.upper(), char.lower())}
    tables = [one * n for one in sorted(letters) for n in (1, 160, 161)]
    every_swap = ["".join(SMART_SWAPS), "\u0301".join(SMART_SWAPS), "a\tb`c", "\u0301 <\u0338 \u05d0\u0301"]
    long = ["a€" * 50_000, "\u200bж" * 50_000]
    return made + borders + cut + clusters + at_borders + tables + every_swap + long


def test_what_is_chosen_before_the_script_is_there_counts(
    bob_page: Page, site: str, acme: Workspace, actor: Actor
) -> None:
    """A slow line: the page stands, its script is still under way, and the person already works."""
    broadcast = create_draft(workspace=acme, actor=actor, name="Autumn sale")
    row = make_list(acme, 3, name="Members")
    held: list[Route] = []
    bob_page.route("**/js/composer*.js", lambda route: held.append(route))
    bob_page.goto(f"{site}/broadcasts/{broadcast.pk}/edit/", wait_until="commit")
    bob_page.get_by_label("Text").fill("Early bird")
    bob_page.get_by_label("Add a list").select_option(value=str(row.pk))
    assert not Broadcast.objects.filter(pk=broadcast.pk, text__gt="").exists()

    for route in held:
        route.continue_()
    expect(bob_page.locator("[data-chip]")).to_contain_text("Members")
    expect(bob_page.locator("[data-saved-word]")).to_have_text("Saved")
    broadcast.refresh_from_db()
    assert broadcast.text == "Early bird"
    assert [one.name for one in broadcast.lists.all()] == ["Members"]


def test_the_browser_counts_as_the_server_does(bob_page: Page, site: str, draft: Broadcast) -> None:
    bob_page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
    texts = sample_texts()
    counted = bob_page.evaluate(
        """async (texts) => {
          const { counter, swapSmart, swapTable } = await import("/static/js/parts.js");
          const { gsm } = JSON.parse(document.getElementById("composer-data").textContent);
          const measure = counter(gsm);
          return texts.map((text) => {
            const { encoding, units, parts, left, odd } = measure(text);
            return [encoding, units, parts, left, odd.length, swapSmart(text, swapTable(gsm.swaps))];
          });
        }""",
        texts,
    )
    for text, found in zip(texts, counted, strict=True):
        parts = count_parts(text)
        expected = [parts.encoding, parts.units, parts.parts, parts.left, len(parts.odd), swap_smart(text)]
        assert found == expected, repr(text)


def test_the_browser_renders_as_the_server_does(bob_page: Page, site: str, draft: Broadcast) -> None:
    values = {"first_name": "Zoë", "custom": "{{last_name}}", "city": "Boston"}
    texts = [
        "Hi {{first_name}}",
        "Hi {{ first_name | there }}, {{last_name|friend}}{{last_name}}!",
        "{{{first_name}}} {first_name} {{unknown}} {{city}} {{custom}}",
        "{{first_name {{city}} {{",
        "{{email|a|b}} {{}} }} {{city|",
    ]
    bob_page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
    rendered = bob_page.evaluate(
        """async ([texts, values, names]) => {
          const { render } = await import("/static/js/parts.js");
          return texts.map((text) => render(text, values, new Set(names)));
        }""",
        [texts, values, [*(info.name for info in FIELD_TOKENS), "city"]],
    )
    assert rendered == [compile_text(text, columns={"city"}).render(Reader(values, 1)) for text in texts]


def test_the_pages_weigh_little(
    bob_page: Page, site: str, running: Broadcast, acme: Workspace, actor: Actor
) -> None:
    """What a first visit loads, compressed as it goes out: 130 KB, with a chart 210."""
    draft = create_draft(workspace=acme, actor=actor, copy_of=running)
    for address, most in (
        (f"/broadcasts/{draft.pk}/edit/", 130 * 1024),
        (f"/broadcasts/{running.pk}/", 210 * 1024),
    ):
        weights: dict[str, int] = {}

        def weigh(response: Response, weights: dict[str, int] = weights) -> None:
            body = response.body()
            compressed = not response.url.endswith(".woff2")
            weights[response.url] = len(gzip.compress(body)) if compressed else len(body)

        bob_page.on("response", weigh)
        bob_page.goto(site + address, wait_until="networkidle")
        bob_page.remove_listener("response", weigh)
        assert sum(weights.values()) <= most, sorted(weights.items(), key=lambda item: -item[1])[:8]
