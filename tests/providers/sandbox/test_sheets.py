"""Files of contacts: .csv in its dialects, .xlsx without a library."""

import io
import zipfile

import pytest

from providers.sandbox import sheets
from providers.sandbox.sheets import SheetError, read_sheet

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
WORKBOOK = (
    f'<workbook {MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="A" sheetId="1" r:id="rId7"/><sheet name="B" sheetId="2" r:id="rId8"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId8" Target="worksheets/sheet9.xml"/>'
    '<Relationship Id="rId7" Target="worksheets/first.xml"/></Relationships>'
)


def xlsx(rows: str, shared: str = "", **members: str) -> bytes:
    """A workbook whose first sheet has these rows of XML."""
    files = {
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/first.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
    }
    if shared:
        files["xl/sharedStrings.xml"] = f"<sst {MAIN}>{shared}</sst>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files | members).items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"12015550123,Alice\r\n12015550124,Bob\r\n", [["12015550123", "Alice"], ["12015550124", "Bob"]]),
        (b'"12015550123";"Alice, of course"\n', [["12015550123", "Alice, of course"]]),
        (b"12015550123\tAlice", [["12015550123", "Alice"]]),
        (b"12015550123\n\n,\n12015550124\n", [["12015550123"], ["12015550124"]]),
        ("\ufeff1,Zoë".encode(), [["1", "Zoë"]]),
        ("1,Zoë".encode("cp1252"), [["1", "Zoë"]]),
        ("1,Zoë".encode("utf-16"), [["1", "Zoë"]]),
        (b'"two\nlines",a', [["two\nlines", "a"]]),
        (b"", []),
    ],
)
def test_csv_in_its_dialects(data: bytes, rows: list[list[str]]) -> None:
    assert read_sheet(data) == rows


def test_xlsx_in_its_ways() -> None:
    shared = "<si><t>phone_number</t></si><si><r><t>Al</t></r><r><t>ice</t></r><rPh><t>no</t></rPh></si>"
    rows = (
        '<row><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>custom</t></is></c></row>'
        '<row/><row><c r="A3"><v>1.2015550123E10</v></c><c r="B3" t="s"><v>1</v></c>'
        '<c r="C3" t="str"><v>x&amp;y</v></c></row>'
        '<row><c><v>0.5</v></c><c t="s"><v>99</v></c><c><v>12</v></c></row>'
    )
    assert read_sheet(xlsx(rows, shared)) == [
        ["phone_number", "", "custom"],
        ["12015550123", "Alice", "x&y"],
        ["0.5", "", "12"],
    ]


def test_rows_and_columns_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(row) for row in read_sheet(b",".join([b"1"] * 300))] == [256]
    assert read_sheet(xlsx('<row><c r="A1"><v>1</v></c><c r="ZZZ1"><v>2</v></c></row>')) == [["1"]]
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    with pytest.raises(SheetError, match="more than 2 rows"):
        read_sheet(b"1\n2\n3\n")


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_XML", 2**20)
    with pytest.raises(SheetError, match="more than 1 MiB of XML"):
        read_sheet(xlsx(" " * (2**20 + 1)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "doc is an .xls file, which is not read here; save it as .xlsx",
        ),
        (b"PK\x03\x04 and no more", "not a readable .xlsx file"),
        (xlsx("", **{"xl/workbook.xml": f"<workbook {MAIN}/>"}), "not a readable .xlsx file"),
        (xlsx("<row>"), "not a readable .xlsx file"),
        (
            xlsx("", **{"xl/worksheets/first.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
            "declares a document type",
        ),
        (b'"' + b"x" * 200_000 + b'"', "not a readable .csv file"),
    ],
)
def test_it_rejects(data: bytes, sentence: str) -> None:
    with pytest.raises(SheetError, match=sentence):
        read_sheet(data)
