"""Provider accounts: made, changed, switched, tested, and told to the vendor as its webhook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypedDict, Unpack
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from providers import pace
from providers.connectors import REGISTRY, connector_for
from providers.connectors.base import Connector, ReceiptKind
from providers.errors import ConfigError, ConnectorError
from providers.health import note_failing, note_working
from providers.models import Health, ProviderAccount
from providers.services.prices import RateFields, clean_price, replace_rates
from providers.services.refusals import ProviderAccountError
from providers.services.traffic import listener_of
from providers.services.webhook_access import receipt_url
from providers.signals import LimitChanged, limit_changed
from providers.transport import sync_client
from web.names import name_problem, stripped_name

NAME_CHARACTERS = 100
URL_CHARACTERS = 300
PARTS_PER_SECOND_MOST = Decimal(100_000)
PARTS_PER_SECOND_LEAST = Decimal("0.01")
PARTS_PER_DAY_MOST = 2_000_000_000
IN_FLIGHT_MOST = 2000


class AccountFields(TypedDict, total=False):
    """What can be changed of an account. `credentials` replaces them all, `rates` the whole rate card."""

    name: str
    enabled: bool
    base_url: str
    credentials: Mapping[str, Any]
    parts_per_second: Decimal | float | str
    parts_per_day: int | str | None
    max_in_flight: int
    default_price: Decimal | str | None
    media_price: Decimal | str | None
    currency: str
    rates: Iterable[RateFields]


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of a call that sends no text. `words`: the vendor's own, redacted."""

    __test__: ClassVar[bool] = False  # not a test case, whatever pytest makes of the name

    ok: bool
    sentence: str
    words: str = ""


def create_account(
    *, workspace: Workspace, vendor: str, actor: Actor, **fields: Unpack[AccountFields]
) -> ProviderAccount:
    """Needs name and credentials; base_url is the vendor's own unless given. Raises ProviderAccountError."""
    if vendor not in REGISTRY:
        raise ProviderAccountError(
            _("The vendor “%(vendor)s” is not known: choose one of %(known)s.")
            % {"vendor": str(vendor)[:40], "known": ", ".join(sorted(REGISTRY))},
            field="vendor",
        )
    account = ProviderAccount(workspace=workspace, vendor=vendor, currency=workspace.currency)
    _set_fields(account, {"name": "", "base_url": "", "credentials": {}} | fields)
    with transaction.atomic():
        _save(account)
        replace_rates(account, fields.get("rates", ()))
        record(workspace, actor, "created", account, vendor=vendor, base_url=account.base_url)
    return account


def update_account(
    *, account: ProviderAccount, actor: Actor, **fields: Unpack[AccountFields]
) -> ProviderAccount:
    """All of the fields or none. Raises ProviderAccountError.

    A new address needs the credentials again: else whoever may edit the account could have them sent to a
    machine of their own, though nobody may read them.
    """
    with transaction.atomic():
        fresh = ProviderAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)
        before = {name: getattr(fresh, name) for name in COMPARED}
        _set_fields(fresh, fields)
        if "credentials" not in fields and _origin(fresh.base_url) != _origin(before["base_url"]):
            raise ProviderAccountError(
                _("Enter the credentials again: those stored are not sent to a new address."),
                field="credentials",
            )
        changed = [name for name, value in before.items() if getattr(fresh, name) != value]
        changed += [name for name in ("credentials", "rates") if name in fields]
        if {"credentials", "base_url"} & set(changed):
            fresh.health, fresh.health_words = Health.UNTESTED, ""
        _save(fresh)
        if "rates" in fields:
            replace_rates(fresh, fields["rates"])
        if "parts_per_second" in changed:
            pace.forget(fresh.pk)
        if "parts_per_day" in changed:
            news = LimitChanged(fresh.pk)
            transaction.on_commit(lambda: limit_changed.send(sender=ProviderAccount, news=news))
        if changed:
            record(fresh.workspace, actor, "changed", fresh, fields=changed)
    return fresh


def set_enabled(*, account: ProviderAccount, enabled: bool, actor: Actor) -> ProviderAccount:
    """A disabled account is hidden where one chooses; what it sent keeps its reports."""
    with transaction.atomic():
        if ProviderAccount.objects.filter(pk=account.pk, enabled=not enabled).update(enabled=enabled):
            record(account.workspace, actor, "enabled" if enabled else "disabled", account)
    account.enabled = enabled
    return account


