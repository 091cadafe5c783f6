"""docs/sandbox.md leaves nothing out that can be turned, set or chosen."""

import pytest

from providers.sandbox.app import DOORS, SandboxApp
from providers.sandbox.dials import Dial
from providers.sandbox.doors import Settable
from providers.sandbox.faults import FaultKind
from providers.sandbox.outcomes import Outcome
from tests.sandbox_process import ROOT

SHOWN_ALONE = {"lists", "scheduled"}  # by GET settings of Mobiz, which no POST changes


def names() -> list[str]:
    bases = [f"`http://127.0.0.1:8001/{kind.base}`" for kind in DOORS.values()]
    words = [*Outcome, *FaultKind, *settings()]
    return [*bases, *(f"`{word}`" for word in words), *(f'"{name}"' for name in Dial().shown())]


def settings() -> list[str]:
    doors = [door for door in SandboxApp().vendors.values() if isinstance(door, Settable)]
    assert [door.__class__.__name__ for door in doors] == ["MessageWhiz", "Mx2", "Mobiz", "Ogangi"]
    shown = {name for door in doors for name in door.settings(door.account_name(door.default_account))}
    return sorted(shown - SHOWN_ALONE)


@pytest.mark.parametrize("name", names())
def test_it_is_in_the_manual(name: str) -> None:
    assert name in (ROOT / "docs" / "sandbox.md").read_text()
