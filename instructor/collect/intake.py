"""Takes what students really send and sorts it: one ``Submission`` each, whatever they sent.

Nothing is run here. Only notebooks and what Part 4 saves are kept; the rest is named in a remark.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from helpers.french import french_error, listed, typographic

from ..editions import load_editions
from ..records import PART4, Submission
from . import notebooks
from .archives import MAX_TOTAL, MB, ArchiveError, Sent, clean_path, copy, is_archive, too_large, unpack
from .reattach import reattach

MAX_SAVED = 60 * MB  # one saved model
MAX_SAVED_TOTAL = 300 * MB  # of one student
MAX_ARCHIVE = 500 * MB  # one archive of a student
MAX_ARCHIVES = 50  # of one student, those inside others included
MAX_CLASS = 100_000 * MB  # a whole class's archive, inflated
SAVES = "sauvegardes"  # folder where Part 4 keeps models and histories
# Moodle's "Prénom Nom_1234567_assignsubmission_file_", as a folder or before a file's name.
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<participant>\d+)_assign(?:submission|ment)_(?:file|onlinetext)_?(?P<rest>.*)",
    flags=re.DOTALL,
)
_SUFFIX = re.compile(r"(\.(ipynb|json|txt|tar|t?gz|t?bz2|tbz|zip|7z|rar|xz))+$", flags=re.IGNORECASE)
_JUNK = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini", ".git", ".venv", "venv", "__pycache__"}
_CHECKPOINTS = ".ipynb_checkpoints"


@dataclass
class _Student:
    """All the files that carry one student's name."""

    name: str
    participant: str
    files: list[Sent] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A readable notebook that may be a student's answer to a part."""

    sent: Sent
    notebook: NotebookNode
    part: str

    def rank(self, edition: NotebookNode) -> tuple:
        """Return what to sort by, the best last: no automatic copy, most answers, the latest, by name."""
        checkpoint = _CHECKPOINTS in self.sent.path.parts
        answered = reattach(self.notebook, edition).answered
        copies = [int(number) for number in re.findall(r"\((\d+)\)", self.sent.path.name)]
        return not checkpoint, answered, self.sent.date, copies, str(self.sent.path)


def collect(
    submissions: Path, staging: Path, editions: Mapping[str, NotebookNode] | None = None
) -> list[Submission]:
    """Unpack and sort what a class sent.

    Args:
        submissions: a folder or an archive: Moodle's export, one folder per student, or one file per student.
        staging: folder to write, outside of ``submissions``; a student's folder there is replaced whole.
        editions: student edition of each part, by name; by default those at the root of the pack.

    Returns:
        One Submission per student, sorted by identifier, also of those who sent nothing readable. The same
        input gives the same result. What was decided is in the remarks.

    Raises:
        ValueError: nothing there, or ``staging`` inside ``submissions``.
    """
    editions = load_editions() if editions is None else editions
    if not submissions.exists():
        raise french_error(f"Aucun rendu à cet endroit : {submissions}.")
    if staging.resolve().is_relative_to(submissions.resolve()):
        raise french_error("Choisissez un dossier de résultats en dehors de celui des rendus.")
    staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staging, prefix=".intake-") as work:
        files = _without_wrapper(list(_everything(submissions, Path(work))))
        if not files:
            raise french_error(f"Aucun rendu à cet endroit : {submissions} est vide.")
        students = _by_student(files, editions)
        return [
            _submission(student, identifier, staging, editions)
            for identifier, student in sorted(_identified(students).items())
        ]


def _everything(submissions, work) -> Iterator[Sent]:
    if submissions.is_dir():
        yield from _walk(submissions)
        return
    try:
        yield from unpack(submissions, work, lambda path: 0 if _is_junk(path) else MAX_ARCHIVE, MAX_CLASS)
    except ArchiveError as error:
        raise french_error(f"L'archive {submissions.name} ne peut pas être lue : {error}.") from None


