"""Why a message is in its state: each short code with a sentence and the next step, for pages, CSV and API."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BROADCAST_EXPIRED = "broadcast_expired"
LEFT_LIST = "left_list"
# Left out when their turn comes: messaging/barred.py.
HAS_IT = "has_it"
FREQUENCY_CAP = "frequency_cap"
# A person's word on what was unknown.
SAID_RECEIVED = "said_received"
SAID_NOT_RECEIVED = "said_not_received"
QUIET_HOURS = "quiet_hours"
LOCAL_TIME = "local_time"
LOCAL_TIME_PASSED = "local_time_passed"


@dataclass(frozen=True, slots=True)
class Reason:
    sentence: str | Promise
    next_step: str | Promise = ""


REASONS: dict[str, Reason] = {
    "": Reason(""),
    # certainly not sent
    "bad_number": Reason(_("The provider does not accept the number"), _("Correct the number on its list")),
    "sender_not_allowed": Reason(
        _("The provider does not accept the sender"), _("Choose another sender, or register this one")
    ),
    "out_of_reach": Reason(
        _("Number out of reach"),
        _(
            "The provider does not send to this number's country. Send to these people through another account."
        ),
    ),
    "no_sender_for_country": Reason(
        _("None of the senders may send to the country of the number"),
        _("Choose a sender for that country, then send to these people"),
    ),
    "text_too_long": Reason(_("The text is too long for the provider"), _("Shorten the text")),
    "empty_text": Reason(_("The text is empty for this person"), _("Give the tokens a default")),
    "refused": Reason(_("The provider refused to take it"), _("Read the provider's words")),
    "recipient_removed": Reason(
        _("Removed from the list after the launch"),
        _("Nothing to do; to reach them, add them to a list and send a new broadcast"),
    ),
    LEFT_LIST: Reason(
        _("Left the lists before their segment went out"),
        _("Nothing to do; to reach them, add them to a list and send a new broadcast"),
    ),
    "opted_out": Reason(_("Opted out after the launch"), ""),
    "opted_out_at_vendor": Reason(
        _("The provider says that the person opted out"),
        _("Nothing to do: the number is opted out here, too"),
    ),
    "stopped": Reason(_("The broadcast was stopped before its turn"), _("Send a new broadcast to them")),
    BROADCAST_EXPIRED: Reason(_("The broadcast expired before its turn"), _("Send a new broadcast to them")),
    # a verification's text, whose code was over before its turn
    "code_expired": Reason(_("Its code expired before its turn"), _("Ask for a new code")),
    "code_replaced": Reason(_("A newer code took its place before its turn"), ""),
    "code_cancelled": Reason(_("Its verification was cancelled before its turn"), ""),
    "code_over": Reason(_("Its code did not count any more"), _("Ask for a new code")),
    HAS_IT: Reason(_("Got it, or is getting it, from another broadcast to those who missed it")),
    FREQUENCY_CAP: Reason(
        _("Has had as many texts lately as the workspace allows"),
        _("Send to them later, or raise the limit in the settings"),
    ),
    # waiting
    "throttled": Reason(
        _("The provider asked us to slow down"), _("While the broadcast runs, it goes on by itself")
    ),
    "unreachable": Reason(
        _("The provider could not be reached"), _("While the broadcast runs, it is tried again by itself")
    ),
    "bad_credentials": Reason(
        _("The provider does not accept the credentials"), _("Correct them, then resume")
    ),
    "no_credit": Reason(_("No credit left at the provider"), _("Top up, then resume")),
    "service_off": Reason(_("The provider has switched the service off"), _("Ask the provider, then resume")),
    "wrong_address": Reason(
        _("The account's base URL does not answer like the provider"), _("Correct it, then resume")
    ),
    "bad_settings": Reason(_("A setting of the account is missing or wrong"), _("Correct it, then resume")),
    "not_supported": Reason(_("The provider cannot do this"), _("Choose another account or sender")),
    "worker_stopped": Reason(
        _("The worker stopped before its turn"), _("While the broadcast runs, it goes on by itself")
    ),
    "daily_limit": Reason(
        _("The account's limit of parts a day is reached"),
        _("They go on by themselves the next day, or at once when the limit is raised on the account's page"),
    ),
    QUIET_HOURS: Reason(
        _("It is a quiet hour where the person is"),
        _("They go on by themselves when the quiet hours end there"),
    ),
    LOCAL_TIME: Reason(
        _("The time to send has not come where the person is"),
        _("They go on by themselves when it comes there"),
    ),
    LOCAL_TIME_PASSED: Reason(
        _("The time to send had passed where the person is"), _("Send a new broadcast to them")
    ),
    "paused": Reason(_("Paused before its turn"), _("Resume the broadcast")),
    # perhaps sent
    "no_answer": Reason(
        _("No answer came after it was handed over"), _("A receipt may still settle it; it is not sent again")
    ),
    "server_trouble": Reason(
        _("The provider's server failed while taking it"),
        _("A receipt may still settle it; it is not sent again"),
    ),
    "bad_answer": Reason(
        _("The provider's answer could not be read"), _("A receipt may still settle it; it is not sent again")
    ),
    "worker_lost": Reason(
        _("The worker died while handing it over"), _("A receipt may still settle it; it is not sent again")
    ),
    SAID_RECEIVED: Reason(_("A person said that it arrived")),
    SAID_NOT_RECEIVED: Reason(_("A person said that it did not arrive"), _("Send it to them again")),
    "unknown_status": Reason(_("The provider reported a status that it does not document"), ""),
    # settled by the network
    "undelivered": Reason(_("The network could not deliver it"), _("Try again later")),
    "expired": Reason(_("The phone was not reached in time"), _("Try again later")),
    "rejected": Reason(_("The network rejected it"), _("Check wording and sender")),
    "deleted": Reason(_("Deleted in the network"), ""),
    "failed": Reason(_("The provider could not send it"), _("Read the provider's words")),
}


def reason_of(code: str) -> Reason:
    """A code that a newer connector brought is shown as it is, in words."""
    return REASONS.get(code) or Reason(code.replace("_", " ").capitalize())
