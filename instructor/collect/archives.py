"""Reads what students pack, hostile or damaged: zip and tar.gz archives, one file after the other.

Contents go to numbered files, so no name in an archive ever becomes a path here; only files that are asked
for are inflated, and no further than their limit.
"""

import calendar
import functools
import gzip
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from helpers.french import decimal

MB = 1_000_000
MAX_ENTRIES = 100_000  # a whole virtual environment has half of that; ten times as many of a class
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
MAX_NAME = 65_536  # bytes
NO_FILE = "ce n'est pas un fichier mais un lien ou un périphérique"


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


def is_archive(path: PurePosixPath) -> bool:
    """Tell by its name whether a file is meant to be an archive."""
    return bool(_NAMED_SO.search(path.name))


def unpack(
    archive: Path, into: Path, limit: Callable[[PurePosixPath], int], most: int = MAX_TOTAL
) -> Iterator[Sent]:
    """Inflate the wanted files of an archive.

    Args:
        archive: a zip, tar or tar.gz file, recognised by its first bytes.
        into: existing folder for the numbered contents.
        limit: path in the archive -> largest size accepted, in bytes; 0 leaves the file out unread.
        most: bytes to write in all.

    Yields:
        Every file of the archive, taken, left out, or refused with the reason; and its folders, empty.

    Raises:
        ArchiveError: nothing, or nothing more, can be read: another format, damaged, a decompression bomb.
    """
    with archive.open("rb") as file:
        start = file.read(8)
    kind = next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), "tar")
    inflated = functools.partial(_tar_members, opener=gzip.open)
    members = {"zip": _zip_members, "gzip": inflated, "tar": _tar_members}.get(kind)
    if not members:
        raise ArchiveError(f"le format {kind} n'est pas lu ici ; décompressez-la, ou demandez un zip")
    try:
        for name, size, date, problem, opened in members(archive, most):
            path, outside = clean_path(name)
            if opened is None:  # a folder
                yield Sent(path)
                continue
            content, wanted = None, limit(path)
            refused = outside or problem or _excess(size, wanted, most)
            if wanted and not refused:
                try:
                    content = _copy(opened, into, size)
                    most -= size
                except _DAMAGED as error:
                    refused = f"fichier abîmé dans l'archive ({type(error).__name__})"
            yield Sent(path, content, date, refused)
    except _DAMAGED as error:
        raise ArchiveError(f"archive abîmée ou tronquée ({type(error).__name__})") from None


def clean_path(name: str) -> tuple[PurePosixPath, str]:
    """Return a sent name as a relative NFC path, and what was wrong with it ("" if nothing)."""
    name = "".join(map(_shown, unicodedata.normalize("NFC", name[:MAX_NAME]))).replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    path = PurePosixPath(*[part for part in parts[-100:] if part != ".."])
    return path, "son chemin sort du dossier rendu" if outside else ""


def _shown(sign):
    """Keep what joins letters, make any space an ordinary one, leave out what cannot be seen."""
    if unicodedata.category(sign) == "Zs":
        return " "
    return sign if sign.isprintable() or sign in "\u200c\u200d" else ""


def too_large(size: int, most: int) -> str:
    """Say in French that a file is refused for its size."""
    return f"{size / MB:.0f} Mo, au plus {most // MB} Mo sont lus"


def _excess(size, wanted, left):
    if wanted and size > wanted:
        return too_large(size, wanted)
    return "le rendu est trop gros une fois décompressé" if wanted and size > left else ""


def _copy(opened, into, most) -> Path:
    """Copy at most ``most`` bytes into a new numbered file; on failure nothing is left behind."""
    descriptor, name = tempfile.mkstemp(dir=into)
    try:
        with open(descriptor, "wb") as target, opened() as source:
            shutil.copyfileobj(_Bounded(source, most), target)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


class _Bounded:
    """A stream that ends the reading of what inflates to more than it may."""

    def __init__(self, source: io.BufferedIOBase, most: int):
        self._source, self._left, self._most = source, most, most

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError(f"bombe de décompression, plus de {self._most // MB} Mo")
        return data


# Each member: (name, size declared, date, problem, function that opens it, None for a folder).


def _refuse_more(entries, most):
    allowed = MAX_ENTRIES * (10 if most > 10 * MAX_TOTAL else 1)
    if entries > allowed:
        raise ArchiveError(f"plus de {allowed} fichiers")


def _directory_size(archive) -> int:
    """Return the bytes of a zip's directory, which its end record tells, before zipfile reads it."""
    with archive.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_NAME - 98))
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if not 0 <= end <= len(tail) - 22:
        return 0  # zipfile will say it
    if end >= 76 and tail.startswith(b"PK\6\6", end - 76):  # a large zip has a second record before it
        return struct.unpack_from("<Q", tail, end - 36)[0]
    return struct.unpack_from("<I", tail, end + 12)[0]


def _zip_members(archive, most) -> Iterator[tuple]:
    _refuse_more(_directory_size(archive) // 400, most)
    with zipfile.ZipFile(archive) as file:
        infos = file.infolist()
        _refuse_more(len(infos), most)
        size, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
        if size > most and size > MAX_RATIO * packed:
            packed = decimal(packed / MB, 1)
            raise ArchiveError(f"bombe de décompression, {packed} Mo qui en deviendraient {size // MB}")
        for info in infos:
            opened = None if info.is_dir() else functools.partial(file.open, info)
            yield _zip_name(info), info.file_size, _zip_date(info), _zip_problem(info), opened


def _zip_name(info):
    """Return the name as its writer meant it: zipfile reads names not marked UTF-8 as cp437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return decoded(info.filename.encode("cp437"))
    except UnicodeEncodeError:
        return info.filename


def decoded(name: bytes) -> str:
    """Read a file's name: UTF-8, or as Windows in western Europe once wrote it."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("cp850")


def _zip_date(info):
    try:
        return float(calendar.timegm((*info.date_time, 0, 0, 0)))
    except ValueError:
        return 0.0


def _zip_problem(info):
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return NO_FILE
    if info.flag_bits & 1:
        return "chiffré par un mot de passe"
    return "" if info.compress_type in _METHODS else "méthode de compression non lue ici"


class _Member(tarfile.TarInfo):
    """A member whose names, and what else stands before it, are short: tarfile reads them whole."""

    def _proc_member(self, archive):
        if self.size > MAX_NAME and self.type in (b"L", b"K", b"x", b"g", b"X"):
            raise tarfile.HeaderError("a name too long")
        return super()._proc_member(archive)


def _tar_members(archive, most, opener=open) -> Iterator[tuple]:
    # Bounded: skipping a member inflates it all the same.
    with (
        opener(archive, "rb") as inflated,
        tarfile.open(fileobj=_Bounded(inflated, most), mode="r|", tarinfo=_Member) as file,
    ):
        for number, info in enumerate(file):
            _refuse_more(number, most)
            problem = "" if info.isreg() or info.isdir() else NO_FILE
            opened = None if info.isdir() else functools.partial(file.extractfile, info)
            yield info.name, info.size, float(info.mtime), problem, opened
            file.members.clear()  # a stream needs none of them again
