"""Takes what students really send and sorts it: one ``Submission`` each, whatever they sent.

Nothing is run here. Only notebooks and what Part 4 saves are kept; the rest is named in a remark.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from helpers.french import count, listed, typographic

from .. import bounded
from ..editions import load_editions
from ..records import PART4, Refused, Submission
from . import archives, notebooks
from .archives import MB, ArchiveError, Sent, is_archive
from .reattach import reattach

MAX_SAVED = 60 * MB  # one saved model
MAX_SAVED_TOTAL = 300 * MB  # of one student
MAX_ARCHIVE = 500 * MB  # one archive of a student
MAX_ARCHIVES = 50  # of one student, those inside others included
MAX_CLASS = 100_000 * MB  # a whole class's archive, inflated
MAX_CELLS, MAX_NOTEBOOKS = 10_000, 100 * MB  # of all the notebooks of one student
SAVES = "sauvegardes"  # folder where Part 4 keeps models and histories
RECORD = ("best.keras", "history.csv")  # what tells a training's record, wherever it lies
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
        Refused: nothing there.
    """
    editions = load_editions() if editions is None else editions
    if not submissions.exists():
        raise Refused(typographic(f"Aucun rendu à cet endroit : {submissions}."))
    staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staging, prefix=".intake-") as work:
        try:
            files = bounded.call(_everything, submissions, Path(work), seconds=3600)
        except bounded.Excess as error:
            raise Refused(typographic(f"{submissions.name} : {error}.")) from None
        if not files:
            raise Refused(typographic(f"Aucun rendu à cet endroit : {submissions} est vide."))
        students = _by_student(files, editions)
        return [
            _submission(student, identifier, staging, editions)
            for identifier, student in sorted(_identified(students).items())
        ]


def _everything(submissions, work) -> list[Sent]:
    if submissions.is_dir():
        return _without_wrapper(list(_walk(submissions)))
    try:
        files = archives.unpack(
            submissions, work, lambda path: 0 if _is_junk(path) else MAX_ARCHIVE, MAX_CLASS
        )
        return _without_wrapper(_without_folders(files))
    except ArchiveError as error:
        raise Refused(typographic(f"L'archive {submissions.name} ne peut pas être lue : {error}.")) from None


def _without_folders(files) -> list[Sent]:
    """Leave out an archive's folders, but for the empty ones: one may be all that a student sent."""
    files = list(files)
    holding = {folder for sent in files for folder in sent.path.parents}
    return [sent for sent in files if sent.content or sent.problem or sent.path not in holding]


def _walk(folder) -> Iterator[Sent]:
    """Yield the files of a folder, in order; links are refused, and an empty folder yields itself."""
    for directory, folders, files in os.walk(folder):
        folders.sort()
        here = Path(directory)
        names = sorted([*files, *(name for name in folders if (here / name).is_symlink())])
        for path in [here / name for name in names] or ([here] if not folders and here != folder else []):
            status = path.lstat()
            name, _ = archives.clean_path(archives.decoded(os.fsencode(path.relative_to(folder))))
            if stat.S_ISREG(status.st_mode):
                yield Sent(name, path, status.st_mtime)
            else:
                yield Sent(name, problem="" if path == here else archives.NO_FILE)


def _without_wrapper(files: list[Sent]) -> list[Sent]:
    """Leave out a folder around the whole class, as in "Devoir 1/Prénom Nom_123_assignsubmission_file_/…"."""
    while True:
        files = [sent for sent in files if sent.path.parts and not _is_junk_name(sent.path.parts[0])]
        if not _is_wrapped([sent.path.parts for sent in files if not _is_junk(sent.path)]):
            return files
        files = [replace(sent, path=PurePosixPath(*sent.path.parts[1:])) for sent in files]


def _is_wrapped(paths):
    tops, below = {top for top, *_ in paths}, [path[1:] for path in paths if path[1:]]
    if len(tops) != 1 or _MOODLE.fullmatch(*tops) or not below:
        return False
    names = {path[0] for path in below}
    # One folder with folders in it may be one student's.
    return all(map(_MOODLE.fullmatch, names)) or (len(names) > 1 and all(len(path) > 1 for path in below))


