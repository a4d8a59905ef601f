"""Builds what is handed out: the student edition as a folder and a zip, and the correction for the teachers.

The same input gives the same bytes: sorted entries, no dates.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from ..editions import ROOT, SOURCES, number_of, read
from ..records import Refused
from . import correction, release
from .answers import add_probe, find_answers, take_probe
from .points import unearned

NAME = "deep-learning-lab"  # of the folder that a student unpacks
# What a student needs beside the notebooks. CIFAR-10 is fetched by Keras, or read from CIFAR10_DIR.
SHIPPED = (
    *("requirements.txt", "constraints.txt", "LICENSE", "helpers", "docs"),
    *(".binder", ".devcontainer", ".gitattributes", ".gitignore"),
)
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", ".*", "*.pyc")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


def build(notebooks: list[Path], target: Path, repository: str, ref: str) -> list[Path]:
    """Write ``target/deep-learning-lab``, ``target/deep-learning-lab.zip`` and ``target/correction``.

    Args:
        notebooks: the student notebooks, executed, with the stamped README.md beside them.
        target: folder to write; of an earlier release, only these three are replaced.
        repository, ref: as for ``release``.

    Returns:
        The three paths.

    Raises:
        Refused: the student edition holds a solution, a rubric, an instructor's path or a right answer,
            a solution earns less than its points, or ``target`` is in a repository that would carry the
            correction; nothing of ``target`` was changed.
    """
    refuse_tracked(target)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as temporary:
        student, solved = Path(temporary, NAME), Path(temporary, "correction")
        build_student(notebooks, student)
        release.refuse_leaks(student)
        build_correction(solved, student, repository, ref)  # of the same parts
        archive = zip_folder(student, Path(temporary, f"{NAME}.zip"))
        return [_replace(made, target / made.name) for made in (student, archive, solved)]


def next_steps(target: Path, repository: str, ref: str) -> str:
    """Return the commands that lead from a release to students."""
    if repository == release.NOWHERE:
        owner = (release.origin(ROOT) or release.NOWHERE).partition("/")[0]
        return (
            "next: name the public repository that students get, which is not this one:\n"
            f"  python -m instructor release --repository {owner}/PUBLIC --ref v1"
        )
    folder = shlex.quote(str(target / NAME))
    return (
        "next:\n"
        f"  git commit --all --message 'Edition {ref}'    # here; this repository stays private\n"
        f"  gh repo create {repository} --public    # once\n"
        f"  instructor/publish/push.sh {folder} https://github.com/{repository}.git {ref}\n"
        f"then give students https://github.com/{repository}/tree/{ref}"
    )


def build_student(notebooks: list[Path], folder: Path) -> None:
    """Gather what a student gets in a new folder."""
    folder.mkdir()
    for path in (*notebooks, *(ROOT / name for name in SHIPPED)):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=_NOT_SHIPPED)
        else:
            shutil.copyfile(path, folder / path.name)
    readme = notebooks[0].with_name("README.md").read_text("utf-8")
    readme = student_readme(readme, [path.stem for path in notebooks])
    (folder / "README.md").write_text(readme, encoding="utf-8", newline="\n")


def refuse_tracked(target: Path) -> None:
    """Raise Refused when git would add the correction in ``target`` to a repository."""
    target = target.resolve()
    here = next(folder for folder in (target, *target.parents) if folder.exists())
    command = ["git", "-C", str(here), "check-ignore", "--quiet", str(target / "correction")]
    if shutil.which("git") and subprocess.run(command, check=False, capture_output=True).returncode == 1:
        raise Refused(
            f"{target} is in a git repository, which would carry the correction: name a folder outside of it"
        )


def student_readme(readme: str, names: list[str]) -> str:
    """Return the README up to the end of the section for students, of these parts alone."""
    head, students, rest = readme.partition("## Pour les étudiants")
    if not students:
        raise Refused("README.md has no section « Pour les étudiants » for the student edition")
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0].rstrip() + "\n"
    head = re.sub(r"\s+Instructors get\b[^.]*\.", "", head)
    numbers = [number_of(name) for name in names]
    if 4 not in numbers:
        head = re.sub(r";\s+the last part trains\b[^.]*", "", head)
    for number in {1, 2, 3, 4} - set(numbers):
        # Its row of the table, the paragraph that begins with it.
        section = re.sub(rf"^\| {number} \|.*\n", "", section, flags=re.MULTILINE)
        section = re.sub(rf"^La partie {number} (?:.+\n)+\n?", "", section, flags=re.MULTILINE)
    if 1 not in numbers:
        section = section.replace("part1_linear_vs_relu", names[0])
        section = section.replace("ouvre la partie 1", f"ouvre la partie {numbers[0]}")
    return head + students + section.rstrip() + "\n"


def build_correction(folder: Path, student: Path, repository: str, ref: str) -> None:
    """Execute the source notebooks of a student edition; write them, with their HTML, in a new folder.

    Raises:
        Refused: the student edition of one shows a right answer, or a solution lacks points.
    """
    folder.mkdir()
    for edition in sorted(student.glob("part*.ipynb")):
        source = SOURCES / edition.name
        notebook = release.read_stamped(source, repository, ref)
        add_probe(notebook)
        release.execute_once(notebook, f"{source.stem}, solved")
        shown = find_answers(read(edition), take_probe(notebook))
        lacking = unearned(notebook, release.checks_of(source.stem))
        for fault, found in (("would give answers away", shown), ("points do not follow MARKS", lacking)):
            if found:
                raise Refused(f"{source.name}: {fault}; nothing was written.\n  " + "\n  ".join(found))
        path = folder / source.name
        release.write(notebook, path)
        made = correction.page(notebook, source.stem)
        path.with_suffix(".html").write_text(made, encoding="utf-8", newline="\n")


def zip_folder(folder: Path, archive: Path) -> Path:
    """Zip a folder under its own name, the same bytes for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", _EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # as on Unix, wherever it is built
                file.writestr(entry, path.read_bytes())
    return archive


def _replace(made: Path, final: Path) -> Path:
    if final.is_dir():
        if (final / ".git").exists():  # a repository of its own keeps its history
            (final / ".git").replace(made / ".git")
        shutil.rmtree(final)
    return made.replace(final)
