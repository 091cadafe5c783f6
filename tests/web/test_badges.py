"""Every state that a model can have has a word and a tone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.models import BroadcastState
from contacts.models import ImportState
from messaging.models import DispatchState, VerificationState, WebhookState
from providers.models import Health, SyncRunState, SyncState, SyncStepState
from sms.states import MessageState
from web.badges import BADGES, badge_of

STATES = [
    *BroadcastState,
    *ImportState,
    *DispatchState,
    *Health,
    *MessageState,
    *SyncRunState,
    *SyncState,
    *SyncStepState,
    *VerificationState,
    *WebhookState,
]


@pytest.mark.parametrize("state", sorted({str(state.value) for state in STATES}))
def test_each_state_has_a_badge(state: str) -> None:
    assert state in BADGES


def test_the_tones_are_those_of_the_style_sheet() -> None:
    sheet = (Path(settings.BASE_DIR) / "static" / "app.css").read_text()
    assert {badge.tone for badge in BADGES.values()} <= set(re.findall(r"^\.tone-(\w+)", sheet, re.MULTILINE))


def test_an_unheard_of_state_shows_as_its_word() -> None:
    assert badge_of("half_done").word == "Half done"
    assert badge_of("half_done").tone == "mute"
