"""An encoding that is only guessed is pointed out and can be corrected: file, page and API."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import ContactsError
from contacts.files.encodings import ENCODINGS, Letters, encoding_named
from contacts.files.formats import format_of
from contacts.models import Import, ImportState
from contacts.services import imports
from tests.contacts.support import checked, number, upload
from tests.people import ApiClient

HTMX = {"HX-Request": "true"}
# What people write in files that do not say their encoding.
WRITTEN = {
    "cp1251": "Анна Кузнецова",
    "koi8-r": "Анна Кузнецова",
    "cp866": "Анна Кузнецова",
    "cp932": "山田 太郎",
    "gb18030": "王小明",
    "big5": "陳大文",
    "cp949": "김민준",
    "mac-roman": "Zoë Núñez",
    "cp1250": "Łukasz Žižka",
    "cp1253": "Ελένη",
}


def table(name: str) -> str:
    return f"number,first_name\n+{number(0)},Ann\n+{number(1)},{name}\n"


def stored(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "upload.csv"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("raw", "guessed"),
    [
        (table("Bob").encode(), False),
        (table("Zoë").encode(), False),
        (table("Zoë").encode("utf-8-sig"), False),
        (table("Zoë").encode("utf-16"), False),
        (table("Zoë").encode("utf-16-le"), False),
        (table("Zoë").encode("cp1252"), True),
        (table("Анна").encode("cp1251"), True),
        (table("Zoë" * 20).encode() + b"\xff", True),
    ],
)
def test_only_a_proven_encoding_is_no_guess(tmp_path: Path, raw: bytes, guessed: bool) -> None:
    assert format_of(stored(tmp_path, raw)).guessed is guessed


@pytest.mark.parametrize(
    ("encoding", "names", "found"),
    [
        ("cp1251", "Иван Мария Ольга Дмитрий Москва Казань Тверь", "cp1251"),
        ("koi8-r", "Иван Мария Ольга Дмитрий Москва Казань Тверь", "koi8-r"),
        ("cp932", "田中 鈴木 さくら 東京 大阪 京都", "cp932"),
        ("gbk", "王伟 李娜 张敏 北京 上海 广州", "gb18030"),
        ("big5", "王小明 陳美麗 台北 高雄", "big5"),
        ("cp949", "김철수 이영희 서울 부산", "cp949"),
        ("cp1253", "Γιώργος Μαρία Αθήνα Πάτρα", "cp1253"),
        # Too little to tell anything from.
        ("cp1251", "Щука", "cp1252"),
        # Of the Latin alphabet: by the letters of languages (test_code_pages.py).
        ("cp1252", "Jürgen Zoë François Köln Anna", "cp1252"),
        ("cp1250", "Łukasz Małgorzata Żaneta Gdańsk", "cp1250"),
        ("cp1254", "Ayşe Çağrı İzmir", "cp1254"),
        ("mac-roman", "Jürgen Zoë", "mac-roman"),
    ],
)
def test_another_alphabet_is_guessed_by_its_words(
    tmp_path: Path, encoding: str, names: str, found: str
) -> None:
    rows = [f"+{number(row)},{name}\n" for row, name in enumerate(names.split() * (8 if " " in names else 1))]
    table_of_many = "number,first_name\n" + "".join(rows)
    guess = format_of(stored(tmp_path, table_of_many.encode(encoding)))
    assert (guess.encoding, guess.guessed) == (found, True)


@pytest.mark.parametrize(("encoding", "name"), WRITTEN.items())
def test_letters_read_right_in_their_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    letters = Letters(stored(tmp_path, table(name).encode(encoding)))
    assert letters.read_as(encoding) == letters.readings()[encoding] == f"+{number(1)},{name}"


def test_letters_are_found_far_into_a_file_and_cut(tmp_path: Path) -> None:
    raw = b"number,name\n" + b"12015550100,Ann\n" * 200_000 + ("Жук" * 500).encode("cp1251")
    letters = Letters(stored(tmp_path, raw))
    assert letters.read_as("cp1251") == ("Жук" * 27)[:79] + "…"
    assert letters.read_as("cp932")
    assert not Letters(stored(tmp_path, b"number\n12015550100\n"))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Windows-1251", "cp1251"),
        ("GBK", "gb18030"),
        ("Shift-JIS", "cp932"),
        ("macintosh", "mac-roman"),
        ("ISO-8859-1", "latin-1"),
        ("ISO-8859-15", "iso8859-15"),
        ("latin5", "cp1254"),
        ("euc-kr", "cp949"),
        ("UTF8", "utf-8"),
        ("ascii", "utf-8"),
        ("rot13", ""),
        ("", ""),
        ("x\x00", ""),
    ],
)
def test_encodings_are_known_by_their_usual_names(raw: str, name: str) -> None:
    assert encoding_named(raw) == name


def test_each_encoding_offered_can_be_chosen() -> None:
    assert [encoding_named(name) for name in ENCODINGS] == list(ENCODINGS)


@pytest.mark.parametrize(("encoding", "name"), WRITTEN.items())
def test_a_corrected_encoding_is_what_is_imported(acme: Workspace, encoding: str, name: str) -> None:
    imported = upload(acme, table(name).encode(encoding))
    assert imported.encoding_certainty == "guessed"
    imports.reread_import(imported=imported, encoding=encoding)
    assert (imported.encoding, imported.encoding_certainty) == (encoding, "chosen")
    assert imported.letters.endswith(f",{name}")
    assert imported.columns[1]["samples"] == ["Ann", name]


def test_a_guess_stays_one_when_something_else_is_corrected(acme: Workspace) -> None:
    imported = upload(acme, table("Анна").encode("cp1251"))
    imports.reread_import(imported=imported, has_header=False)
    assert (imported.encoding_certainty, bool(imported.letters)) == ("guessed", True)


def test_a_workbook_has_no_encoding_to_choose(acme: Workspace) -> None:
    imported = upload(acme, table("Zoë"))
    imported.file_kind = "xlsx"
    with pytest.raises(ContactsError, match="A workbook says its encoding itself; cp1251 cannot be chosen"):
        imports.reread_import(imported=imported, encoding="cp1251")


# --- the pages ---


def test_the_pages_point_a_guess_out_with_a_sample(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, table("Łukasz").encode("cp1250"))
    columns = reverse("import-columns", args=[imported.pk])
    page = bob_client.get(columns).content.decode()
    assert "The file does not say how its letters are stored. Windows-1252" in page
    assert f"<strong>+{number(1)},£ukasz</strong>" in page
    assert f"Windows-1250 (Central European): +{number(1)},Łukasz" in page
    checked(imported)
    assert "<strong>" in bob_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    page = bob_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    assert "The file does not say how its letters are stored." in page


def test_another_encoding_is_shown_at_once(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, table("Łukasz").encode("cp1250"))
    url = reverse("import-encoding", args=[imported.pk])
    answer = bob_client.get(url, {"encoding": "koi8-r"}, headers=HTMX)
    assert answer.content.decode().strip() == f"<strong>+{number(1)},ёukasz</strong>"
    imported.refresh_from_db()
    assert imported.encoding == "cp1252"
    assert bob_client.get(url, {"encoding": "rot13"}, headers=HTMX).status_code == 404


def test_the_encoding_is_corrected_from_the_check(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, table("Анна").encode("cp1251")))
    answer = bob_client.post(
        reverse("import-encoding", args=[imported.pk]), {"encoding": "cp1251"}, follow=True
    )
    page = answer.content.decode()
    assert "Read as Windows-1251 (Cyrillic). Look at the columns once more." in page
    assert "The file is read as Windows-1251 (Cyrillic), as was chosen." in page
    imported.refresh_from_db()
    assert (imported.state, imported.encoding) == (ImportState.UPLOADED, "cp1251")


@pytest.mark.parametrize("encoding", ["", "rot13"])
def test_an_encoding_that_is_none_is_told(bob_client: Client, acme: Workspace, encoding: str) -> None:
    imported = upload(acme, table("Анна").encode("cp1251"))
    url = reverse("import-encoding", args=[imported.pk])
    page = bob_client.post(url, {"encoding": encoding}, follow=True).content.decode()
    assert "is not an encoding that can be read. Choose one of: utf-8" in page
    assert Import.objects.get().encoding_certainty == "guessed"


def test_a_certain_encoding_is_not_asked_about(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, table("Анна"))
    page = bob_client.get(reverse("import-columns", args=[imported.pk])).content.decode()
    assert "Do the letters read right?" not in page


# --- the API ---


def test_the_api_says_how_sure_it_is_and_takes_a_correction(
    api: Callable[..., ApiClient], acme: Workspace
) -> None:
    imported = upload(acme, table("Łukasz").encode("cp1250"))
    client, url = api("marketer"), f"/api/v1/imports/{imported.pk}/"
    told = client.get(url).json()
    assert (told["encoding"], told["encoding_certainty"]) == ("cp1252", "guessed")
    assert told["letters"].startswith(f"+{number(1)},")
    told = client.patch(url, {"encoding": "windows-1250"}).json()
    assert (told["encoding"], told["encoding_certainty"]) == ("cp1250", "chosen")
    assert told["letters"] == f"+{number(1)},Łukasz"
    told = client.get(f"/api/v1/imports/{upload(acme, table('Zoë')).pk}/").json()
    assert (told["encoding"], told["encoding_certainty"], told["letters"]) == ("utf-8", "certain", "")