def _by_student(files: Iterable[Sent], editions: Iterable[str]) -> list[_Student]:
    """Group files by Moodle's participant number, or by the name of the folder or file at the top."""
    students: dict[tuple[str, str], _Student] = {}
    for sent in files:
        top, *below = sent.path.parts
        is_file = bool(sent.content or sent.problem)
        if moodle := _MOODLE.fullmatch(top):
            name, participant, rest = moodle.groups()
            below = [rest, *below] if rest else below
        else:
            name, participant = top if below or not is_file else _owner(top, editions), ""
            below = below or [top] * is_file
        student = students.setdefault((participant, not participant and name), _Student(name, participant))
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
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    known = Submission(identifier, student.name, student.participant, folder, remarks=student.remarks)
    try:
        known.digest = _digest(student.files)
        return bounded.call(_staged, known, student.files, editions)
    except Exception as error:  # nobody may stop the class
        why = error if isinstance(error, bounded.Excess) else f"erreur {type(error).__name__}"
        known.remarks.append(f"Ce rendu n'a pas pu être trié ({why}) : ouvrez-le à la main.")
        known.unreadable = sorted(editions)
        return known


def _staged(known, sent, editions) -> Submission:
    folder, remarks, unread = known.folder, list(known.remarks), []
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".student-") as work:
        files = list(_unpacked(sent, Path(work), remarks, unread))
        best = _best_notebooks(files, editions, remarks, unread)
        # Beside the last part, Part 4 if it was sent.
        home = best[max(best)][0].path.parent if best else None
        _keep_saves(files, home, folder / PART4, remarks)
    for part, (_, notebook) in best.items():
        notebooks.write(notebook, folder / f"{part}.ipynb")
    received = bool(files or unread)
    if not best:
        remarks.append(
            "Aucun carnet de ce cours n'a pu être lu : rien n'est noté."
            if received
            else "Aucun carnet n'a été reçu, ni rien d'autre."
        )
    return replace(
        known,
        notebooks={part: folder / f"{part}.ipynb" for part in best},
        unreadable=_unreadable(unread, editions, best, folder / PART4)
        or (sorted(editions) if received and not best else []),
        remarks=list(dict.fromkeys(remarks)),
    )


def _unreadable(unread, editions, best, saves) -> list[str]:
    """Return the parts that files which could not be read are: by their names, else all that are missing.

    An archive may also hold what Part 4 saved, which counts where none of that was found.
    """
    unread = [path for path in unread if _is_notebook(path) or is_archive(path)]
    parts = set()
    for path in unread:
        named = notebooks.part_named(path.name, editions)
        parts |= {named} if named else set(editions)
    with_saves = any(is_archive(path) for path in unread) and not saves.exists()
    return sorted(part for part in parts if part not in best or (part.startswith(PART4) and with_saves))


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


def _unpacked(files: list[Sent], work: Path, remarks: list[str], unread: list) -> Iterator[Sent]:
    """Yield one student's files, archives replaced by what they hold, down to an archive in an archive.

    The paths of what cannot be read are added to ``unread``.
    """
    waiting, opened, left = [(sent, 0) for sent in reversed(files)], 0, archives.MAX_TOTAL
    while waiting:
        sent, depth = waiting.pop()
        if _is_junk(sent.path):
            continue
        if sent.problem:
            remarks.append(f"{_shown(sent.path)} est refusé : {sent.problem}.")
            unread.append(sent.path)
            continue
        if not sent.content or not (is_archive(sent.path) or _is_zip(sent)):
            yield sent
            continue
        opened += 1
        if depth == 2 or opened > MAX_ARCHIVES:
            remarks.append(f"{_shown(sent.path)} : trop d'archives, ou trop profondes ; non ouverte.")
            unread.append(sent.path)
            continue
        folder = sent.path.with_name(_SUFFIX.sub("", sent.path.name) or sent.path.name)
        inside = []
        try:
            if (size := sent.content.stat().st_size) > MAX_ARCHIVE:
                raise ArchiveError(archives.too_large(size, MAX_ARCHIVE))
            for entry in archives.unpack(sent.content, work, _limit, left):
                inside.append(replace(entry, path=folder / entry.path))
                left -= entry.content.stat().st_size if entry.content else 0
            if not inside:
                remarks.append(f"L'archive {_shown(sent.path)} est vide.")
        except ArchiveError as error:
            remarks.append(f"L'archive {_shown(sent.path)} n'a pas été lue jusqu'au bout : {error}.")
            unread.append(sent.path)
        waiting += [(entry, depth + 1) for entry in reversed(_without_folders(inside))]


def _is_zip(sent):
    """Tell whether what is named a notebook is a zip, as some tools send it."""
    return _is_notebook(sent.path) and sent.content.open("rb").read(4) == b"PK\x03\x04"


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
    return any(map(_is_junk_name, path.parts))


def _is_junk_name(name):
    return name.startswith("._") or name.lower() in _JUNK


def _is_notebook(path):
    return ".ipynb" in path.name.lower()  # "part1.ipynb.txt" too, as some browsers save it


