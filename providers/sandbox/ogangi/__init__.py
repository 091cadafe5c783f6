"""Ogangi Mobile Engagement Campaign Manager, document 002: all eight operations under `rest/api/`.

What the document leaves open, and the reading chosen (vendors/NOTES.md section 3 names the sources):
- any instanceId of digits, a publicKey that begins with `sandbox-public`, an account of its own, and the private
  key `sandbox`; a broadcast belongs to the instance under which it was made;
- the signature is HMAC-SHA256 by the private key over the path parameters, decoded, in the order of the URL and
  joined by `/`, without method, publicKey and the signature itself; lower-case hex. The settings may ask for
  base64url (`digest`), and for the parameters as they are percent-encoded (`signed`). Fields are not signed;
- a wrong signature or publicKey is BAD_SIGNATURE, all else that is wrong ERROR; HTTP stays 200 for both. The vendor
  describes every error as "Internal error, please report this to support", here the description says what is wrong;
- the five calls whose method is not stated are GET; answers have no root element, as printed; dates of sendSMS and
  createBroadcastFromJson have milliseconds, those of getBroadcast have not, as printed;
- a number of 3 to 15 digits may be a sender; getShortcodes lists those of the settings;
- `file` is a CSV in UTF-8 by comma, one text a row: number, from, carrier, encoding, timezone, text, or with the text
  fourth; which of the two is told by where a charset's name stands; `{0}`, `{1}` are the columns from the seventh on;
- `to` is an array of `{"mobileNumber", "message", "from"?, "carrier"?, "params"?}`, the proposal of those notes;
- the shortcode counts when shortcodeIgnore is `true`, as the text says; with `false` a recipient's `from`, else the
  first of the settings; the word `null` stands for no campaignName and no date;
- a date is local to the settings' `timezone`; one that has passed starts at once, as a minute is hardly exact;
- a broadcast is 0 scheduled, 1 running, 2 finished, 3 suspended, 4 stopped. Only a running one is suspended, only a
  suspended one resumed, only a scheduled one edited; all but the ended are stopped, all but the running deleted.
  Anything else is ERROR. sentMessages leaves out who cannot be reached.
No delivery report and no inbound text is documented: nothing is posted anywhere.

    door        routes, signatures, the operations      recipients   the phone list and the JSON recipients
    accounts    settings, the signature                 broadcasts   their life
    answers     XML
"""

from providers.sandbox.ogangi.door import Ogangi

__all__ = ["Ogangi"]
