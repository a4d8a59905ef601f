"""Reads what students pack, hostile or damaged: zip and tar archives, one file after the other.

Contents go to numbered files, so no name in an archive ever becomes a path here; only files that are asked
for are inflated, and no further than their limit.
"""

from __future__ import annotations

import bz2
import calendar
import gzip
import io
import re
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from helpers.french import decimal

MB = 1_000_000
MAX_ENTRIES = 100_000  # a whole virtual environment has half of that
MAX_TOTAL = 1_000 * MB  # inflated from one archive, unless told otherwise
MAX_RATIO = 100  # declared size / compressed size, of an archive that declares more than it may
_SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an empty one
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\xfd7zXZ": "xz",
}
_NAMED_SO = re.compile(r"\.(zip|tar|tgz|tar\.gz|tbz2?|tar\.bz2|7z|rar|xz)$", flags=re.IGNORECASE)
# Others, such as LZMA, may ask for gigabytes of memory whatever their size.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, ValueError)


class ArchiveError(Exception):
    """An archive that cannot be read at all; the message is a French clause for the teacher."""


@dataclass(frozen=True)
class Sent:
    """One file as it was sent.

    Attributes:
        path: its name, NFC, folders and archives around it included.
        content: where its bytes are now; None when they were left out.
        date: seconds since 1970, 0 if unknown.
        problem: French clause that says why it was refused, "" otherwise.
    """

    path: PurePosixPath
    content: Path | None = None
    date: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    date: float
    problem: str
    open: Callable[[], io.BufferedIOBase]


def is_archive(path: PurePosixPath) -> bool:
    """Tell by its name whether a file is meant to be an archive."""
    return bool(_NAMED_SO.search(path.name))


def unpack(
    archive: Path, into: Path, limit: Callable[[PurePosixPath], int], most: int = MAX_TOTAL
) -> Iterator[Sent]:
    """Inflate the wanted files of an archive.

    Args:
        archive: a zip, tar, tar.gz or tar.bz2 file, recognised by its first bytes.
        into: existing folder for the numbered contents.
        limit: path in the archive -> largest size accepted, in bytes; 0 leaves the file out unread.
        most: bytes to write in all.

    Yields:
        Every file of the archive, taken, left out, or refused with the reason.

    Raises:
        ArchiveError: nothing, or nothing more, can be read: another format, damaged, a decompression bomb.
    """
    kind = _kind(archive)
    if kind in ("7z", "rar", "xz"):
        raise ArchiveError(f"le format {kind} n'est pas lu ici ; décompressez-la, ou demandez un zip")
    members = _zip_members if kind == "zip" else _tar_members
    try:
        for member in members(archive, most):
            sent = _take(member, into, limit, most)
            most -= sent.content.stat().st_size if sent.content else 0
            yield sent
    except _DAMAGED as error:
        raise ArchiveError(f"archive abîmée ou tronquée ({type(error).__name__})") from None


def clean_path(name: str) -> tuple[PurePosixPath, str]:
    """Return a sent name as a relative NFC path, and what was wrong with it ("" if nothing)."""
    name = "".join(c for c in unicodedata.normalize("NFC", name) if c.isprintable()).replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    path = PurePosixPath(*[part for part in parts if part != ".."])
    return path, "son chemin sort du dossier rendu" if outside else ""


def _kind(archive):
    with archive.open("rb") as file:
        start = file.read(8)
    return next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), "tar")


def _take(member, into, limit, left) -> Sent:
    path, outside = clean_path(member.name)
    if problem := outside or member.problem:
        return Sent(path, None, member.date, problem)
    most = limit(path)
    if most <= 0:
        return Sent(path, None, member.date)
    if member.size > most:
        return Sent(path, None, member.date, too_large(member.size, most))
    if member.size > left:
        return Sent(path, None, member.date, "le rendu est trop gros une fois décompressé")
    try:
        with member.open() as source:
            return Sent(path, copy(source, into, most), member.date)
    except _DAMAGED as error:
        return Sent(path, None, member.date, f"fichier abîmé dans l'archive ({type(error).__name__})")


def copy(source: io.BufferedIOBase, into: Path, most: int) -> Path:
    """Copy at most ``most`` bytes into a new numbered file.

    Raises:
        ValueError: there was more; nothing is left behind.
    """
    with tempfile.NamedTemporaryFile(dir=into, delete=False) as target:
        left = most
        while chunk := source.read(min(MB, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            target.write(chunk)
    if left < 0:
        Path(target.name).unlink()
        raise ValueError("larger than declared")
    return Path(target.name)


def too_large(size: int, most: int) -> str:
    """Say in French that a file is refused for its size."""
    return f"{size / MB:.0f} Mo, au plus {most // MB} Mo sont lus"


def _zip_members(archive, most) -> Iterator[_Member]:
    if _entries(archive) > MAX_ENTRIES:  # before zipfile makes an object of each
        raise ArchiveError(f"plus de {MAX_ENTRIES} fichiers")
    with zipfile.ZipFile(archive) as file:
        infos = [info for info in file.infolist() if not info.is_dir()]
        _refuse_bomb(infos, most)
        for info in infos:
            yield _Member(
                _zip_name(info),
                info.file_size,
                _zip_date(info),
                _zip_problem(info),
                lambda info=info: file.open(info),
            )


def _entries(archive) -> int:
    with archive.open("rb") as file:
        return sum(chunk.count(b"PK\x01\x02") for chunk in iter(lambda: file.read(MB), b""))


def _refuse_bomb(infos: Iterable[zipfile.ZipInfo], most: int):
    inflated, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if inflated > most and inflated > MAX_RATIO * packed:
        raise ArchiveError(
            f"bombe de décompression, {decimal(packed / MB, 1)} Mo qui en deviendraient {inflated // MB}"
        )


def _zip_name(info):
    """Return the name as its writer meant it: zipfile reads names not marked UTF-8 as cp437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    try:
        return raw.decode("utf-8")  # older macOS and Linux tools
    except UnicodeDecodeError:
        return raw.decode("cp850", "replace")  # Windows in western Europe


def _zip_date(info):
    try:
        return float(calendar.timegm((*info.date_time, 0, 0, 0)))
    except ValueError:
        return 0.0


def _zip_problem(info):
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "ce n'est pas un fichier mais un lien"
    if info.flag_bits & 1:
        return "chiffré par un mot de passe"
    if info.compress_type not in _METHODS:
        return "méthode de compression non lue ici"
    return ""


def _tar_members(archive, most) -> Iterator[_Member]:
    opener = {"gzip": gzip.open, "bzip2": bz2.open}.get(_kind(archive), open)
    with (
        opener(archive, "rb") as inflated,
        tarfile.open(fileobj=_Bounded(inflated, most), mode="r|") as file,
    ):
        for number, info in enumerate(file):
            if number > MAX_ENTRIES:
                raise ArchiveError(f"plus de {MAX_ENTRIES} fichiers")
            if info.isdir():
                continue
            problem = "" if info.isreg() else "ce n'est pas un fichier mais un lien"
            yield _Member(
                info.name, info.size, float(info.mtime), problem, lambda info=info: file.extractfile(info)
            )
            file.members.clear()  # a stream needs none of them again


class _Bounded:
    """A stream that ends the reading of a tar bomb: skipping a member inflates it all the same."""

    def __init__(self, source, most):
        self._source, self._left, self._most = source, most, most

    def read(self, size):
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError(f"bombe de décompression, plus de {self._most // MB} Mo")
        return data
