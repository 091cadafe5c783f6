"""A form as browsers and HTTP clients send it: multipart/form-data (RFC 7578) or URL-encoded."""

from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from urllib.parse import parse_qsl

from providers.sandbox.wire import Call

MOST_PARTS = 50


@dataclass(slots=True)
class Upload:
    filename: str
    data: bytes


@dataclass(slots=True)
class Form:
    """Fields and files by name; of two with one name the later counts."""

    fields: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """The fields in UTF-8."""
        return {name: data.decode(errors="replace") for name, data in self.fields.items()}

    def content(self, name: str) -> bytes | None:
        """Of a file or else of a field."""
        upload = self.files.get(name)
        return upload.data if upload else self.fields.get(name)


def read_form(call: Call) -> Form | None:
    """None when the body is no form, or one of more than `MOST_PARTS` parts."""
    header = Message()
    header["content-type"] = call.header(b"content-type")
    match header.get_content_type():
        case "multipart/form-data":
            boundary = header.get_boundary()
            return _multipart(boundary.encode(errors="replace"), call.body) if boundary else None
        case "application/x-www-form-urlencoded":
            return _urlencoded(call.body)
    return None


def _urlencoded(body: bytes) -> Form | None:
    """Latin-1 both ways keeps every byte as it came."""
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_PARTS
        )
    except ValueError:  # too many
        return None
    return Form(
        {name.encode("latin-1").decode(errors="replace"): value.encode("latin-1") for name, value in pairs}
    )


def _multipart(boundary: bytes, body: bytes) -> Form | None:
    _preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_PARTS + 1)
    if not parts or not parts[-1].startswith(b"--"):
        return None
    form = Form()
    for part in parts[:-1]:
        if not _take_part(form, part):
            return None
    return form


def _take_part(form: Form, part: bytes) -> bool:
    """Whether it is one with a name."""
    head, blank, data = part.partition(b"\r\n\r\n")
    headers = HeaderParser().parsestr(head.decode(errors="replace").lstrip())
    name = headers.get_param("name", header="content-disposition")
    if not (blank and isinstance(name, str)):
        return False
    filename = headers.get_filename()
    if filename is None:
        form.fields[name] = data
    else:
        form.files[name] = Upload(filename, data)
    return True