def connector_of(account: ProviderAccount) -> Connector:
    """ConfigError: the stored settings do not fit. ImproperlyConfigured: they cannot be opened."""
    return connector_for(
        account.vendor,
        {**account.credentials, "base_url": account.base_url},
        timeout_seconds=settings.ENGINE_REQUEST_TIMEOUT_SECONDS,
    )


def receipt_kind(account: ProviderAccount) -> ReceiptKind:
    """How the account's delivery reports come; as far as is known where its settings cannot be used."""
    try:
        return connector_of(account).receipts
    except (ConnectorError, ImproperlyConfigured):
        known = REGISTRY.get(account.vendor)
        return known.capabilities.receipts if known else ReceiptKind.NONE


def test_account(account: ProviderAccount) -> TestResult:
    """Asks the vendor something that sends no text, and keeps what it says as the account's health."""
    result = _ask(account, lambda connector, client: connector.test(client))
    if result.ok:
        note_working(account_id=account.pk)
    else:
        note_failing(account_id=account.pk, words=" ".join(filter(None, (result.sentence, result.words))))
    return result


def can_register_webhook(account: ProviderAccount) -> bool:
    return REGISTRY[account.vendor].capabilities.webhook_setup


def register_webhook(*, account: ProviderAccount, actor: Actor) -> TestResult:
    """Tells the vendor where to post receipts and inbound texts. Others take the address with each text."""
    result = _ask(account, lambda connector, client: connector.register_webhook(client, receipt_url(account)))
    if result.ok and (actor.user or actor.api_key):
        record(account.workspace, actor, "registered the webhook", account)
    return result


def result_words(result: TestResult) -> str:
    """As one sentence, for a toast."""
    if not result.words:
        return result.sentence
    return gettext("%(sentence)s The provider's words: %(words)s") % {
        "sentence": result.sentence,
        "words": result.words,
    }


def can_list_senders(account: ProviderAccount) -> bool:
    connector = REGISTRY.get(account.vendor)
    return connector is not None and connector.capabilities.sender_list


def list_senders(account: ProviderAccount) -> list[str]:
    """The senders that the vendor has for the account, as it writes them. Raises ProviderAccountError."""
    try:
        connector = connector_of(account)
        connector.listener = listener_of(account)
        with sync_client() as client:
            return connector.list_senders(client)
    except ConnectorError as error:
        words = f"{error} ({error.words})" if error.words else str(error)
        raise ProviderAccountError(words, field="account", code="vendor_refused") from None
    except ImproperlyConfigured as error:
        raise ProviderAccountError(str(error), field="account") from None


def vendor_label(vendor: str) -> str:
    connector = REGISTRY.get(vendor)
    return connector.label if connector else vendor


def credential_names(vendor: str) -> list[str]:
    return [field.name for field in REGISTRY[vendor].Config.fields() if field.name != "base_url"]


def _ask(account: ProviderAccount, question: Any) -> TestResult:
    try:
        connector = connector_of(account)
        connector.listener = listener_of(account)
        with sync_client() as client:
            return TestResult(True, question(connector, client))
    except ConnectorError as error:
        return TestResult(False, str(error), error.words)
    except ImproperlyConfigured as error:
        return TestResult(False, str(error))


def _set_fields(account: ProviderAccount, fields: Mapping[str, Any]) -> None:
    if unknown := set(fields) - AccountFields.__annotations__.keys():
        raise TypeError(f"{', '.join(sorted(unknown))}: not a field of an account")
    account.enabled = bool(fields.get("enabled", account.enabled))
    for name, set_field in SETTERS.items():
        if name in fields:
            set_field(account, fields[name])
    if any(name in fields for name in CONNECTION):
        # Opened only when they are needed: new ones may come because the old cannot be opened.
        credentials = fields["credentials"] if "credentials" in fields else account.credentials  # noqa: SIM401
        if not isinstance(credentials, Mapping):
            raise ProviderAccountError(
                _("The credentials have to be names with their values: %(names)s.")
                % {"names": ", ".join(credential_names(account.vendor))},
                field="credentials",
            )
        if "base_url" in credentials:
            raise ProviderAccountError(
                _("base_url is none of the credentials: give it beside them."), field="base_url"
            )
        _set_connection(account, str(fields.get("base_url", account.base_url)), credentials)


