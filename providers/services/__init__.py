"""Every change to accounts, prices and the calls of vendors; called alike by page, API, admin and task."""

from providers.services.accounts import (
    TestResult,
    can_list_senders,
    can_register_webhook,
    connector_of,
    create_account,
    credential_names,
    list_senders,
    receipt_kind,
    register_webhook,
    result_words,
    set_enabled,
    test_account,
    update_account,
    vendor_label,
)
from providers.services.at_vendor import change_at_vendor, look_at_vendor, section_of, sections_of
from providers.services.key_rotation import opening_problem
from providers.services.prices import PriceTable, price_for, rate_for, remove_rate, set_rate
from providers.services.rate_cards import CardPlan, RateChange, import_rates, plan_rates
from providers.services.rate_files import RateFile, read_rates
from providers.services.receipt_rounds import begin_round, end_round, round_of
from providers.services.refusals import ProviderAccountError
from providers.services.sandbox import (
    create_sandbox_accounts,
    is_sandbox,
    register_sandbox_webhooks,
    sandbox_accounts,
    sandbox_names,
    tend_sandbox,
)
from providers.services.traffic import forget_entries, keep_exchanges, prune_traffic
from providers.services.vendor_sections import Deed, Row, Section
from providers.services.webhook_access import lets_in, receipt_url, shown_webhook_address, webhook_url
from providers.services.webhook_calls import (
    apply_again,
    apply_call_again,
    apply_state_again,
    apply_waiting_calls,
    prune_webhook_calls,
    store_call,
    troubled_calls,
)

__all__ = [
    "CardPlan",
    "Deed",
    "PriceTable",
    "ProviderAccountError",
    "RateChange",
    "RateFile",
    "Row",
    "Section",
    "TestResult",
    "apply_again",
    "apply_call_again",
    "apply_state_again",
    "apply_waiting_calls",
    "begin_round",
    "can_list_senders",
    "can_register_webhook",
    "change_at_vendor",
    "connector_of",
    "create_account",
    "create_sandbox_accounts",
    "credential_names",
    "end_round",
    "forget_entries",
    "import_rates",
    "is_sandbox",
    "keep_exchanges",
    "lets_in",
    "list_senders",
    "look_at_vendor",
    "opening_problem",
    "plan_rates",
    "price_for",
    "prune_traffic",
    "prune_webhook_calls",
    "rate_for",
    "read_rates",
    "receipt_kind",
    "receipt_url",
    "register_sandbox_webhooks",
    "register_webhook",
    "remove_rate",
    "result_words",
    "round_of",
    "sandbox_accounts",
    "sandbox_names",
    "section_of",
    "sections_of",
    "set_enabled",
    "set_rate",
    "shown_webhook_address",
    "store_call",
    "tend_sandbox",
    "test_account",
    "troubled_calls",
    "update_account",
    "vendor_label",
    "webhook_url",
]
