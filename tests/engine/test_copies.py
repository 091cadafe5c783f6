"""Nothing goes out from a copy of the database; and what claiming it does with what ran."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.instance import advance, claim_instance, fence
from accounts.models import Instance, Workspace
from campaigns.errors import CampaignError, LaunchRefused, NotNow
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.control import resume_broadcast
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts, remember_estimate, send_single
from campaigns.tasks import sweep
from messaging.dispatches import cancel_stopped, counts_of
from messaging.engine import jobs
from messaging.models import Dispatch
from messaging.tasks import run_engine
from providers.models import ProviderAccount
from tests.campaigns.makers import make_draft
from tests.engine.makers import make_account, make_dispatch, make_list, make_sender
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def account(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, "bulkvs", sandbox.bulkvs_url)


def move_away() -> None:
    """As if this were a restored copy."""
    assert fence() is None
    row = Instance.objects.get()
    Instance.objects.update(place={**row.place, "database": "elsewhere"})


def a_draft(account: ProviderAccount, name: str = "Members") -> Broadcast:
    people = make_list(account.workspace, 30, name)
    return make_draft(account.workspace, Actor(), people, name=f"for {name}")


def states(dispatch: Dispatch) -> dict[str, int]:
    return {state: count for state, count in counts_of([dispatch.pk]).items() if count}


def test_nothing_is_sent_from_a_copy(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = make_dispatch(account.workspace, account, people=5)
    move_away()
    report = run_engine(seconds=1)
    assert (report.claimed, states(dispatch)) == (0, {"queued": 5})
    assert sandbox.control("GET", "accepted") == {}


def test_an_older_state_put_in_the_place_of_ours_while_we_send(
    account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    dispatch = make_dispatch(account.workspace, account, people=5)
    assert fence() is None
    advance()
    advance()
    assert fence() is None
    Instance.objects.update(turn=1)
    assert run_engine(seconds=1).claimed == 0
    assert states(dispatch) == {"queued": 5}


def test_a_backup_from_before_the_last_seconds_of_sending_is_an_older_one(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any sweep in between."""
    monkeypatch.setattr(jobs, "_noted_at", -1.0)
    monkeypatch.setattr(jobs, "NOTE_SECONDS", 0.0)
    assert fence() is None
    backup = Instance.objects.get().turn
    make_dispatch(account.workspace, account, people=5)
    run_engine(seconds=2)
    assert fence() is None
    assert Instance.objects.get().turn > backup
    Instance.objects.update(turn=backup)
    found = fence()
    assert found is not None
    assert found.why == "older"


def test_the_sweep_does_nothing_in_a_copy(account: ProviderAccount) -> None:
    draft = scheduled(account, minutes=-5)
    move_away()
    turn = Instance.objects.get().turn
    sweep()
    draft.refresh_from_db()
    assert (draft.state, Instance.objects.get().turn) == (BroadcastState.SCHEDULED, turn)


def scheduled(account: ProviderAccount, *, minutes: int) -> Broadcast:
    draft = a_draft(account, f"List {minutes}")
    Broadcast.objects.filter(pk=draft.pk).update(
        state=BroadcastState.SCHEDULED, send_at=timezone.now() + timedelta(minutes=minutes)
    )
    draft.refresh_from_db()
    return draft


def test_launching_in_a_copy_is_refused(account: ProviderAccount) -> None:
    draft = a_draft(account)
    move_away()
    estimate = estimate_of(draft)
    remember_estimate(broadcast=draft, estimate=estimate)
    with pytest.raises(LaunchRefused, match="This is a copy of Crier's database"):
        launch(broadcast=draft, actor=Actor(), launch_token=draft.launch_token, digest=estimate.digest)


def test_a_single_text_in_a_copy_is_refused(account: ProviderAccount) -> None:
    move_away()
    with pytest.raises(CampaignError, match="This is a copy") as refused:
        send_single(
            workspace=account.workspace,
            actor=Actor(),
            account=account,
            sender=make_sender(account.workspace),
            msisdn="+12015550123",
            text="Hello",
        )
    assert refused.value.code == "copy"
    assert not Dispatch.objects.exists()


def test_resuming_in_a_copy_is_refused(account: ProviderAccount) -> None:
    draft = a_draft(account)
    Broadcast.objects.filter(pk=draft.pk).update(state=BroadcastState.PAUSED)
    move_away()
    with pytest.raises(NotNow, match="This is a copy"):
        resume_broadcast(broadcast=draft, actor=Actor())


# --- claimed --------------------------------------------------------------------------------------------


def test_claiming_pauses_what_ran(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    draft = a_draft(account)
    Broadcast.objects.filter(pk=draft.pk).update(state=BroadcastState.RUNNING)
    dispatch = make_dispatch(account.workspace, account, people=5, broadcast_id=draft.pk, name="Others")
    draft.segments.create(number=1, dispatch=dispatch)
    move_away()
    claim_instance(actor=Actor())
    draft.refresh_from_db()
    dispatch.refresh_from_db()
    assert (draft.state, dispatch.state) == ("paused", "paused")
    assert draft.state_reason.startswith("Paused: this database is a copy that was claimed. Since ")
    assert run_engine(seconds=1).claimed == 0
    resume_broadcast(broadcast=draft, actor=Actor())
    run_engine(seconds=5)
    assert states(dispatch) == {"sent": 5}


def test_claiming_pauses_what_is_still_being_planned(account: ProviderAccount) -> None:
    draft = a_draft(account)
    Broadcast.objects.filter(pk=draft.pk).update(state=BroadcastState.RUNNING)
    dispatch = make_dispatch(account.workspace, account, broadcast_id=draft.pk, name="Others", start=False)
    draft.segments.create(number=1, dispatch=dispatch)
    move_away()
    claim_instance(actor=Actor())
    draft.refresh_from_db()
    assert draft.state == "paused"


def test_claiming_cancels_single_texts(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=1, broadcast_id=None)
    move_away()
    claim_instance(actor=Actor())
    dispatch.refresh_from_db()
    assert dispatch.state == "stopped"
    cancel_stopped()
    assert states(dispatch) == {"cancelled": 1}


def test_claiming_takes_back_schedules_that_passed(account: ProviderAccount) -> None:
    late, later = scheduled(account, minutes=-5), scheduled(account, minutes=5)
    move_away()
    claim_instance(actor=Actor())
    late.refresh_from_db()
    later.refresh_from_db()
    assert (late.state, later.state) == ("draft", "scheduled")
    assert "the original may have sent it since" in late.state_reason
    assert launch_due_broadcasts() == 0
