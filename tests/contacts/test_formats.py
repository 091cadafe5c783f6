"""contacts.files.formats: what a file is, by its content."""

from pathlib import Path

import pytest

from contacts.errors import FileRefused
from contacts.files.formats import OLE, Format, format_of, kind_of

TABLE = "number,name\n+12015550100,Zoë\n+12015550101,Łukasz\n"


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (TABLE.encode(), "utf-8"),
        (TABLE.encode("utf-8-sig"), "utf-8"),
        (TABLE.encode("utf-16"), "utf-16"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        ("number,name\n+12015550100,Zoë “Z”\n".encode("cp1252"), "cp1252"),
        ("number,name\n+12015550100,Zoë\x81\n".encode("latin-1"), "latin-1"),
        (("Zoë,Zoë,Zoë,Zoë\n" * 5).encode() + b"a,\xff,b,c\n", "utf-8"),
        (b"plain,ascii\n1,2\n", "utf-8"),
    ],
)
def test_it_finds_the_encoding(tmp_path: Path, content: bytes, expected: str) -> None:
    assert format_of(written(tmp_path, content)).encoding == expected


def test_it_reads_to_the_end_for_the_encoding(tmp_path: Path) -> None:
    content = b"number,name\n" + b"12015550100,Ann\n" * 200_000 + "12015550101,Zoë\n".encode("cp1252")
    assert format_of(written(tmp_path, content)).encoding == "cp1252"


@pytest.mark.parametrize(
    ("text", "delimiter", "quote"),
    [
        ("a,b,c\n1,2,3\n", ",", '"'),
        ("a;b;c\n1,5;2,5;3\n", ";", '"'),
        ("a\tb\n1\t2\n", "\t", '"'),
        ("a|b\n1|2\n", "|", '"'),
        ("just one column\n12015550100\n", ",", '"'),
        ("sep=;\na;b\n1;2,3,4\n", ";", '"'),
        ("'a','b, c'\n'1','2, 3'\n", ",", "'"),
        ("name;tel\nO'Neil;1\nD'Arcy;2\n", ";", '"'),
        ('"a; b";"c"\n"d";"e"\n', ";", '"'),
        ('"Smith, Ann","1"\n"Lee, Bob","2"\n', ",", '"'),
    ],
)
def test_it_finds_delimiter_and_quote(tmp_path: Path, text: str, delimiter: str, quote: str) -> None:
    assert format_of(written(tmp_path, text.encode())) == Format("utf-8", delimiter, quote)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty", "The file is empty"),
        (b"MZ\x90\x00" + bytes(200), "not_a_table", "The file is a program, not a table"),
        (b"%PDF-1.7\n", "not_a_table", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "not_a_table", "a picture"),
        (b"\x1f\x8b\x08\x00", "packed_twice", "packed twice"),
        (OLE + bytes(600), "not_a_table", "an Office document, not a workbook"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "password", "protected by a password"),
    ],
)
def test_it_names_what_is_no_table(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    with pytest.raises(FileRefused, match=words) as caught:
        kind_of(written(tmp_path, content))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bytes(range(256)) * 20, "binary"),
        (b"\x01\x02\x03\x04\x05" * 300, "binary"),
        (b"<!DOCTYPE html>\n<table>", "not_a_table"),
        (b'<?xml version="1.0"?>', "not_a_table"),
    ],
)
def test_it_refuses_what_is_no_text(tmp_path: Path, content: bytes, code: str) -> None:
    path = written(tmp_path, content)
    assert kind_of(path) == "csv"
    with pytest.raises(FileRefused) as caught:
        format_of(path)
    assert caught.value.code == code
