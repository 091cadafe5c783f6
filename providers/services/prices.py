"""What a part costs: the rate card of an account, longest prefix first, then the account's own price.

A message with pictures has one price, the account's own for them: the rate card is for texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TypedDict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from providers.models import ProviderAccount, Rate
from providers.services.prefixes import PREFIX_DIGITS, clean_prefix
from providers.services.refusals import ProviderAccountError

PRICE_DECIMALS = 5
PRICE_BELOW = Decimal(100_000)


class RateFields(TypedDict):
    prefix: str
    price: Decimal | str


class PriceTable:
    """The prices of one account, read once; `price()` asks no database."""

    def __init__(self, account: ProviderAccount) -> None:
        self._prices: dict[str, Decimal] = dict(account.rates.values_list("prefix", "price"))
        self._lengths = sorted({len(prefix) for prefix in self._prices}, reverse=True)
        self._default = account.default_price
        self._media_price = account.media_price

    def price(self, msisdn: str, *, pictures: int = 0) -> Decimal | None:
        """For one part to that number, or for a message with pictures; None where it is not known."""
        if pictures:
            return self._media_price
        for length in self._lengths:
            found = self._prices.get(msisdn[:length])
            if found is not None:
                return found
        return self._default


def price_for(account: ProviderAccount, msisdn: str, *, pictures: int = 0) -> Decimal | None:
    """For one number, without reading the whole card; for many, keep a PriceTable."""
    if pictures:
        return account.media_price
    rate = rate_for(account, msisdn)
    return account.default_price if rate is None else rate.price


def rate_for(account: ProviderAccount, msisdn: str) -> Rate | None:
    """The row of the rate card that fits best."""
    beginnings = [msisdn[:length] for length in range(1, PREFIX_DIGITS + 1)]
    fitting = Rate.objects.filter(account=account, prefix__in=beginnings)
    # A longer beginning of the same number is greater as a text.
    return fitting.order_by("-prefix").first()


def set_rate(*, account: ProviderAccount, prefix: str, price: Decimal | str, actor: Actor) -> Rate:
    """Adds the prefix to the rate card, or gives it another price. Raises ProviderAccountError."""
    digits, amount = clean_prefix(prefix), clean_price(price)
    with transaction.atomic():
        before = Rate.objects.filter(account=account, prefix=digits).values_list("price", flat=True).first()
        rate, _new = Rate.objects.update_or_create(account=account, prefix=digits, defaults={"price": amount})
        touch(account)
        old = None if before is None else str(before)
        record(
            account.workspace, actor, "priced", account, prefix=f"+{digits}", price=str(amount), before=old
        )
    return rate


def remove_rate(*, rate: Rate, actor: Actor) -> None:
    with transaction.atomic():
        account, prefix, before = rate.account, str(rate), str(rate.price)
        rate.delete()
        touch(account)
        record(account.workspace, actor, "unpriced", account, prefix=prefix, before=before)


def replace_rates(account: ProviderAccount, rates: Iterable[RateFields]) -> None:
    """The whole card. For the services of accounts, inside their transaction and with their audit line."""
    card = {clean_prefix(rate["prefix"]): clean_price(rate["price"]) for rate in rates}
    Rate.objects.filter(account=account).delete()
    Rate.objects.bulk_create(
        [Rate(account=account, prefix=prefix, price=price) for prefix, price in card.items()]
    )


def clean_price(price: Decimal | str | None, field: str = "price") -> Decimal:
    """Up to five decimals, such as 0.0079. Raises ProviderAccountError."""
    try:
        amount = Decimal(_plain(price))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount < PRICE_BELOW) or _decimals(amount) > PRICE_DECIMALS:
        raise ProviderAccountError(
            _("The price “%(price)s” is not an amount of up to five decimals: write it like 0.0079.")
            % {"price": str(price)[:40]},
            field=field,
        )
    # Minus nought is nought.
    return amount.copy_abs()


def _plain(price: Decimal | str | None) -> str:
    """Without the underscores and foreign digits that Python takes for a number's."""
    words = str(price).strip()
    return words if words.isascii() and "_" not in words else ""


def _decimals(amount: Decimal) -> int:
    """Without the zeros at the end. By hand: Decimal.normalize() rounds to 28 digits."""
    _sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        return PRICE_DECIMALS + 1
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(-exponent - zeros, 0) if any(digits) else 0


def touch(account: ProviderAccount) -> None:
    """The engine keeps prices in memory until the account's row changes."""
    account.updated_at = timezone.now()
    ProviderAccount.objects.filter(pk=account.pk).update(updated_at=account.updated_at)
