"""What a BulkVS account holds: its webhooks, to manage, and its registered 10DLC campaigns, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.connectors.bulkvs import BulkVsClient, TenDlcCampaign, Webhook
from providers.connectors.bulkvs.connector import WEBHOOK_DESCRIPTION, WEBHOOK_NAME
from providers.models import ProviderAccount
from providers.services.vendor_sections import Cell, Deed, Row, Section
from providers.services.webhook_access import receipt_url, webhook_url


def read_webhooks(client: BulkVsClient, account: ProviderAccount) -> Sequence[Row]:
    return [_webhook_row(webhook, account) for webhook in client.list_webhooks()]


def _webhook_row(webhook: Webhook, account: ProviderAccount) -> Row:
    return Row(
        webhook.name,
        (
            Cell(webhook.name),
            Cell(without_user(webhook.url), is_code=True),
            _whose(webhook, account),
            Cell(_("yes") if webhook.dlr else _("no") if webhook.dlr is False else "—"),
            Cell(webhook.last_modification or "—"),
        ),
    )


def _whose(webhook: Webhook, account: ProviderAccount) -> Cell:
    if webhook.url == receipt_url(account):
        return Cell(_("This account"), tone="ok")
    if without_user(webhook.url) == webhook_url(account):
        return Cell(_("This account, with another user or password: set it anew"), tone="warn")
    if webhook.name == WEBHOOK_NAME:
        return Cell(_("Leads elsewhere: set it anew, unless another Crier needs it"), tone="warn")
    return Cell(_("Another program"), tone="mute")


def without_user(url: str) -> str:
    """An address without the user and password that may stand in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def set_webhook(client: BulkVsClient, account: ProviderAccount, key: str) -> str:
    client.put_webhook(
        webhook=WEBHOOK_NAME, description=WEBHOOK_DESCRIPTION, url=receipt_url(account), dlr=True
    )
    return _("BulkVS has saved the webhook “%(name)s”. Choose it for your numbers in the BulkVS portal.") % {
        "name": WEBHOOK_NAME
    }


def delete_webhook(client: BulkVsClient, account: ProviderAccount, key: str) -> str:
    client.delete_webhook(webhook=key)
    return _("BulkVS has deleted the webhook “%(name)s”.") % {"name": key}


def read_campaigns(client: BulkVsClient, account: ProviderAccount) -> Sequence[Row]:
    return [_campaign_row(campaign) for campaign in client.list_campaigns()]


def _campaign_row(campaign: TenDlcCampaign) -> Row:
    approval = Cell(_("Approved"), tone="ok") if campaign.approved else Cell(_("Not approved"), tone="warn")
    return Row(
        campaign.tcr,
        (
            Cell(campaign.tcr, is_code=True),
            Cell(campaign.brand or "—"),
            Cell("—" if campaign.numbers is None else f"{campaign.numbers:,}"),
            approval,
            Cell(campaign.activation_date or "—"),
        ),
    )


SECTIONS = (
    Section(
        "campaigns",
        gettext_lazy("10DLC campaigns"),
        gettext_lazy(
            "Carriers block texts from local numbers that belong to no approved campaign. They are registered in the "
            "BulkVS portal."
        ),
        (
            gettext_lazy("Campaign (TCR)"),
            gettext_lazy("Brand"),
            gettext_lazy("Numbers"),
            gettext_lazy("Approval"),
            gettext_lazy("Active since"),
        ),
        gettext_lazy("No campaign is registered: carriers may block texts from local numbers."),
        read_campaigns,
    ),
    Section(
        "webhooks",
        gettext_lazy("Webhooks"),
        gettext_lazy(
            "Where BulkVS posts replies and delivery reports. Which number uses which is set in its portal."
        ),
        (
            gettext_lazy("Name"),
            gettext_lazy("Address"),
            gettext_lazy("Leads to"),
            gettext_lazy("Delivery reports"),
            gettext_lazy("Last changed"),
        ),
        gettext_lazy("There is no webhook: neither replies nor delivery reports come in."),
        read_webhooks,
        row_deeds=(
            Deed(
                "delete",
                gettext_lazy("Delete"),
                "trash-2",
                gettext_lazy("Delete the webhook “%(key)s” at BulkVS?"),
                gettext_lazy("Numbers that use it no longer report replies and deliveries anywhere."),
                gettext_lazy("Delete it"),
                delete_webhook,
                is_danger=True,
            ),
        ),
        deeds=(
            Deed(
                "set",
                gettext_lazy("Set ours"),
                "webhook",
                gettext_lazy("Set this account's webhook at BulkVS?"),
                gettext_lazy(
                    "It is saved under the name “Crier”, in the place of one of that name. Others are left alone."
                ),
                gettext_lazy("Set it"),
                set_webhook,
            ),
        ),
    ),
)
