"""MessageWhiz API v3, document 004: every operation, with what each API key has set up and sent.

Readings chosen where the document is silent or contradicts itself (each module says more):
- errors of `/api` come in that API's envelope, `errorCode` being the HTTP status; the detail follows its sentence;
- an API key that begins with `sandbox-key-` is an account of its own, one that ends in `-disabled` gets 403;
- paths are compared in lower case, and `/` at their end is left out;
- PUT keeps what is not named, except for files, which replace all;
- names are taken once among what is enabled of a kind: else 409;
- what is disabled keeps its id and can be enabled again, but is not found when something is to be sent with it.

    door            paths, keys, the staff's settings     request         fields, pages, what kinds share
    envelope        answers and errors                    records         entities of a key, bounds
    campaigns, recipients, senders, unsubscribers, links, texts, triggers: one subject each
    files           contacts and links in files           sms             POST /sms
    orders          what a request to send orders         broadcasts      tiny, single, base, smart, combined
    estimate        the cost beforehand                   onetime         one time passwords
    running         sends what is due                     sendings        broadcasts, segments, texts
    tokens          {{first_name}} and the others         shortlinks      clicks and unsubscribing
    reports         list and delivery report              batches         the batched webhook
"""

from providers.sandbox.messagewhiz.door import MessageWhiz

__all__ = ["MessageWhiz"]
