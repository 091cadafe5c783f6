"""Fields of a form as browsers and HTTP clients send it: multipart/form-data (RFC 7578) or URL-encoded."""

from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl

from providers.sandbox.wire import Call


def fields_of(call: Call) -> dict[str, bytes]:
    """Contents by name, files too; the last one of a name counts, nothing comes of another content type."""
    content_type = call.header(b"content-type")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _parts_of(content_type, call.body)
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(call.body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in pairs}
    return {}


def _parts_of(content_type: str, body: bytes) -> dict[str, bytes]:
    """A form is a MIME message whose head is the request's content type."""
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return {}
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content
    return fields