def _walk(folder) -> Iterator[Sent]:
    """Yield the files of a folder, in order; links are refused, and an empty folder yields itself."""
    for directory, folders, files in os.walk(folder):
        folders.sort()
        here = Path(directory)
        if not folders and not files and here != folder:
            yield Sent(_relative(here, folder))
        for name in sorted([*files, *(name for name in folders if (here / name).is_symlink())]):
            path = here / name
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                yield Sent(_relative(path, folder), path, status.st_mtime)
            else:
                yield Sent(_relative(path, folder), problem="ce n'est pas un fichier mais un lien")


def _relative(path, folder):
    # A name that is not UTF-8 on this disk (an old Windows zip) is read as Windows wrote it.
    raw = os.fsencode(path.relative_to(folder))
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("cp850")
    return clean_path(name)[0]


def _without_wrapper(files: list[Sent]) -> list[Sent]:
    """Leave out a folder around the whole class, as in "Devoir 1/Prénom Nom_123_assignsubmission_file_/…"."""
    while True:
        files = [
            sent for sent in files if sent.path.parts and not _is_junk(PurePosixPath(sent.path.parts[0]))
        ]
        if not _is_wrapped([sent for sent in files if not _is_junk(sent.path)]):
            return files
        files = [replace(sent, path=PurePosixPath(*sent.path.parts[1:])) for sent in files]


def _is_wrapped(files):
    tops = {sent.path.parts[0] for sent in files}
    if len(tops) != 1 or _MOODLE.fullmatch(*tops):
        return False
    beside = {sent.path.parts[1] for sent in files if len(sent.path.parts) == 2}
    folders = {sent.path.parts[1] for sent in files if len(sent.path.parts) > 2}
    if not beside | folders:
        return False  # one file, or one empty folder
    moodle = all(map(_MOODLE.fullmatch, beside | folders))
    return moodle if beside else moodle or len(folders) > 1  # one folder with folders in it: one student


def _by_student(files: Iterable[Sent], editions: Iterable[str]) -> list[_Student]:
    """Group files by Moodle's participant number, or by the name of the folder or file at the top."""
    students: dict[tuple[str, str], _Student] = {}
    for sent in files:
        top, *below = sent.path.parts
        moodle = _MOODLE.fullmatch(top)
        if moodle:
            name, participant = moodle["name"], moodle["participant"]
            below = [*([moodle["rest"]] if moodle["rest"] else []), *below]
        else:
            participant = ""
            alone = not below and (sent.content or sent.problem)
            name = _owner(top, editions) if alone else top
            below = below or ([top] if alone else [])
        student = students.setdefault((participant, "" if participant else name), _Student(name, participant))
        if below:
            student.files.append(replace(sent, path=PurePosixPath(*below)))
    names = Counter(student.name for student in students.values())
    for student in students.values():
        if names[student.name] > 1:
            student.remarks.append(
                f"Un autre étudiant s'appelle aussi {student.name} : distinguez-les par leur numéro de "
                f"participant ({student.participant})."
            )
    return list(students.values())


def _owner(name: str, editions: Iterable[str]) -> str:
    """Return whose file this is, from a name such as "dupont_part1.ipynb": all of it but the part."""
    stem = _SUFFIX.sub("", name)
    titles = "|".join(re.escape(part.partition("_")[2]) for part in editions)
    rest = re.sub(rf"[\s_-]*part(ie)?[\s_-]*\d([\s_-]*({titles}))?(?!\d)", "", stem, flags=re.IGNORECASE)
    # "part1 (2)" says nothing of its owner: nobody may be merged with somebody else.
    return rest.strip(" _-") if re.search(r"[^\W\d]", rest) else stem or name


