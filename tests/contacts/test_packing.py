"""contacts.files.packing: one file in gzip or zip, and what is refused before or amid unpacking."""

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from contacts.errors import FileRefused
from contacts.files import packing
from contacts.files.packing import unpack

TEXT = b"number,name\n+12015550100,Ann\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upload.csv"


def zipped(path: Path, parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(FileRefused) as refused:
        unpack(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    return refused.value.code


def test_it_works(path: Path) -> None:
    path.write_bytes(gzip.compress(TEXT))
    assert (unpack(path), path.read_bytes()) == ("gzip", TEXT)
    assert (unpack(zipped(path, {"people.csv": TEXT})), path.read_bytes()) == ("zip", TEXT)
    assert (unpack(path), path.read_bytes()) == ("", TEXT)
    assert [one.name for one in path.parent.iterdir()] == ["upload.csv"]


def test_gzip_of_several_members_is_one_file(path: Path) -> None:
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(b"+12015550101,Bob\n") + bytes(512))
    unpack(path)
    assert path.read_bytes() == TEXT + b"+12015550101,Bob\n"


def test_larger_than_a_block(path: Path) -> None:
    content = TEXT * 200_000
    path.write_bytes(gzip.compress(content, 1))
    unpack(path)
    assert path.read_bytes() == content


def test_what_systems_put_beside_the_file_is_passed_over(path: Path) -> None:
    litter = {"lists/": b"", "__MACOSX/lists/._people.csv": b"x", "lists/.DS_Store": b"x"}
    assert unpack(zipped(path, {**litter, "lists/people.csv": TEXT})) == "zip"
    assert path.read_bytes() == TEXT


def test_several_files_are_named(path: Path) -> None:
    zipped(path, {f"part{n}.csv": TEXT for n in range(7)})
    with pytest.raises(FileRefused, match=r"7 files: part0.csv, .* part4.csv …\. Choose") as refused:
        unpack(path)
    assert refused.value.code == "several_files"


@pytest.mark.parametrize("cut", [3, 9, 20])
def test_a_damaged_one_is_told(path: Path, cut: int) -> None:
    path.write_bytes(gzip.compress(TEXT)[:-cut])
    assert refusal(path) == "damaged"
    path.write_bytes(zipped(path, {"people.csv": TEXT}).read_bytes()[:-cut])
    assert refusal(path) == "damaged"


def test_a_wrong_sum_is_damage(path: Path) -> None:
    content = bytearray(zipped(path, {"people.csv": TEXT}, zipfile.ZIP_STORED).read_bytes())
    content[content.index(b"Ann")] = ord("E")
    path.write_bytes(content)
    assert refusal(path) == "damaged"


def test_other_ways_of_packing_are_told(path: Path) -> None:
    """A dictionary of LZMA may ask for any amount of memory."""
    assert refusal(zipped(path, {"people.csv": TEXT}, zipfile.ZIP_LZMA)) == "packing"


def test_bombs_are_refused_amid_unpacking(path: Path, settings: Settings) -> None:
    zeros = bytes(70 << 20)
    path.write_bytes(gzip.compress(zeros))
    assert refusal(path) == "zip_bomb"
    assert refusal(zipped(path, {"people.csv": zeros})) == "zip_bomb"
    settings.IMPORT_MAX_BYTES = 1 << 20
    assert refusal(path) == "too_large"


def test_an_archive_of_endless_parts_is_not_even_listed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_DIRECTORY_BYTES", 10_000)
    assert refusal(zipped(path, {f"{n:0200}": b"" for n in range(100)})) == "too_large_archive"


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    with gzip.open(path, "wb", 1) as file:
        for n in range(64):
            file.write(TEXT * 40_000 + bytes([n]))
    tracemalloc.start()
    unpack(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 64_000_000
    assert peak < 8_000_000


@pytest.mark.parametrize(("at", "value"), [(6, 64), (45, 0x80)])
def test_one_of_an_unknown_version_or_with_a_place_outside_the_file_is_damaged(
    path: Path, at: int, value: int
) -> None:
    """Fields of the list of parts: the version that is needed, and where the part begins."""
    content = bytearray(zipped(path, {"people.csv": b"number\n"}).read_bytes())
    content[content.index(b"PK\x01\x02") + at] = value
    path.write_bytes(content)
    assert refusal(path) == "damaged"
