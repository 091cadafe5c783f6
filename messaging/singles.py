"""One text to one number through the ledger, outside any broadcast: a dispatch of its own with one message."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.instance import REFUSED, fence
from accounts.models import Workspace
from contacts.models import OptOut
from messaging.bodies import body_problem, reaches_number, writes_text
from messaging.budget import require_budget
from messaging.content import AVAILABLE, Content, compile_content, seed_of, words_of_errors
from messaging.dispatches import create_dispatch, start_dispatch
from messaging.errors import MessagingError
from messaging.ledger import count_planned
from messaging.links.turns import take_turn
from messaging.media.addresses import public_urls
from messaging.media.sending import disabled_problem, missing_problem, parts_with, picture_problem
from messaging.models import Dispatch, Media, Message, Sender
from messaging.senders import country_problem, sender_problem
from messaging.tasks import wake_engine
from messaging.verification.codes import holds_code
from providers.daily import bulk_limit
from providers.errors import ConnectorError
from providers.models import ProviderAccount
from providers.services import connector_of, price_for
from sms.msisdn import MsisdnError, parse_msisdn

# More than these have to be agreed to: a text of four parts is mostly a slip.
FEW_PARTS = 3
# As `client_ref` of MessageWhiz.
PARAMETER_LENGTH = 160


class TooManyParts(MessagingError):
    """More parts than were agreed to. `cost` is None without a price."""

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


@dataclass(frozen=True, slots=True)
class SingleText:
    """One text in the ledger. `parts` and `cost` as they are expected; `cost` is None while no price is known.

    `text`: as the person gets it; it may hold the code of a verification.
    """

    message: Message
    parts: int
    cost: Decimal | None
    currency: str
    text: str = field(default="", repr=False)


def checked_number(workspace: Workspace, msisdn: str) -> str:
    """The digits of a number that may be texted. Raises MessagingError at `msisdn`."""
    try:
        digits = parse_msisdn(msisdn, workspace.default_country).digits
    except MsisdnError as error:
        raise MessagingError(error.sentence, field="msisdn") from None
    if OptOut.objects.filter(workspace=workspace, msisdn=digits).exists():
        raise MessagingError(
            _("+%(number)s has opted out and is not texted.") % {"number": digits}, field="msisdn"
        )
    return digits


def checked_content(
    workspace: Workspace, text: str, available: Collection[str] = AVAILABLE, *, may_be_empty: bool = False
) -> Content:
    """Raises MessagingError at `text`. `available`: kinds of tokens that it may hold."""
    if not (text.strip() or may_be_empty):
        raise MessagingError(_("The text is empty. Write one."), field="text")
    content = compile_content(workspace.pk, text, available)
    if content.errors:
        raise MessagingError(words_of_errors(content), field="text")
    return content


def checked_parameter(value: str) -> str:
    """Raises MessagingError at `custom_parameter`."""
    if len(value) > PARAMETER_LENGTH:
        sentence = _("The custom parameter has %(length)s characters; at most %(most)s fit. Shorten it.")
        values = {"length": f"{len(value):,}", "most": PARAMETER_LENGTH}
        raise MessagingError(sentence % values, field="custom_parameter")
    return value


def send_one(
    *,
    workspace: Workspace,
    account: ProviderAccount,
    sender: Sender,
    msisdn: str,
    content: Content,
    values: Mapping[str, Any],
    recipient_id: int | None = None,
    most_parts: int | None = None,
    pictures: Sequence[Media] = (),
    custom_parameter: str = "",
) -> SingleText:
    """`msisdn` and `content` as they were checked above; `values`: what its tokens stand for.

    The engine wakes up when the caller's transaction is committed. Raises TooManyParts, OverBudget, and MessagingError
    with the field.
    """
    if fence() is not None:
        raise MessagingError(REFUSED, code="copy")
    with transaction.atomic():
        dispatch = create_dispatch(
            workspace=workspace,
            broadcast_id=None,
            text=content.source,
            sender=sender.value,
            account=account,
            unsubscribe_list_ids=[],
            content=content,
            media_urls=public_urls(pictures),
            custom_parameter=checked_parameter(custom_parameter),
        )
        message = Message.objects.create(
            workspace=workspace,
            dispatch=dispatch,
            recipient_id=recipient_id,
            account=account,
            msisdn=msisdn,
            sender=sender.value,
            place=take_turn(content.link_list_ids) if content.spreads else None,
        )
        may_be_empty = bool(pictures) or not writes_text(account)
        rendered = _rendered(content, message, values, may_be_empty=may_be_empty)
        _check_through(account, sender, msisdn, rendered)
        _check_pictures(account, pictures, rendered)
        parts = parts_with(account, rendered, len(pictures))
        price = price_for(account, msisdn, pictures=len(pictures))
        cost = None if price is None else price * parts
        if most_parts is not None and parts > most_parts:
            raise TooManyParts(parts, cost, account.currency)
        _check_day(account, dispatch.text, parts)
        require_budget(workspace, cost, account.currency)
        Dispatch.objects.filter(pk=dispatch.pk).update(agreed_parts=parts, agreed_cost=cost)
        count_planned(dispatch.pk, 1)
        start_dispatch(dispatch_id=dispatch.pk)
        transaction.on_commit(wake_engine)
    return SingleText(message, parts, cost, account.currency, rendered)


def _check_day(account: ProviderAccount, text: str, parts: int) -> None:
    """What is more than the whole of a day would never go."""
    if account.parts_per_day is None:
        return
    limit = account.parts_per_day if holds_code(text) else bulk_limit(account.parts_per_day)
    if parts > limit:
        raise MessagingError(
            _(
                "The text has %(parts)s parts, more than %(account)s may send on a whole day (%(limit)s): it would never go."
                " Raise the limit on the account's page, or shorten the text."
            )
            % {"parts": parts, "account": account, "limit": f"{limit:,}"},
            field="text",
        )


def length_problem(account: ProviderAccount, text: str) -> str:
    """Why the account does not take a text so long, or "". Raises ConnectorError, ImproperlyConfigured."""
    longest = connector_of(account).capabilities.max_text_length
    if not longest or len(text) <= longest:
        return ""
    sentence = _("The text has %(length)s characters; %(account)s takes at most %(longest)s. Shorten it.")
    return sentence % {"length": f"{len(text):,}", "account": account.name, "longest": f"{longest:,}"}


def _rendered(content: Content, message: Message, values: Mapping[str, Any], *, may_be_empty: bool) -> str:
    """As the person gets it."""
    seed = seed_of(message.broadcast_id, message.msisdn, message.pk)
    rendered = content.render(values, seed=seed, message_id=message.pk, place=message.place or 0)
    if not (rendered.strip() or may_be_empty):
        raise MessagingError(_("The text is empty for this person. Give the tokens a default."), field="text")
    return rendered


def _check_through(account: ProviderAccount, sender: Sender, msisdn: str, rendered: str) -> None:
    if not account.enabled:
        raise MessagingError(_("The account is disabled. Enable it or choose another."), field="account")
    if not reaches_number(account)(msisdn):
        raise MessagingError(
            _("%(account)s does not send to +%(number)s. Choose another account.")
            % {"account": account.name, "number": msisdn},
            field="msisdn",
        )
    problem = None if sender.enabled else _("The sender is disabled. Enable it or choose another.")
    problem = problem or sender_problem(sender, account) or country_problem(sender, msisdn)
    if problem:
        raise MessagingError(problem, field="sender")
    if problem := body_problem(account, rendered):
        raise MessagingError(problem, field="text")
    try:
        too_long = length_problem(account, rendered)
    except (ConnectorError, ImproperlyConfigured) as error:
        raise MessagingError(f"{account.name}: {error}", field="account") from None
    if too_long:
        raise MessagingError(too_long, field="text")


def _check_pictures(account: ProviderAccount, pictures: Sequence[Media], rendered: str) -> None:
    problem = (
        disabled_problem(pictures)
        or missing_problem(pictures)
        or picture_problem(account, pictures, rendered)
    )
    if problem:
        raise MessagingError(problem, field="media")
