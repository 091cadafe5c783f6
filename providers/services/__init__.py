"""Every change to accounts, prices and the calls of vendors; called alike by page, API, admin and task."""

from providers.services.accounts import (
    TestResult,
    can_register_webhook,
    connector_of,
    create_account,
    credential_names,
    receipt_url,
    register_webhook,
    set_enabled,
    test_account,
    update_account,
    vendor_label,
)
from providers.services.prices import PriceTable, price_for, remove_rate, set_rate
from providers.services.refusals import ProviderAccountError
from providers.services.sandbox import (
    create_sandbox_accounts,
    register_sandbox_webhooks,
    sandbox_accounts,
    sandbox_names,
    tend_sandbox,
)
from providers.services.webhook_calls import apply_again, apply_waiting_calls, prune_webhook_calls, store_call

__all__ = [
    "PriceTable",
    "ProviderAccountError",
    "TestResult",
    "apply_again",
    "apply_waiting_calls",
    "can_register_webhook",
    "connector_of",
    "create_account",
    "create_sandbox_accounts",
    "credential_names",
    "price_for",
    "prune_webhook_calls",
    "receipt_url",
    "register_sandbox_webhooks",
    "register_webhook",
    "remove_rate",
    "sandbox_accounts",
    "sandbox_names",
    "set_enabled",
    "set_rate",
    "store_call",
    "tend_sandbox",
    "test_account",
    "update_account",
    "vendor_label",
]
