"""STOP and START, decisions and files at once: the later word about a number wins, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from django.db import connection, transaction

from accounts.models import Workspace
from contacts.models import ImportPurpose, OptOut, OptOutHow, OptOutReview
from contacts.services.opt_out_reviews import ask_for_review, decide_reviews, reopen_reviews
from contacts.services.opt_outs import opt_in, opt_out, opt_out_many
from tests.contacts.support import NOBODY, checked_opt_outs, number, ran, upload

pytestmark = pytest.mark.django_db(transaction=True)

Deed = Callable[[Workspace], object]
# How long the first one keeps its transaction open, so that the second one meets it.
HELD_SECONDS = 0.4
BACKWARDS = range(9, -1, -1)
inbound_ids = count(1)


def asked(workspace: Workspace, n: int = 0) -> OptOutReview:
    made = ask_for_review(
        workspace=workspace, msisdn=number(n), text="please stop", inbound_id=next(inbound_ids)
    )
    assert made is not None
    return made


def stop(workspace: Workspace, n: int = 0) -> OptOut:
    return opt_out(workspace=workspace, msisdn=number(n), how=OptOutHow.STOP, source="STOP")


def start(workspace: Workspace) -> bool:
    return opt_in(workspace=workspace, msisdn=number(0), reason="START")


def stop_many(workspace: Workspace) -> int:
    return opt_out_many(workspace=workspace, msisdns=[number(1), number(0)], how=OptOutHow.API)


def decide_all(workspace: Workspace) -> int:
    """How many had still to be decided."""
    ids = list(OptOutReview.objects.filter(workspace=workspace).values_list("pk", flat=True))
    return len(decide_reviews(workspace=workspace, ids=ids, opts_out=True, actor=NOBODY))


def decide(workspace: Workspace) -> None:
    assert decide_all(workspace) == 1


def reopen(workspace: Workspace) -> None:
    ids = OptOutReview.objects.filter(workspace=workspace).values_list("pk", flat=True)
    assert reopen_reviews(workspace=workspace, ids=list(ids), actor=NOBODY) == 1


def import_numbers(workspace: Workspace, numbers: Sequence[int] = (1, 0)) -> None:
    lines = "".join(f"+{number(n)}\n" for n in numbers)
    ran(checked_opt_outs(upload(workspace, f"number\n{lines}", purpose=ImportPurpose.OPT_OUTS)))


def in_thread(work: Callable[[], object], errors: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:  # the test tells it
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def one_meets_other(workspace: Workspace, first: Deed, later: Deed) -> None:
    """`later` begins while the transaction of `first` is still open."""
    done, never, errors = threading.Event(), threading.Event(), list[BaseException]()

    def hold() -> None:
        with transaction.atomic():
            first(workspace)
            done.set()
            never.wait(HELD_SECONDS)

    thread = in_thread(hold, errors)
    assert done.wait(10)
    later(workspace)
    thread.join(20)
    assert (errors, thread.is_alive()) == ([], False)


def is_out(workspace: Workspace) -> bool:
    return OptOut.objects.filter(workspace=workspace, msisdn=number(0)).exists()


@pytest.mark.parametrize("later", [stop, stop_many, import_numbers])
def test_stop_that_meets_an_opt_in_is_not_lost(acme: Workspace, later: Deed) -> None:
    stop(acme)
    one_meets_other(acme, start, later)
    assert is_out(acme)


@pytest.mark.parametrize("later", [stop, stop_many, import_numbers])
def test_stop_that_meets_the_undoing_of_a_decision_is_not_lost(acme: Workspace, later: Deed) -> None:
    review = asked(acme)
    decide(acme)
    one_meets_other(acme, reopen, later)
    review.refresh_from_db()
    acme.refresh_from_db()
    assert is_out(acme)
    assert (review.decision, review.opt_out_id, acme.waiting_reviews) == ("opted_out", None, 0)


@pytest.mark.parametrize("first", [stop, stop_many, decide])
def test_start_that_meets_a_stop_comes_after_it(acme: Workspace, first: Deed) -> None:
    asked(acme)
    one_meets_other(acme, first, start)
    assert not is_out(acme)


def test_a_decision_that_meets_a_stop_has_nothing_to_decide(acme: Workspace) -> None:
    review = asked(acme)

    def decide_late(workspace: Workspace) -> None:
        assert decide_reviews(workspace=workspace, ids=[review.pk], opts_out=False, actor=NOBODY) == []

    one_meets_other(acme, stop, decide_late)
    review.refresh_from_db()
    assert (is_out(acme), review.decision) == (True, "opted_out")


def test_a_text_that_meets_a_stop_is_not_asked_about(acme: Workspace) -> None:
    def ask(workspace: Workspace) -> None:
        assert (
            ask_for_review(
                workspace=workspace, msisdn=number(0), text="stop it", inbound_id=next(inbound_ids)
            )
            is None
        )

    one_meets_other(acme, stop, ask)
    acme.refresh_from_db()
    assert acme.waiting_reviews == 0


def stop_backwards(workspace: Workspace) -> None:
    for n in BACKWARDS:
        stop(workspace, n)


def stop_many_backwards(workspace: Workspace) -> None:
    opt_out_many(workspace=workspace, msisdns=[number(n) for n in BACKWARDS], how=OptOutHow.API)


def import_backwards(workspace: Workspace) -> None:
    import_numbers(workspace, BACKWARDS)


@pytest.mark.parametrize("other", [stop_backwards, stop_many_backwards, import_backwards])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_many_at_once_in_opposite_order_all_end(acme: Workspace, other: Deed, turn: int) -> None:
    """Where they could lock each other out, they did so nearly every time."""
    for n in reversed(BACKWARDS):
        asked(acme, n)
    together, errors = threading.Barrier(2), list[BaseException]()

    def at_once(deed: Deed) -> Callable[[], object]:
        def run() -> None:
            together.wait(10)
            deed(acme)

        return run

    threads = [in_thread(at_once(deed), errors) for deed in (decide_all, other)]
    for thread in threads:
        thread.join(30)
    acme.refresh_from_db()
    assert errors == []
    assert (OptOut.objects.filter(workspace=acme).count(), acme.waiting_reviews) == (len(BACKWARDS), 0)
