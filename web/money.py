"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
CENT = Decimal("0.01")
# As prices are kept.
SMALLEST = Decimal("0.00001")


def money_text(amount: Decimal | int | str | None, currency: str) -> str:
    """`$96.13`, `96.13 SEK`; below ten cents with the digits that matter: `$0.0079`."""
    if amount is None or amount == "":
        return "—"
    value = Decimal(amount)
    small = value and abs(value) < Decimal("0.1")
    shown = f"{value.normalize():f}" if small else f"{value.quantize(CENT):,}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{shown}" if symbol else f"{shown} {currency}"


def exact(total: Decimal | float | None) -> Decimal:
    """A sum of prices, as they are kept: SQLite adds up floats."""
    return Decimal(total or 0).quantize(SMALLEST)
