"""Messaging in the admin: a module for each subject. What people manage is edited, the ledger is only looked at."""

from messaging.admin import ledger, links, media, senders, texts, verification, webhooks

__all__ = ["ledger", "links", "media", "senders", "texts", "verification", "webhooks"]
