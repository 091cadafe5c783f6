"""What campaigns refuse, in words for pages and API alike."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from campaigns.services.check import Check
    from campaigns.services.estimate import Estimate


class CampaignError(Exception):
    """`sentence`: what is wrong and how to mend it; `field`: the field it is about, or ""."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code


class EditedElsewhere(CampaignError):
    """The draft was changed in another tab, or by another person, since it was read."""

    def __init__(self, version: int) -> None:
        super().__init__(
            _(
                "This draft was changed elsewhere meanwhile. Load it again to see it, then make your change again."
            ),
            code="edited_elsewhere",
        )
        self.version = version


class NotNow(CampaignError):
    """The broadcast's state does not allow it."""

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(sentence, code="not_now")


class LaunchRefused(CampaignError):
    """A check blocks the launch; `checks` holds those that do."""

    def __init__(self, checks: list[Check]) -> None:
        super().__init__(" ".join(str(check.sentence) for check in checks), code="launch_refused")
        self.checks = checks


class EstimateChanged(CampaignError):
    """What would happen now differs from what was agreed to: `agreed` (Estimate as dict) and `now`."""

    def __init__(
        self, agreed: dict[str, Any], now: Estimate, *, numbers_differ: bool, people_differ: bool
    ) -> None:
        super().__init__(_changed_words(numbers_differ, people_differ), code="estimate_changed")
        self.agreed = agreed
        self.now = now


def _changed_words(numbers_differ: bool, people_differ: bool) -> Promise:
    if numbers_differ:
        return _("The numbers have changed since you saw them. Look at the difference and send again.")
    if people_differ:
        return _(
            "Other people would get it than when you saw it, though as many: some left its lists and others came. Look at it"
            " as it is now, and send again."
        )
    return _(
        "The text, the sender, the account, the campaign or the time was changed since you saw it, though not the"
        " numbers. Read it as it is now, and send again."
    )


class AlreadyLaunched(CampaignError):
    def __init__(self, sentence: str | Promise = "") -> None:
        super().__init__(
            sentence or _("This broadcast was launched already; it is sent only once."),
            code="already_launched",
        )


class CountNotTyped(CampaignError):
    def __init__(self, people: int) -> None:
        super().__init__(
            _("This broadcast goes to %(people)s people. Type that number to send it.")
            % {"people": f"{people:,}"},
            field="typed_count",
            code="count_not_typed",
        )


class PartsNotAgreed(CampaignError):
    """A single text of more parts than were agreed to, or of many without a word. `cost` is None without a price."""

    def __init__(self, parts: int, cost: Decimal | None, currency: str) -> None:
        super().__init__(
            _("This text has %(parts)s parts, and each is paid for. Shorten it, or agree to %(parts)s parts.")
            % {"parts": f"{parts:,}"},
            field="parts",
            code="parts_not_agreed",
        )
        self.parts = parts
        self.cost = cost
        self.currency = currency
