"""contacts.files.code_pages: names read right in the code page they were written in."""

from __future__ import annotations

import time
import unicodedata
from itertools import cycle, islice
from pathlib import Path

import pytest

from contacts.files.encodings import ENCODINGS
from contacts.files.formats import format_of
from tests.contacts.support import number

NAMES = {
    "Polish": "Łukasz Małgorzata Paweł Michał Żaneta Agnieszka Wójcik Kowalczyk Jabłoński Wiśniewska Gdańsk Łódź Święta"
    " Kamiński Zieliński Stanisław Bożena Józef Wałęsa",
    "Czech": "Jiří Dvořák Tomáš Černý Lukáš Novák Kateřina Procházková Zdeněk Růžička Šárka Žižka Plzeň Brno Jaroslav"
    " Kříž Věra Němcová",
    "Slovak": "Ľubomír Šťastný Zuzana Kováč Ján Miroslav Žilina Košice Ľudmila Štúr Božena Hlaváč",
    "Hungarian": "Győző László Kovács Nagy Erzsébet Sándor Tóth Szűcs Ödön Zoltán Gergő Fekete Jenő",
    "Romanian": "Ştefan Ioana Măriuţa Bucureşti Ţepeş Cătălin Brânză Gheorghiţă Niţă Constanţa",
    "Croatian": "Željko Đorđe Nikolić Ivana Šimić Zagreb Čović Petrović Žarko Krešimir",
    "Turkish": "Ayşe Çağrı Işık Mehmet Yıldız Şahin Öztürk Gülşen İbrahim Doğan İzmir Özgür Kılıç Ağaoğlu",
    "German": "Jürgen Müller Köln Jäger Weiß Grün Björn Höß Ärzte Übel Schröder Anna",
    "French": "François Hélène Noël Béatrice Lefèvre Gérard Benoît Zoë Anaïs Châlons Aurélie Étienne",
    "Spanish": "Núñez Muñoz María José González Ramírez Peña Ángel Iñigo Sofía Andrés Ibáñez",
    "Portuguese": "João Conceição Gonçalves São Inês Magalhães Antônio Luís Simões Mônica",
    "Italian": "Niccolò Forlì Mattia Bartolomè Nicolò Cantù Beltrà Rossi Cefalù",
    "Danish": "Søren Åse Kjær Jørgensen Bjørn Lærke Østergaard Håkon Ødegård",
    "Swedish": "Åsa Björk Göran Hägglund Malmö Sjöberg Håkansson Ängström",
    "Icelandic": "Þór Guðrún Sigurðardóttir Ægir Jónsdóttir Hafþór Björk Ásgeir Ýmir Reykjavík Guðjón",
    "Dutch": "Zoë Daniël Anaïs Loïs Michaël Hélène België",
    "Vietnamese": "Nguyễn Trần Phạm Hoàng Đặng Bùi Đỗ Hồ Ngô Dương Lý Thị Hương Tuấn",
    "Russian": "Иван Мария Ольга Дмитрий Кузнецов Петрова Наталья Сергей Щербаков Юлия Москва Казань",
    "Ukrainian": "Андрій Олена Ярослав Київ Шевченко Їжак Юлія Львів Тарас Євген",
    "Greek": "Γιώργος Μαρία Αθήνα Πάτρα Νίκος Ελένη Δημήτρης Κώστας Θεσσαλονίκη Σοφία",
    "Hebrew": "משה שרה דוד יעקב רחל תל אביב ירושלים חיים לאה כהן לוי",
    "Arabic": "محمد أحمد فاطمة علي القاهرة يوسف خالد سارة مريم حسن",
}
PAGES = {
    "cp1250": ("Polish", "Czech", "Slovak", "Hungarian", "Romanian", "Croatian"),
    "iso8859-2": ("Polish", "Czech", "Slovak", "Hungarian", "Romanian", "Croatian"),
    "cp852": ("Polish", "Czech", "Hungarian"),
    "cp1254": ("Turkish",),
    "iso8859-9": ("Turkish",),
    "cp1258": ("Vietnamese",),
    "cp850": ("German", "French", "Spanish", "Danish", "Portuguese"),
    "cp437": ("German", "French", "Spanish"),
    "mac-roman": ("German", "French", "Spanish", "Danish", "Portuguese"),
    "cp1251": ("Russian", "Ukrainian"),
    "koi8-r": ("Russian",),
    "iso8859-5": ("Russian",),
    "cp866": ("Russian",),
    "cp1253": ("Greek",),
    "cp1255": ("Hebrew",),
    "cp1256": ("Arabic",),
    "cp1252": (
        "German",
        "French",
        "Spanish",
        "Portuguese",
        "Italian",
        "Danish",
        "Swedish",
        "Icelandic",
        "Dutch",
    ),
}
CASES = [(page, language) for page, languages in PAGES.items() for language in languages]


