"""Status badges: the word and the tone of each state, in one place. Never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Badge:
    # mute, info, ok, warn or bad: the classes `tone-…` of app.css.
    tone: str
    word: str | Promise


BADGES: dict[str, Badge] = {
    # broadcasts
    "draft": Badge("mute", _("Draft")),
    "scheduled": Badge("info", _("Scheduled")),
    "running": Badge("info", _("Running")),
    "paused": Badge("warn", _("Paused")),
    "finished": Badge("ok", _("Finished")),
    "stopped": Badge("mute", _("Stopped")),
    "reserve": Badge("mute", _("In reserve")),
    "planning": Badge("info", _("Planning")),
    # messages
    "queued": Badge("mute", _("Queued")),
    "held": Badge("mute", _("Held")),
    "cancelled": Badge("mute", _("Cancelled")),
    "suppressed": Badge("mute", _("Suppressed")),
    "submitting": Badge("info", _("Submitting")),
    "sent": Badge("info", _("Sent")),
    "delivered": Badge("ok", _("Delivered")),
    "undelivered": Badge("bad", _("Undelivered")),
    "expired": Badge("bad", _("Expired")),
    "rejected": Badge("bad", _("Rejected")),
    "failed": Badge("bad", _("Failed")),
    "unknown": Badge("warn", _("Unknown")),
    # files on their way into a list
    "uploaded": Badge("mute", _("Uploaded")),
    "checking": Badge("info", _("Checking")),
    "checked": Badge("info", _("Checked")),
    "undoing": Badge("info", _("Being undone")),
    "undone": Badge("mute", _("Undone")),
    # lists and what is done with them
    "live": Badge("info", _("Live")),
    "waiting": Badge("mute", _("Waiting")),
    # provider accounts
    "untested": Badge("mute", _("Not tried yet")),
    "ok": Badge("ok", _("Works")),
    "failing": Badge("bad", _("Fails")),
    # calls from vendors
    "new": Badge("info", _("New")),
    "applied": Badge("ok", _("Applied")),
    "unmatched": Badge("warn", _("Belongs to no message")),
    # what is kept in step with a provider, and how that goes
    "local_only": Badge("info", _("Only here")),
    "remote_only": Badge("info", _("Only there")),
    "same": Badge("ok", _("The same")),
    "differs": Badge("warn", _("Differs")),
    "planned": Badge("mute", _("Planned")),
    "done": Badge("ok", _("Done")),
    # codes that prove a number
    "pending": Badge("info", _("Waiting for the code")),
    "verified": Badge("ok", _("Verified")),
    "exhausted": Badge("bad", _("Too many wrong codes")),
    "replaced": Badge("mute", _("Replaced")),
    # anything that can be switched off, and keys
    "enabled": Badge("ok", _("Enabled")),
    "disabled": Badge("mute", _("Disabled")),
    "active": Badge("ok", _("Active")),
    "revoked": Badge("mute", _("Revoked")),
}


def badge_of(state: str) -> Badge:
    """A state that is not in the table shows as its bare word in grey; tests hold the table complete."""
    return BADGES.get(str(state)) or Badge("mute", str(state).replace("_", " ").capitalize())
