"""Starting, checking and ending verifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from contacts.models import OptOut
from contacts.services.opt_outs import opt_out
from messaging.dispatches import pause_dispatch
from messaging.erasure import erase_number
from messaging.errors import MessagingError
from messaging.models import Dispatch, Link, Message, Verification, WordSpinner
from messaging.verification.errors import NotNow, TooMuch
from messaging.verification.services import (
    Checked,
    cancel_verification,
    check_verification,
    newest_of,
    prune_verifications,
    resend_verification,
    tidy_codes,
)
from messaging.verification.states import state_of, tries_left
from providers.models import ProviderAccount
from sms.parts import part_count
from tests.engine.makers import make_account
from tests.messaging.verification.support import (
    AHMAD,
    MAYA,
    TEXT,
    code_of,
    message_of,
    move_back,
    rows_of,
    started,
    wrong,
)
from tests.people import api_client

pytestmark = pytest.mark.django_db

MINUTES = timedelta(minutes=1)


@pytest.fixture
def account(acme: Workspace, settings: Settings) -> ProviderAccount:
    settings.VERIFICATION_SECONDS_BETWEEN = 0
    return make_account(acme)


def check(verification: Verification, code: str) -> Checked:
    return check_verification(verification=verification, code=code)


def outcome(checked: Checked) -> tuple[bool, str, int]:
    return checked.valid, checked.state, checked.tries_left


# --- starting -----------------------------------------------------------------------------------------


def test_it_works(account: ProviderAccount) -> None:
    made = started(account, reference="order 4711")
    verification, code = made.verification, code_of(made.verification)
    assert (len(code), code[0] != "0") == (6, True)
    assert verification.expires_at - verification.created_at == 10 * MINUTES
    assert (made.parts, made.cost, made.currency) == (1, Decimal("0.0079"), account.currency)
    message = message_of(verification)
    assert (message.msisdn, message.state, message.text) == (MAYA, "queued", "")
    assert (message.dispatch.state, message.dispatch.text, message.broadcast_id) == ("running", TEXT, None)
    checked = check(verification, code)
    assert outcome(checked) == (True, "verified", 0)
    stored = Verification.objects.get()
    assert (stored.tries, stored.sealed_code, stored.verified_at is not None) == (1, "", True)


def test_neither_the_rows_nor_the_trail_hold_the_code(account: ProviderAccount) -> None:
    made = started(account).verification
    code = code_of(made)
    assert code not in str(list(Verification.objects.values()))
    assert code not in str(list(AuditEntry.objects.values()))
    assert code not in repr(made)


@pytest.mark.parametrize("length", [4, 10])
def test_the_length_can_be_chosen(account: ProviderAccount, length: int) -> None:
    made = started(account, length=length).verification
    assert (len(code_of(made)), made.code_length) == (length, length)


def test_the_code_may_stand_twice_beside_random_words(account: ProviderAccount, acme: Workspace) -> None:
    spinner = WordSpinner.objects.create(workspace=acme, name="Greeting", words=[["Hello", 1]])
    text = f"{{{{word_spinner:{spinner.pk}}}}} {{{{verification_code}}}} {{{{random_symbol}}}} {{{{verification_code}}}}"
    assert started(account, text=text).parts == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello", "The text has no {{verification_code}}. Write it where the code shall stand."),
        (" ", "The text is empty"),
        ("{{verification_code}} {{first_name}}", "neither links nor a recipient's fields"),
        ("{{verification_code}} {{unsubscription_link}}", "neither links nor a recipient's fields"),
        ("{{verification_code}} {{shorten_url}}", "neither links nor a recipient's fields"),
        ("{{verification_kode}}", "did you mean {{verification_code}}?"),
        ("{{verification_code|123456}}", "takes no default"),
        ("{{verification_code", "is not closed"),
    ],
)
def test_a_text_is_refused_in_words(account: ProviderAccount, text: str, says: str) -> None:
    with pytest.raises(MessagingError) as refused:
        started(account, text=text)
    assert refused.value.field == "text"
    assert says in str(refused.value.sentence)
    assert not Dispatch.objects.exists()


def test_a_link_is_refused(account: ProviderAccount, acme: Workspace) -> None:
    link = Link.objects.create(workspace=acme, name="Shop", url="https://example.com/")
    with pytest.raises(MessagingError, match="neither links"):
        started(account, text=f"{{{{verification_code}}}} {{{{link:{link.pk}}}}}")


@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ({"length": 3}, "length", "length is 3: send a whole number from 4 to 10."),
        ({"length": 11}, "length", "length is 11"),
        ({"max_tries": 0}, "max_tries", "max_tries is 0: send a whole number from 1 to 10."),
        ({"max_tries": 11}, "max_tries", "max_tries is 11"),
        ({"lifetime": timedelta(seconds=59)}, "lifetime", "not for 59"),
        ({"lifetime": timedelta(hours=24, seconds=1)}, "lifetime", "not for 86,401"),
        ({"reference": "x" * 161}, "reference", "has 161 characters"),
        ({"text": "x" * 500 + TEXT}, "parts", "4 parts"),
    ],
)
def test_limits_are_told(account: ProviderAccount, asked: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(MessagingError) as refused:
        started(account, **asked)
    assert refused.value.field == field
    assert says in str(refused.value.sentence)
    assert not Verification.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("msisdn", "says"),
    [
        ("442071838750", "is a landline, which gets no texts"),
        ("449098790000", "is a premium-rate number"),
        ("18002345678", "is no mobile number"),
        ("1201555", "too few digits"),
    ],
)
def test_numbers_that_get_no_code(account: ProviderAccount, msisdn: str, says: str) -> None:
    with pytest.raises(MessagingError, match=says) as refused:
        started(account, msisdn)
    assert refused.value.field == "msisdn"


def test_who_opted_out_gets_no_code(account: ProviderAccount, acme: Workspace) -> None:
    OptOut.objects.create(workspace=acme, msisdn=MAYA)
    with pytest.raises(MessagingError, match="has opted out and is not texted"):
        started(account)
    assert not Message.objects.exists()


def test_a_newer_one_takes_the_place_of_the_pending_one(account: ProviderAccount) -> None:
    first = started(account).verification
    old_code = code_of(first)
    second = started(account).verification
    first.refresh_from_db()
    assert (first.state, first.sealed_code, second.state) == ("replaced", "", "pending")
    message = message_of(first)
    assert (message.state, message.reason, message.dispatch.state) == (
        "cancelled",
        "code_replaced",
        "stopped",
    )
    assert outcome(check(first, old_code)) == (False, "replaced", 0)
    assert newest_of(workspace=account.workspace, msisdn=MAYA) == second


def test_another_number_replaces_nothing(account: ProviderAccount) -> None:
    started(account, MAYA)
    started(account, AHMAD)
    assert [row.state for row in rows_of(account.workspace)] == ["pending", "pending"]


# --- checking -----------------------------------------------------------------------------------------


def test_a_code_is_valid_once(account: ProviderAccount) -> None:
    made = started(account).verification
    code = code_of(made)
    check(made, code)
    again = check(made, code)
    assert outcome(again) == (False, "verified", 0)
    assert str(again.sentence) == "A code is valid once, and this one was used already."
    assert Verification.objects.get().tries == 1


def test_wrong_codes_use_up_the_tries(account: ProviderAccount) -> None:
    made = started(account, max_tries=3).verification
    code = code_of(made)
    assert [outcome(check(made, wrong(code))) for _ in range(4)] == [
        (False, "pending", 2),
        (False, "pending", 1),
        (False, "exhausted", 0),
        (False, "exhausted", 0),
    ]
    assert outcome(check(made, code)) == (False, "exhausted", 0)
    stored = Verification.objects.get()
    assert (stored.tries, stored.sealed_code) == (3, "")


def test_the_last_try_may_be_right(account: ProviderAccount) -> None:
    made = started(account, max_tries=2).verification
    code = code_of(made)
    check(made, wrong(code))
    assert outcome(check(made, code)) == (True, "verified", 0)


def test_the_try_is_counted_before_the_codes_are_compared(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(row: Verification, code: str) -> bool:
        seen.append(Verification.objects.get(pk=row.pk).tries)
        return False

    monkeypatch.setattr("messaging.verification.services.is_code", look)
    check(started(account).verification, "123456")
    assert seen == [1]


def test_after_its_time_the_right_code_is_not_valid(account: ProviderAccount) -> None:
    made = started(account).verification
    code = code_of(made)
    move_back(made, 10 * MINUTES)
    checked = check(made, code)
    assert outcome(checked) == (False, "expired", 0)
    assert str(checked.sentence) == "The code has expired. Ask for a new one."
    assert Verification.objects.get().tries == 0


@pytest.mark.parametrize("typed", ["abcdef", "", "12345", "1234567", "12345x"])
def test_what_cannot_be_the_code_costs_no_try(account: ProviderAccount, typed: str) -> None:
    made = started(account).verification
    with pytest.raises(MessagingError, match="The code has 6 digits") as refused:
        check(made, typed)
    assert refused.value.field == "code"
    assert Verification.objects.get().tries == 0


def test_a_code_is_read_however_it_is_written(account: ProviderAccount) -> None:
    made = started(account).verification
    code = code_of(made)
    assert check(made, f" {code[:3]}-{code[3:]} ").valid


# --- ending -------------------------------------------------------------------------------------------


def test_a_cancelled_one_counts_no_more(account: ProviderAccount) -> None:
    made = started(account).verification
    code = code_of(made)
    row = cancel_verification(verification=made, actor=Actor())
    assert (row.state, row.sealed_code) == ("cancelled", "")
    assert (message_of(made).state, message_of(made).reason) == ("cancelled", "code_cancelled")
    assert outcome(check(made, code)) == (False, "cancelled", 0)
    with pytest.raises(NotNow):
        cancel_verification(verification=made, actor=Actor())


def test_resending_makes_a_new_code_of_the_same_kind(account: ProviderAccount) -> None:
    asked = {"length": 8, "lifetime": 3 * MINUTES, "max_tries": 4, "reference": "order 4711"}
    first = started(account, **asked).verification
    again = resend_verification(verification=first, actor=Actor()).verification
    assert again.pk != first.pk
    assert again.code_hash != first.code_hash
    assert (again.code_length, again.max_tries, again.reference) == (8, 4, "order 4711")
    assert again.expires_at - again.created_at == 3 * MINUTES
    assert message_of(again).dispatch.text == TEXT
    assert [row.state for row in rows_of(account.workspace)] == ["replaced", "pending"]


def test_what_is_settled_is_not_resent(account: ProviderAccount) -> None:
    first = started(account).verification
    second = started(account).verification
    check(second, code_of(second))
    for verification, says in ((first, "A newer code"), (second, "was verified already")):
        verification.refresh_from_db()
        with pytest.raises(NotNow, match=says):
            resend_verification(verification=verification, actor=Actor())


def test_the_sweep_calls_off_what_has_expired(account: ProviderAccount) -> None:
    made = started(account).verification
    pause_dispatch(dispatch_id=message_of(made).dispatch_id)
    assert tidy_codes() == 0
    move_back(made, 10 * MINUTES)
    assert tidy_codes() == 1
    made.refresh_from_db()
    message = message_of(made)
    assert (made.state, state_of(made), made.sealed_code, tries_left(made)) == ("pending", "expired", "", 0)
    assert (message.state, message.reason, message.dispatch.state) == ("cancelled", "code_expired", "stopped")
    assert tidy_codes() == 0


def test_the_sweep_forgets_codes_of_texts_that_are_settled(account: ProviderAccount) -> None:
    made, waiting = started(account).verification, started(account, AHMAD).verification
    Message.objects.filter(pk=made.message_id).update(state="unknown")
    assert tidy_codes() == 1
    sealed = {row.msisdn: bool(row.sealed_code) for row in rows_of(account.workspace)}
    assert sealed == {MAYA: False, AHMAD: True}
    assert code_of(waiting)


def test_what_is_over_is_deleted_after_its_days(
    account: ProviderAccount, settings: Settings, time_machine: Any
) -> None:
    settings.VERIFICATION_DAYS = 90
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    old = started(account).verification
    time_machine.move_to(now + timedelta(days=90), tick=False)
    newer = started(account).verification
    tidy_codes()
    assert prune_verifications() == 0
    time_machine.move_to(now + timedelta(days=90, seconds=1), tick=False)
    assert prune_verifications() == 1
    assert list(Verification.objects.values_list("pk", flat=True)) == [newer.pk]
    assert Message.objects.filter(pk=old.message_id).exists()


def test_a_code_that_counts_is_kept(account: ProviderAccount, settings: Settings) -> None:
    settings.VERIFICATION_DAYS = 0
    started(account)
    assert prune_verifications() == 0


def test_erasing_a_number_erases_its_verifications(account: ProviderAccount, acme: Workspace) -> None:
    made = started(account).verification
    started(account, AHMAD)
    erase_number(workspace=acme, msisdn=MAYA, reason="asked", actor=Actor())
    assert [row.msisdn for row in rows_of(acme)] == [AHMAD]
    assert (
        not AuditEntry.objects.filter(subject="verification", subject_id=made.pk).exclude(label="").exists()
    )


# --- limits -------------------------------------------------------------------------------------------


def test_two_codes_are_thirty_seconds_apart(account: ProviderAccount, settings: Settings) -> None:
    settings.VERIFICATION_SECONDS_BETWEEN = 30
    made = started(account).verification
    with pytest.raises(TooMuch, match="was sent a code just now") as refused:
        started(account)
    assert refused.value.code == "too_soon"
    assert 0 < refused.value.wait <= 30
    assert Message.objects.count() == 1
    started(account, AHMAD)
    move_back(made, timedelta(seconds=30))
    started(account)


def test_a_number_gets_five_codes_an_hour(account: ProviderAccount) -> None:
    for minutes in (50, 40, 30, 20, 10):
        move_back(started(account).verification, minutes * MINUTES)
    with pytest.raises(TooMuch, match=r"was sent 5 codes within an hour\. .* in 10 minutes") as refused:
        started(account)
    assert refused.value.code == "too_many_starts"
    assert 570 < refused.value.wait <= 600
    assert Verification.objects.count() == 5
    for row in rows_of(account.workspace):
        move_back(row, 10 * MINUTES)
    started(account)


def test_a_workspace_does_not_use_up_anothers_limits(
    account: ProviderAccount, other: Workspace, settings: Settings
) -> None:
    settings.VERIFICATION_STARTS_PER_HOUR = 1
    started(account)
    started(make_account(other))


def test_a_key_may_ask_for_so_many_a_minute(account: ProviderAccount, settings: Settings) -> None:
    settings.VERIFICATION_STARTS_PER_KEY = 2
    actor = Actor(api_key=api_client().api_key)
    for msisdn in (MAYA, AHMAD):
        started(account, msisdn, actor=actor)
    with pytest.raises(TooMuch, match="asked for 2 codes within a minute") as refused:
        started(account, "12015550103", actor=actor)
    assert refused.value.code == "too_many_starts_of_key"
    assert 0 < refused.value.wait <= 60
    started(account, "12015550103", actor=Actor(api_key=api_client().api_key))
    move_back(rows_of(account.workspace)[0], MINUTES)
    started(account, "12015550104", actor=actor)


def test_new_codes_give_no_new_guesses_for_ever(account: ProviderAccount) -> None:
    for _ in range(3):
        made = started(account).verification
        code = code_of(made)
        for _ in range(5):
            check(made, wrong(code))
    with pytest.raises(TooMuch, match="Too many wrong codes"):
        started(account)
    # Nor through one that was there before.
    last = rows_of(account.workspace)[-1]
    Verification.objects.filter(pk=last.pk).update(state="pending", max_tries=10)
    with pytest.raises(TooMuch) as refused:
        check(last, code)
    assert refused.value.code == "too_many_wrong_codes"
    assert 69 * 60 < refused.value.wait <= 70 * 60
    last.refresh_from_db()
    assert (last.state, last.tries) == ("pending", 5)
    for row in rows_of(account.workspace):
        move_back(row, 70 * MINUTES)
    assert started(account).verification


def test_guesses_at_a_long_lived_code_count_as_long_as_it_lives(account: ProviderAccount) -> None:
    made = started(account, lifetime=timedelta(hours=20), max_tries=10).verification
    code = code_of(made)
    for _ in range(10):
        check(made, wrong(code))
    move_back(made, timedelta(hours=19))
    again = started(account).verification
    code = code_of(again)
    for _ in range(5):
        check(again, wrong(code))
    with pytest.raises(TooMuch):
        started(account)


def test_right_codes_are_no_wrong_ones(account: ProviderAccount, settings: Settings) -> None:
    settings.VERIFICATION_WRONG_PER_HOUR = 1
    for _ in range(3):
        made = started(account).verification
        assert check(made, code_of(made)).valid


def test_an_opt_out_meanwhile_wins(account: ProviderAccount, acme: Workspace) -> None:
    made = started(account).verification
    opt_out(workspace=acme, msisdn=MAYA, how="stop")
    with pytest.raises(MessagingError, match="opted out"):
        resend_verification(verification=made, actor=Actor())


def test_parts_are_those_of_the_text_that_goes_out(account: ProviderAccount) -> None:
    made = started(account, text="x" * 154 + "{{verification_code}}")
    assert (made.parts, part_count("x" * 160)) == (1, 1)
    assert started(account, AHMAD, text="x" * 155 + "{{verification_code}}").parts == 2


def test_times_are_those_of_the_row(account: ProviderAccount) -> None:
    before = timezone.now()
    made = started(account).verification
    assert before <= made.created_at <= timezone.now()
