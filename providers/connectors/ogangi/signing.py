"""How Ogangi wants a call signed: an HMAC-SHA256 of the variables of its path.

The document says "SHA256 signature … all input parameters" and points to a Java example; the example (NOTES.md,
section 3: pages `appx_call_ex` and `appx_call_json_ex` of the vendor's wiki) makes it an HMAC: the key is the private
key, the message the variables of the path in their order with "/" between, without method, public key and signature.
Nothing that is posted is signed. How the digest is written, and whether a variable is signed before or after
percent-encoding, is not shown: both are settings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from urllib.parse import quote

HEX, BASE64URL = "hex", "base64url"
DECODED, ENCODED = "decoded", "encoded"
# What a signature looks like, by its form.
SHAPES = {
    HEX: re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])", re.ASCII),
    BASE64URL: re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])", re.ASCII),
}
_NOT_SIGNED = ("publicKey", "signature")


@dataclass(frozen=True, slots=True)
class Keys:
    """`form`: HEX or BASE64URL (without padding). `signed`: DECODED or ENCODED, as which a variable is signed."""

    public: str = field(repr=False)
    private: str = field(repr=False)
    form: str = HEX
    signed: str = DECODED


def signature(keys: Keys, values: Sequence[str]) -> str:
    """`values`: those of the path's variables, in its order."""
    parts = [quote(value, safe="") for value in values] if keys.signed == ENCODED else values
    digest = hmac.new(keys.private.encode(), "/".join(parts).encode(), hashlib.sha256).digest()
    if keys.form == BASE64URL:
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return digest.hex()


def signed_variables(path: str, values: Mapping[str, str | int], keys: Keys) -> dict[str, str]:
    """All variables of the path, `publicKey` and `signature` included; of `values`, those that it has."""
    names = [name for _words, name, _spec, _conversion in Formatter().parse(path) if name]
    chosen = {name: str(values[name]) for name in names if name not in _NOT_SIGNED}
    return {**chosen, "publicKey": keys.public, "signature": signature(keys, list(chosen.values()))}


def base64_text(text: str) -> str:
    """As later versions of the API want names in a path: the alphabet of addresses, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