def encoded(text: str, page: str) -> bytes:
    if page != "cp1258":
        return text.encode(page)
    # It has tones as letters of their own, behind those of the alphabet.
    apart = unicodedata.normalize("NFD", text)
    joined = apart.replace("e\u0302", "ê").replace("a\u0302", "â").replace("o\u0302", "ô")
    joined = joined.replace("o\u031b", "ơ").replace("u\u031b", "ư").replace("a\u0306", "ă")
    for mark in "\u0323\u0309":
        joined = (
            joined.replace(f"a{mark}\u0306", f"ă{mark}")
            .replace(f"e{mark}\u0302", f"ê{mark}")
            .replace(f"a{mark}\u0302", f"â{mark}")
        )
        joined = joined.replace(f"o{mark}\u0302", f"ô{mark}")
    return joined.encode(page)


def is_known(name: str, page: str) -> bool:
    return "?" not in name.encode(page, "replace").decode(page)


def read(tmp_path: Path, language: str, page: str, rows: int) -> tuple[str, bytes]:
    """How the file is read, and the bytes of its names."""
    known = [name for name in NAMES[language].split() if page != "cp437" or is_known(name, page)]
    names = [encoded(name, page) for name in islice(cycle(known), rows)]
    lines = [b"number,first_name"] + [
        f"+{number(row)},".encode() + name for row, name in enumerate(names, start=1)
    ]
    path = tmp_path / "upload.csv"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return format_of(path).encoding, b"\n".join(names)


@pytest.mark.parametrize("rows", [5, 300])
@pytest.mark.parametrize(("page", "language"), CASES)
def test_names_read_right(tmp_path: Path, page: str, language: str, rows: int) -> None:
    """In that code page or in one that has the same letters at these places."""
    found, names = read(tmp_path, language, page, rows)
    assert found in ENCODINGS
    assert names.decode(found) == names.decode(page)


def test_names_of_several_western_countries_stay_western(tmp_path: Path) -> None:
    mixed = " ".join(NAMES[language] for language in PAGES["cp1252"])
    path = tmp_path / "upload.csv"
    path.write_bytes(
        "".join(f"+{number(row)},{name}\n" for row, name in enumerate(mixed.split())).encode("cp1252")
    )
    assert format_of(path).encoding == "cp1252"


@pytest.mark.parametrize(
    "text",
    ["Ann – Bob,“Acme” 20 €\n", "O’Neil,d’Arc\n", "Zoë\n", "25 °C,§ 5,© Acme\n", "naïve café,Señor\n"],
)
def test_signs_and_little_text_stay_western(tmp_path: Path, text: str) -> None:
    path = tmp_path / "upload.csv"
    path.write_bytes(f"number,name\n+{number(0)},{text}".encode("cp1252"))
    assert format_of(path).encoding == "cp1252"


def test_a_long_file_is_told_in_a_moment(tmp_path: Path) -> None:
    started = time.process_time()
    read(tmp_path, "Polish", "cp1250", 30_000)
    assert time.process_time() - started < 3