def _identified(students: Iterable[_Student]) -> dict[str, _Student]:
    """Give each student an identifier that depends on nobody else."""
    identified: dict[str, _Student] = {}
    for student in sorted(students, key=lambda student: (student.name, student.participant)):
        plain = unicodedata.normalize("NFKD", student.name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "etudiant"
        if student.participant:
            slug += f"-{student.participant}"
        elif slug != student.name:  # two names may give the same slug
            slug += f"-{hashlib.sha256(student.name.encode('utf-8', 'replace')).hexdigest()[:6]}"
        while slug in identified:
            slug += "-bis"
        identified[slug] = student
    return identified


def _submission(student, identifier, staging, editions) -> Submission:
    """Stage one student; whatever goes wrong is a remark."""
    folder = staging / identifier
    submission = Submission(identifier, student.name, student.participant, folder)
    with tempfile.TemporaryDirectory(dir=staging, prefix=".student-") as work:
        made = Path(work, "made")
        made.mkdir()
        try:
            submission.digest = _digest(student.files)
            unpacking = _Unpacking(Path(work))
            unpacking.add(student.files)
            best, doubts = _best_notebooks(unpacking.files, editions)
            saved = _keep_saves(unpacking.files, best, made)
            for part, candidate in best.items():
                notebooks.write(candidate.notebook, made / f"{part}.ipynb")
            submission.notebooks = {part: folder / f"{part}.ipynb" for part in best}
            remarks = [*student.remarks, *unpacking.remarks, *doubts, *saved]
            if not best:
                remarks.append("Aucun notebook de ce cours n'a pu être lu : rien n'est noté.")
        except Exception as error:  # nobody may stop the class
            remarks = [
                *student.remarks,
                f"Ce rendu n'a pas pu être trié (erreur {type(error).__name__}) : ouvrez-le à la main.",
            ]
        submission.remarks = [typographic(remark) for remark in dict.fromkeys(remarks)]
        if folder.exists():
            shutil.rmtree(folder)
        made.replace(folder)
    return submission


def _digest(files: Iterable[Sent]) -> str:
    """Hash names and contents, not the dates, which a new export changes, nor what a file manager adds."""
    digest = hashlib.sha256()
    for sent in sorted(files, key=lambda sent: str(sent.path)):
        if _is_junk(sent.path):
            continue
        digest.update(f"{sent.path}\0{sent.problem}\0".encode("utf-8", "replace"))
        if sent.content:
            with sent.content.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class _Unpacking:
    """The files of one student, archives replaced by what they hold, down to an archive in an archive.

    Attributes:
        files: what was taken or left out.
        remarks: what was refused.
    """

    def __init__(self, work: Path):
        self.work, self.files, self.remarks = work, [], []
        self.archives, self.left = 0, MAX_TOTAL  # bytes

    def add(self, files: Iterable[Sent], depth: int = 0) -> None:
        """Sort files found ``depth`` archives deep."""
        for sent in files:
            if _is_junk(sent.path):
                continue
            if sent.problem:
                self.remarks.append(f"{_shown(sent.path)} est refusé : {sent.problem}.")
            elif is_archive(sent.path) and sent.content:
                self._open(sent, depth)
            else:
                self.files.append(sent)

    def _open(self, sent, depth):
        self.archives += 1
        if depth == 2 or self.archives > MAX_ARCHIVES:
            self.remarks.append(f"{_shown(sent.path)} : trop d'archives, ou trop profondes ; non ouverte.")
            return
        folder = sent.path.with_name(_SUFFIX.sub("", sent.path.name) or sent.path.name)
        inside = []
        try:
            if (size := sent.content.stat().st_size) > MAX_ARCHIVE:
                raise ArchiveError(too_large(size, MAX_ARCHIVE))
            for entry in unpack(sent.content, self.work, _limit, self.left):
                inside.append(replace(entry, path=folder / entry.path))
                self.left -= entry.content.stat().st_size if entry.content else 0
            if not inside:
                self.remarks.append(f"L'archive {_shown(sent.path)} est vide.")
        except ArchiveError as error:
            self.remarks.append(f"L'archive {_shown(sent.path)} n'a pas été lue jusqu'au bout : {error}.")
        self.add(inside, depth + 1)


def _limit(path: PurePosixPath) -> int:
    """Return how large a file may be in a student's archive; 0 for what is not needed."""
    if _is_junk(path):
        return 0
    if is_archive(path):
        return MAX_ARCHIVE
    if _is_notebook(path):
        return notebooks.MAX_SIZE
    return MAX_SAVED if _is_save(path) else 0


def _is_junk(path):
    return path.name.startswith("._") or any(part.lower() in _JUNK for part in path.parts)


def _is_notebook(path):
    return ".ipynb" in path.name.lower()  # "part1.ipynb.txt" too, as some browsers save it


def _is_save(path):
    return path.name.lower().endswith((".keras", ".weights.h5")) or (
        SAVES in path.parts[:-1] and path.suffix.lower() in (".csv", ".json", ".h5", ".npz")
    )


def _best_notebooks(files, editions) -> tuple[dict[str, _Candidate], list[str]]:
    """Read all notebooks, tell their parts, and keep the best one of each part."""
    candidates, remarks = [], []
    for sent in files:
        if _is_notebook(sent.path) and sent.content:
            try:
                candidate, remark = _candidate(sent, editions)
            except notebooks.NotebookError as error:
                candidate, remark = None, f"{_shown(sent.path)} est refusé : {error}."
            candidates += [candidate] if candidate else []
            remarks += [remark] if remark else []
    best = {}
    for part in sorted({candidate.part for candidate in candidates}):
        of_part = [candidate for candidate in candidates if candidate.part == part]
        if len(of_part) > 1:
            of_part.sort(key=lambda candidate: candidate.rank(editions[part]), reverse=True)
        first, *others = of_part
        best[part] = first
        if _CHECKPOINTS in first.sent.path.parts:
            remarks.append(f"{part} : seule une sauvegarde automatique a été rendue ; elle est notée.")
        differing = [
            _shown(other.sent.path)
            for other in others
            if other.notebook.cells != first.notebook.cells and _CHECKPOINTS not in other.sent.path.parts
        ]
        if differing:
            remarks.append(
                f"{part} : plusieurs notebooks différents ; {_shown(first.sent.path)} est noté, le plus "
                f"complet ou sinon le plus récent, pas {listed(differing)}."
            )
    return best, remarks


def _candidate(sent, editions) -> tuple[_Candidate | None, str]:
    notebook = notebooks.read(sent.content)
    language = notebooks.language(notebook)
    part, why = notebooks.which_part(notebook, sent.path.name, editions)
    if part is None:
        said = f", écrit pour le langage {language[:20]}," if language else ""
        return None, f"{_shown(sent.path)}{said} n'est aucune des parties de ce cours."
    remarks = []
    if language:
        remarks.append(f"il se dit écrit en {language[:20]} : il est exécuté en Python")
    if why:
        remarks.append(why)
    remark = f"{_shown(sent.path)} est pris pour {part} : {' ; '.join(remarks)}." if remarks else ""
    return _Candidate(sent, notebook, part), remark


def _keep_saves(files, best, made) -> list[str]:
    """Copy what Part 4 saved under ``part4/``, laid out as its notebook expects; remark what is left out."""
    homes = {part: candidate.sent.path.parent for part, candidate in best.items()}
    home = max(homes.items(), default=("", None))[1]  # that of the last part, Part 4 if it was sent
    remarks, others, left = [], [], MAX_SAVED_TOTAL
    for sent in files:
        if _is_notebook(sent.path):
            continue
        if not _is_save(sent.path) or not sent.content:
            others.append(sent.path)
            continue
        size = sent.content.stat().st_size
        if size > min(MAX_SAVED, left):
            remarks.append(f"{_shown(sent.path)} est refusé : {too_large(size, min(MAX_SAVED, left))}.")
            continue
        target = made / PART4 / _layout(sent.path, home)
        if target.exists():
            remarks.append(f"{_shown(sent.path)} porte le nom d'un autre fichier : le premier est gardé.")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with sent.content.open("rb") as source:
            copy(source, target.parent, MAX_SAVED).replace(target)
        left -= size
    return [*remarks, _left_out(others)] if others else remarks


def _layout(path, home) -> PurePosixPath:
    """Return where the notebook would look for a saved file."""
    if SAVES in path.parts[:-1]:
        path = PurePosixPath(*path.parts[path.parts.index(SAVES) :])
    elif home is not None and path.is_relative_to(home):
        path = path.relative_to(home)
    else:
        path = PurePosixPath(path.name)
    return PurePosixPath(*(part[-100:] for part in path.parts[-5:]))


def _left_out(paths):
    shown = ", ".join(_shown(path) for path in paths[:3])
    more = f" et {len(paths) - 3} autres" if len(paths) > 3 else ""
    return f"Fichiers sans usage ici, laissés de côté : {shown}{more}."


def _shown(path) -> str:
    text = str(path)
    return f"« {text if len(text) <= 80 else '…' + text[-79:]} »"
