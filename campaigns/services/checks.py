"""Every reason to stop, before anything goes out: each check says what is wrong and where to mend it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Broadcast, BroadcastKind
from campaigns.services.audience import enabled_lists
from campaigns.services.estimate import Estimate
from contacts.models import RecipientList
from contacts.services.import_undo import first_being_undone
from messaging.content import compile_content
from messaging.senders import sender_problem
from providers.errors import ConnectorError
from providers.models import Health, ProviderAccount
from providers.services import connector_of
from sms.opt_out import has_opt_out_wording

BLOCK, WARN, OK = "block", "warn", "ok"
# More than so many are told, since each is paid for.
FEW_PARTS = 3


@dataclass(frozen=True, slots=True)
class Check:
    """`fix`: where to mend it: "audience", "message", "sender", "account", "schedule", "campaign" or ""."""

    code: str
    level: str
    sentence: str | Promise
    fix: str = ""


def launch_checks(broadcast: Broadcast, estimate: Estimate) -> list[Check]:
    """Blocking ones first, then warnings, then what is right."""
    order = {BLOCK: 0, WARN: 1, OK: 2}
    found = [check for rule in RULES for check in rule(broadcast, estimate)]
    return sorted(found, key=lambda check: order[check.level])


def blocking(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.level == BLOCK]


def _audience(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    reach = estimate.reach
    if broadcast.kind == BroadcastKind.SINGLE and not broadcast.msisdn:
        yield Check("no_number", BLOCK, _("No number to send to. Enter one."), "audience")
    elif broadcast.kind == BroadcastKind.BASE and not reach.on_lists:
        yield Check("no_list", BLOCK, _("No people yet. Choose a list that has some."), "audience")
    elif not reach.people:
        sentence = (
            _("This number has opted out. Enter another one.")
            if broadcast.kind == BroadcastKind.SINGLE
            else _("Everybody on the lists has opted out. Choose another list.")
        )
        yield Check("nobody_left", BLOCK, sentence, "audience")
    else:
        people = reach.people
        yield Check(
            "people", OK, ngettext("%(n)s person gets it", "%(n)s people get it", people) % {"n": people}
        )
    disabled = broadcast.lists.filter(enabled=False).count()
    if disabled:
        yield Check(
            "disabled_list",
            WARN,
            ngettext(
                "%(n)s chosen list is disabled: its people are left out.",
                "%(n)s chosen lists are disabled: their people are left out.",
                disabled,
            )
            % {"n": disabled},
            "audience",
        )


def _undoing(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    yield from undoing_checks(enabled_lists(broadcast))


def undoing_checks(lists: list[RecipientList]) -> Iterator[Check]:
    """People are being taken off one of the lists."""
    imported = first_being_undone({one.source_id or one.pk for one in lists})
    if imported is not None:
        sentence = _(
            "The import %(name)s into %(list)s is being undone. Wait until it has ended, and look at the people anew."
        ) % {"name": imported.file_name, "list": imported.list}
        yield Check("being_undone", BLOCK, sentence, "audience")


def _text(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if not broadcast.text.strip():
        yield Check("no_text", BLOCK, _("The text is empty. Write one."), "message")
        return
    content = compile_content(broadcast.workspace_id, broadcast.text)
    for error in content.errors:
        sentence = _("Line %(line)s, column %(column)s: %(sentence)s") % {
            "line": error.line,
            "column": error.column,
            "sentence": error.sentence,
        }
        yield Check("token", BLOCK, sentence, "message")
    if estimate.empty:
        sentence = ngettext(
            "%(n)s person would get an empty text. Give the tokens a default.",
            "%(n)s people would get an empty text. Give the tokens a default.",
            estimate.empty,
        ) % {"n": f"{estimate.empty:,}"}
        yield Check("empty_text", BLOCK, sentence, "message")
    if has_opt_out_wording(broadcast.text, broadcast.workspace.opt_out_words):
        yield Check("opt_out_wording", OK, _("Opt-out wording is in the text"))
    else:
        sentence = _("The text does not say how to opt out, for example “Reply STOP to opt out”.")
        yield Check("opt_out_wording", WARN, sentence, "message")


def _length(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    account = broadcast.account
    if account is None or not broadcast.text.strip():
        return
    try:
        problem = length_problem(account, broadcast.text)
    except (ConnectorError, ImproperlyConfigured) as error:
        yield Check("account_settings", BLOCK, f"{account.name}: {error}", "account")
        return
    if problem:
        yield Check("text_too_long", BLOCK, problem, "message")
    elif estimate.most_parts > FEW_PARTS:
        people = sum(n for parts, n in estimate.by_parts.items() if parts > FEW_PARTS)
        sentence = _(
            "%(people)s people get more than 3 parts, up to %(parts)s, and each part is paid for. Shorten the text, or"
            " a token's longest values."
        ) % {
            "people": f"{people:,}",
            "parts": estimate.most_parts,
        }
        yield Check("many_parts", WARN, sentence, "message")


def length_problem(account: ProviderAccount, text: str) -> str:
    """Why the account does not take a text so long, or "". Raises ConnectorError, ImproperlyConfigured."""
    longest = connector_of(account).capabilities.max_text_length
    if not longest or len(text) <= longest:
        return ""
    sentence = _("The text has %(length)s characters; %(account)s takes at most %(longest)s. Shorten it.")
    return sentence % {"length": f"{len(text):,}", "account": account.name, "longest": f"{longest:,}"}


def _through(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    account = broadcast.account
    if account is None:
        yield Check("no_account", BLOCK, _("No provider account is chosen. Choose one."), "account")
        return
    if not account.enabled:
        sentence = _("%(account)s is disabled. Enable it or choose another account.") % {
            "account": account.name
        }
        yield Check("account_disabled", BLOCK, sentence, "account")
    if account.health == Health.FAILING:
        sentence = _("%(account)s failed lately: %(words)s Test the connection.") % {
            "account": account.name,
            "words": account.health_words,
        }
        yield Check("account_failing", WARN, sentence, "account")
    if estimate.unpriced:
        sentence = ngettext(
            "No price is known for %(n)s person: the cost leaves them out.",
            "No price is known for %(n)s people: the cost leaves them out.",
            estimate.unpriced,
        ) % {"n": f"{estimate.unpriced:,}"}
        yield Check("unpriced", WARN, sentence, "account")


def _sender(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    sender = broadcast.sender
    if sender is None:
        yield Check("no_sender", BLOCK, _("No sender is chosen. Choose one."), "sender")
        return
    if not sender.enabled:
        sentence = _("The sender %(sender)s is disabled. Enable it or choose another.") % {"sender": sender}
        yield Check("sender_disabled", BLOCK, sentence, "sender")
    problem = sender_problem(sender, broadcast.account) if broadcast.account else None
    if problem:
        yield Check("sender_not_allowed", BLOCK, problem, "sender")
    elif broadcast.account:
        sentence = _("%(account)s may use the sender %(sender)s") % {
            "account": broadcast.account,
            "sender": sender,
        }
        yield Check("sender", OK, sentence)


def _campaign(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    campaign = broadcast.campaign
    if not campaign.enabled:
        sentence = _("The campaign %(campaign)s is disabled. Enable it or choose another.") % {
            "campaign": campaign
        }
        yield Check("campaign_disabled", BLOCK, sentence, "campaign")
    day = timezone.localtime(broadcast.send_at or timezone.now(), _zone(broadcast)).date()
    outside = (campaign.starts_on and day < campaign.starts_on) or (
        campaign.ends_on and day > campaign.ends_on
    )
    if outside:
        sentence = _(
            "The campaign %(campaign)s does not run on %(day)s. Change its dates or choose another."
        ) % {
            "campaign": campaign,
            "day": day.isoformat(),
        }
        yield Check("campaign_dates", BLOCK, sentence, "campaign")


def _schedule(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if broadcast.send_at and broadcast.send_at < timezone.now():
        yield Check(
            "in_the_past", BLOCK, _("The time to send has passed. Choose a later one, or now."), "schedule"
        )


def _zone(broadcast: Broadcast) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(broadcast.workspace.time_zone)


RULES: tuple[Callable[[Broadcast, Estimate], Iterator[Check]], ...] = (
    _audience,
    _undoing,
    _text,
    _length,
    _through,
    _sender,
    _campaign,
    _schedule,
)