def _set_name(account: ProviderAccount, value: str) -> None:
    name = " ".join(stripped_name(str(value).replace("\x00", "")).split())
    if problem := name_problem(name):
        raise ProviderAccountError(problem, field="name")
    if not name:
        raise ProviderAccountError(_("Give the account a name."), field="name")
    if len(name) > NAME_CHARACTERS:
        raise ProviderAccountError(
            _("The name has %(n)s characters; at most %(most)s.") % {"n": len(name), "most": NAME_CHARACTERS},
            field="name",
        )
    account.name = name


def _set_connection(account: ProviderAccount, base_url: str, credentials: Mapping[str, Any]) -> None:
    """Address and credentials are checked together by the vendor's Config, and kept as it reads them."""
    config = REGISTRY[account.vendor].Config
    try:
        checked = config.from_mapping({**credentials, "base_url": base_url})
    except ConfigError as error:
        raise ProviderAccountError(str(error), field=error.field) from None
    if len(checked.base_url) > URL_CHARACTERS:
        raise ProviderAccountError(
            _("The base URL is longer than %(most)s characters.") % {"most": URL_CHARACTERS}, field="base_url"
        )
    account.base_url = checked.base_url
    account.credentials = {name: getattr(checked, name) for name in credential_names(account.vendor)}


def _set_parts_per_second(account: ProviderAccount, value: Decimal | float | str) -> None:
    try:
        rate = Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        rate = Decimal("NaN")
    if not (rate.is_finite() and PARTS_PER_SECOND_LEAST <= rate <= PARTS_PER_SECOND_MOST):
        raise ProviderAccountError(
            _("“%(value)s” parts per second is not possible: give a number from %(least)s to %(most)s.")
            % {"value": str(value)[:40], "least": PARTS_PER_SECOND_LEAST, "most": PARTS_PER_SECOND_MOST},
            field="parts_per_second",
        )
    account.parts_per_second = rate


def _set_parts_per_day(account: ProviderAccount, value: int | str | None) -> None:
    if value in (None, ""):
        account.parts_per_day = None
        return
    try:
        count = int(str(value))
    except ValueError:
        count = 0
    if not 1 <= count <= PARTS_PER_DAY_MOST:
        raise ProviderAccountError(
            _("“%(value)s” parts per day is not possible: give a whole number from 1 to %(most)s, or none.")
            % {"value": str(value)[:40], "most": f"{PARTS_PER_DAY_MOST:,}"},
            field="parts_per_day",
        )
    account.parts_per_day = count


def _set_max_in_flight(account: ProviderAccount, value: int) -> None:
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= IN_FLIGHT_MOST:
        raise ProviderAccountError(
            _("“%(value)s” requests at once is not possible: give a whole number from 1 to %(most)s.")
            % {"value": str(value)[:40], "most": IN_FLIGHT_MOST},
            field="max_in_flight",
        )
    account.max_in_flight = count


def _set_default_price(account: ProviderAccount, value: Decimal | str | None) -> None:
    account.default_price = None if value in (None, "") else clean_price(value, "default_price")


def _set_media_price(account: ProviderAccount, value: Decimal | str | None) -> None:
    account.media_price = None if value in (None, "") else clean_price(value, "media_price")


def _set_currency(account: ProviderAccount, value: str) -> None:
    code = str(value).strip().upper()
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ProviderAccountError(
            _("The currency “%(value)s” is not a code of three letters, such as USD.")
            % {"value": str(value)[:10]},
            field="currency",
        )
    account.currency = code


SETTERS: dict[str, Callable[[ProviderAccount, Any], None]] = {
    "name": _set_name,
    "parts_per_second": _set_parts_per_second,
    "parts_per_day": _set_parts_per_day,
    "max_in_flight": _set_max_in_flight,
    "default_price": _set_default_price,
    "media_price": _set_media_price,
    "currency": _set_currency,
}
CONNECTION = ("base_url", "credentials")
COMPARED = ("base_url", "enabled", *SETTERS)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port


def _save(account: ProviderAccount) -> None:
    others = ProviderAccount.objects.filter(workspace_id=account.workspace_id, name__iexact=account.name)
    if others.exclude(pk=account.pk).exists():
        raise _name_taken(account)
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise _name_taken(account) from None


def _name_taken(account: ProviderAccount) -> ProviderAccountError:
    return ProviderAccountError(
        _("There is an account “%(name)s” already: choose another name.") % {"name": account.name},
        field="name",
        code="name_taken",
    )
