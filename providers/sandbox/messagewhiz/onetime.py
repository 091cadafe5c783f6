"""One time passwords: document 004, sections Send One time password (OTP) and Verify OTP.

These two paths answer without the envelope. Readings chosen: a code is good once, and only the latest of a number; an
error comes in the envelope; a number that has no code is answered `{"valid": false}`.
"""

from providers.sandbox import batches
from providers.sandbox.messagewhiz.broadcasts import sending
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.orders import Order, bodies_of, carry_out, excluded_of, when_of
from providers.sandbox.messagewhiz.records import NO_VALUES, Account
from providers.sandbox.messagewhiz.request import Fields, Handler, Request
from providers.sandbox.messagewhiz.senders import sender_name
from providers.sandbox.messagewhiz.sendings import Kind, When, Words
from providers.sandbox.wire import Answer, json_answer

CODE = "verification_code"


def send_code(request: Request) -> object:
    if not request.asked("otp"):
        raise Failure(400, "otp must be true in the query")
    fields, account = request.fields(), request.account
    campaign, recipient = account.campaign_to_send(fields.whole("campaign_id")), fields.msisdn("recipient")
    if not fields.switch("verification"):
        raise Failure(400, "verification must be true")
    words = words_of(account, fields)
    name, when = f"OTP to {recipient}", when_of(account, fields)
    if "is_now" in fields and fields.switch("is_now"):
        when = When(utc_offset=when.utc_offset)
    order = Order(Kind.OLD_SINGLE, name, campaign, {recipient: NO_VALUES}, words, when, is_one_time=True)
    order.excluded = excluded_of(account, fields)
    outcome = request.runner.admit(account, recipient)
    return batches.spoil([outcome], json_answer(200, {"id": carry_out(request, order).broadcast.id}))


def words_of(account: Account, fields: Fields) -> Words:
    """Raises Failure 400 for a text that has no place for the code."""
    words = bodies_of(account, fields, "message_template_id")
    if not words.bodies[0].has(CODE):
        raise Failure(400, f"message_body must contain {{{{{CODE}}}}}")
    if "sender" in fields:
        words.senders = [sender_name(fields, "sender")]
    else:
        words.senders = [account.senders.active(fields.whole("sender_id")).name]
    return words


def verify(request: Request) -> Answer:
    """Codes are compared as texts: the document's example is a JSON number."""
    value = request.fields().data.get(CODE)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise Failure(400, f"{CODE} must be the code that was sent")
    account, msisdn = request.account, request.numbers[0]
    is_valid = account.one_time_codes.get(msisdn) == str(value)
    if is_valid:
        del account.one_time_codes[msisdn]
    return json_answer(200, {"valid": is_valid})


# Of /api, not of /api/3.
ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "broadcasts/single"): sending(send_code),
    ("POST", "recipients/{}/verification"): verify,
}