def _is_save(path):
    return path.name.lower().endswith((".keras", ".weights.h5", *RECORD)) or (
        SAVES in path.parts[:-1] and path.suffix.lower() in (".csv", ".json", ".h5", ".npz")
    )


def _best_notebooks(files, editions, remarks, unread) -> dict[str, tuple[Sent, NotebookNode]]:
    """Read all notebooks, tell their parts, and return the best one of each part."""
    candidates = defaultdict(list)
    cells, size = MAX_CELLS, MAX_NOTEBOOKS
    for sent in files:
        if not _is_notebook(sent.path) or not sent.content:
            continue
        size -= min(sent.content.stat().st_size, notebooks.MAX_SIZE)
        if size < 0 or cells < 0:
            remarks.append(f"{_shown(sent.path)} n'est pas lu : trop de carnets, ou trop longs.")
            unread.append(sent.path)
            continue
        try:
            notebook = notebooks.read(sent.content)
            cells -= len(notebook.cells)
        except notebooks.NotebookError as error:
            remarks.append(f"{_shown(sent.path)} est refusé : {error}.")
            unread.append(sent.path)
            continue
        language = notebooks.language(notebook)[:20]
        part, why = notebooks.which_part(notebook, sent.path.name, editions)
        if part is None:
            said = f", écrit pour le langage {language}," if language else ""
            remarks.append(f"{_shown(sent.path)}{said} n'est aucune des parties de ce cours.")
            continue
        candidates[part].append((sent, notebook))
        ours = f"il se dit écrit en {language} : il est exécuté en Python" if language else ""
        if notes := list(filter(None, (ours, why))):
            remarks.append(f"{_shown(sent.path)} est pris pour {part} : {' ; '.join(notes)}.")
    best = {}
    for part, found in sorted(candidates.items()):
        if len(found) > 1:
            found.sort(key=lambda candidate: _rank(*candidate, editions[part]), reverse=True)
        best[part], *others = found
        sent, notebook = best[part]
        if _CHECKPOINTS in sent.path.parts:
            remarks.append(f"{part} : seule une sauvegarde automatique a été rendue ; elle est notée.")
        differing = [
            _shown(other.path)
            for other, content in others
            if content.cells != notebook.cells and _CHECKPOINTS not in other.path.parts
        ]
        if differing:
            remarks.append(
                f"{part} : plusieurs carnets différents ; {_shown(sent.path)} est noté, le plus "
                f"complet ou sinon le plus récent, pas {listed(differing)}."
            )
    return best


def _rank(sent, notebook, edition) -> tuple:
    """Return what to sort by, the best last: no automatic copy, most answers, the latest, by name."""
    copies = [int(number) for number in re.findall(r"\((\d+)\)", sent.path.name)]
    answered = reattach(notebook, edition).answered
    return _CHECKPOINTS not in sent.path.parts, answered, sent.date, copies, str(sent.path)


def _keep_saves(files, home, folder, remarks) -> None:
    """Copy what Part 4 saved to a folder, laid out as its notebook, in ``home``, expects it."""
    others, left = [], MAX_SAVED_TOTAL
    for sent in files:
        if _is_notebook(sent.path):
            continue
        if not _is_save(sent.path) or not sent.content:
            others.append(_shown(sent.path))
            continue
        size, target = sent.content.stat().st_size, folder / _layout(sent.path, home)
        record = folder / SAVES / sent.path.parent.name[-100:] / sent.path.name
        if size > min(MAX_SAVED, left):
            remarks.append(
                f"{_shown(sent.path)} est refusé : {archives.too_large(size, min(MAX_SAVED, left))}."
            )
        elif target.exists():
            remarks.append(f"{_shown(sent.path)} porte le nom d'un autre fichier : le premier est gardé.")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sent.content, target)
            left -= size
            if sent.path.name in RECORD and not record.exists():
                # Where a training's record is looked for, when its folder was sent without the one around.
                record.parent.mkdir(parents=True, exist_ok=True)
                os.link(target, record)
    if others:
        more = f" et {count(len(others) - 3, 'autre')}" if len(others) > 3 else ""
        remarks.append(f"Fichiers sans usage ici, laissés de côté : {', '.join(others[:3])}{more}.")


def _layout(path, home) -> PurePosixPath:
    """Return where the notebook would look for a saved file."""
    if SAVES in path.parts[:-1]:
        path = PurePosixPath(*path.parts[path.parts.index(SAVES) :])
    elif home is not None and path.is_relative_to(home):
        path = path.relative_to(home)
    else:
        path = PurePosixPath(path.name)
    return PurePosixPath(*(part[-100:] for part in path.parts[-5:]))


def _shown(path) -> str:
    text = str(path)
    return f"« {text if len(text) <= 80 else '…' + text[-79:]} »"
