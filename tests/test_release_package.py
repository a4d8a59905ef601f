"""What is handed out: complete, reproducible, and refused when anything of the instructor's leaks into it."""

import json
import os
import shutil
import subprocess
import zipfile

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.publish import answers, leaks, package, release

SOURCES = release.sources()
NOTEBOOKS = [release.ROOT / source.name for source in SOURCES]


@pytest.fixture
def student(tmp_path):
    """A student edition, freshly gathered."""
    folder = tmp_path / package.NAME
    package.build_student(NOTEBOOKS, folder)
    return folder


@pytest.fixture
def no_execution(monkeypatch):
    def nothing_told(notebook):
        notebook.cells.pop()
        return {}

    monkeypatch.setattr(release, "execute", lambda notebook: notebook)
    monkeypatch.setattr(package, "take_probe", nothing_told)


def solution_line():
    """The longest line that only the instructor has."""
    return max(leaks.secret_lines(SOURCES[0]), key=len)


def plant_in_notebook(folder, change):
    path = folder / SOURCES[0].name
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def in_output(notebook):
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text=f"avant\n{solution_line()}\naprès")]


def in_a_comment(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell(f"#    {solution_line()}  # oublié"))


def hidden_test(notebook):
    notebook.cells.append(
        nbformat.v4.new_code_cell("### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS")
    )


def instructor_path(notebook):
    notebook.cells[0].metadata["origin"] = "instructor/part1.ipynb"


def test_the_student_edition_is_clean_and_complete(student):
    assert leaks.find_leaks(student, SOURCES) == []
    names = {path.name for path in student.iterdir()}
    assert {path.name for path in NOTEBOOKS} | {"README.md", *package.SHIPPED} == names
    assert (student / ".binder" / "requirements.txt").exists()
    assert (student / "helpers" / "playground" / "playground.css").exists()
    assert not list(student.rglob("__pycache__"))
    readme = (student / "README.md").read_text("utf-8")
    assert "Pour les étudiants" in readme
    assert "## " not in readme.partition("## Pour les étudiants")[2].replace("###", "")


@pytest.mark.parametrize("change", [in_output, in_a_comment, hidden_test, instructor_path])
def test_a_leak_planted_in_a_notebook_is_found(student, change):
    plant_in_notebook(student, change)
    found = leaks.find_leaks(student, SOURCES)
    assert found
    assert all(leak.startswith(SOURCES[0].name) for leak in found)
    with pytest.raises(release.ReleaseError, match="would leak"):
        release.refuse_leaks(student)


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_every_solution_and_every_rubric_would_be_found(source, tmp_path):
    shutil.copy(source, tmp_path)
    found = "\n".join(leaks.find_leaks(tmp_path, [source]))
    cells = nbformat.read(source, as_version=4).cells
    assert "BEGIN SOLUTION" in found
    for cell in cells:
        if leaks.INSTRUCTOR_TAG in cell.metadata.get("tags", ()):
            assert all(line[:60] in found for line in cell.source.splitlines() if line.startswith("- "))


def test_leaks_in_other_files_are_found(student):
    (student / "helpers" / "notes.txt").write_text(f"x = 1\n    {solution_line()}\n", encoding="utf-8")
    (student / "instructor.ipynb").write_text(json.dumps({"cells": []}))
    found = leaks.find_leaks(student, SOURCES)
    assert [leak.partition(":")[0] for leak in found] == ["helpers/notes.txt", "instructor.ipynb"]


def test_a_leaking_release_writes_nothing(tmp_path, monkeypatch, no_execution):
    monkeypatch.setattr(release, "student_edition", lambda source, *_: nbformat.read(source, as_version=4))
    with pytest.raises(release.ReleaseError, match="nothing was written"):
        release.release(folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_correction_with_solutions_and_same_input_same_bytes(tmp_path, no_execution):
    first = package.build(NOTEBOOKS, tmp_path / "first", "ecole/cours", "v2")
    second = package.build(NOTEBOOKS, tmp_path / "second", "ecole/cours", "v2")
    for path, other in zip(first, second, strict=True):
        assert path.name == other.name
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        assert files
        for file in files:
            assert (
                file.read_bytes() == (tmp_path / "second" / file.relative_to(tmp_path / "first")).read_bytes()
            )
    for source in SOURCES:
        page = (tmp_path / "first" / "correction" / source.name).with_suffix(".html").read_text("utf-8")
        assert "Barème du correcteur" in page
        assert "END SOLUTION" in page


def test_the_zip_unpacks_to_the_folder(student, tmp_path):
    archive = package.zip_folder(student, tmp_path / "edition.zip")
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        file.extractall(tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked" / package.NAME
    names = [path.relative_to(student) for path in student.rglob("*") if path.is_file()]
    assert all((unpacked / name).read_bytes() == (student / name).read_bytes() for name in names)


@pytest.fixture
def git(tmp_path):
    """Run git in a new folder, whatever settings this machine has; return what it prints."""

    def run(*arguments, folder=tmp_path):
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://github.com/ecole/cours.git", "ecole/cours"),
        ("https://prof:jeton@github.com/ecole/cours", "ecole/cours"),
        ("git@github.com:ecole/cours.ia.git", "ecole/cours.ia"),
        ("ssh://git@ssh.github.com:443/ecole/cours.git/", "ecole/cours"),
        ("https://gitlab.com/ecole/cours.git", None),
        ("https://notgithub.com/ecole/cours.git", None),
        ("/srv/depots/cours.git", None),
    ],
)
def test_the_repository_is_that_of_the_origin_remote(url, repository, git, tmp_path, monkeypatch):
    settings = (release.ROOT / "pyproject.toml").read_text("utf-8")
    named = settings.replace(f'repository = "{release.NOWHERE}"', 'repository = "ecole/public"')
    assert named != settings
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    git("init")
    assert release.address() == (release.NOWHERE, "main")
    git("remote", "add", "origin", url)
    assert release.address() == (repository or release.NOWHERE, "main")
    assert release.address("ecole/autre", "v2") == ("ecole/autre", "v2")
    (tmp_path / "pyproject.toml").write_text(named, encoding="utf-8")
    assert release.address() == ("ecole/public", "main")


def test_badges_that_would_lead_nowhere_are_a_sentence():
    readme = (release.ROOT / "README.md").read_text("utf-8")
    stamped = release.stamp_readme(readme, release.NOWHERE, "main", NOTEBOOKS)
    assert release.NOWHERE not in stamped.partition("## ")[0]
    assert "il leur manque l'adresse du dépôt public" in stamped


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_an_edition_becomes_a_commit_of_the_public_repository(git, tmp_path):
    public, edition = tmp_path / "public.git", tmp_path / "edition"
    git("init", "--bare", str(public))
    edition.mkdir()

    def write(**files):
        shutil.rmtree(edition)
        (edition / ".binder").mkdir(parents=True)
        for name, text in {"README": "# Cours", **files}.items():
            (edition / f"{name}.md").write_text(text)

    def push(tag):
        script = release.ROOT / "instructor" / "publish" / "push.sh"
        return subprocess.run([script, edition, public, tag], check=False, capture_output=True, text=True)

    def held(tag):
        return git("ls-tree", "-r", "--name-only", tag, folder=public).split()

    write(notes="1")
    assert push("v1").returncode == 0
    write(autre="2")
    assert push("v2").returncode == 0
    assert push("v2.1").returncode == 0  # nothing new but the tag
    assert [held(tag) for tag in ("v1", "v2")] == [["README.md", "notes.md"], ["README.md", "autre.md"]]
    assert git("log", "--format=%s", "main", folder=public).split() == ["v2", "v1"]
    assert git("rev-parse", "v2", folder=public) == git("rev-parse", "v2.1", folder=public)

    write(autre="3")
    assert push("v2").returncode != 0  # a tag that students may have is never moved
    assert git("log", "--format=%s", "main", folder=public).split() == ["v2", "v1"]

    (edition / "instructor").mkdir()
    refused = push("v3")
    assert (refused.returncode, refused.stderr) == (1, f"push.sh: no student edition in {edition}\n")


def test_a_readme_without_the_section_for_students_is_refused():
    with pytest.raises(release.ReleaseError, match="Pour les étudiants"):
        package.student_readme("# Titre\n")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (0.3671875, "soit 0,37 des départs"),
        (0.3671875, "0.367"),
        (0.3671875, "37\u00a0% des départs"),
        (0.5, "le palier est à 0,50."),
        (1_025_000, "1\u202f025\u202f000 paramètres"),
        (1_025_000, "1025000"),
        ([28, 14, 10, 5, 1], "les côtés : 28, 14, 10, 5, 1"),
        ([0.195, 0.333], "finit à 0,333"),
        (
            "https://playground.tensorflow.org/#networkShape=3",
            "voir https://playground.tensorflow.org/#networkShape=3",
        ),
    ],
)
@pytest.mark.parametrize("place", ["source", "printed", "html", "alternative text"])
def test_a_planted_answer_is_found_wherever_it_is_shown(answer, shown, place):
    cell = nbformat.v4.new_code_cell(shown if place == "source" else "x", id="plante")
    cell.outputs = {
        "source": [],
        "printed": [nbformat.v4.new_output("stream", text=shown)],
        "html": [nbformat.v4.new_output("display_data", {"text/html": f"<p>{shown}</p>"})],
        "alternative text": [
            nbformat.v4.new_output("display_data", {"image/png": ""}, metadata={"image/png": {"alt": shown}})
        ],
    }[place]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    (found, *_) = answers.find_answers(notebook, {"q4c-verification": [answer]})
    assert found.startswith("plante: shows ")
    assert "q4c-verification" in found


@pytest.mark.parametrize("innocent", ["10,37 points", "0,372", "137 %", "1037", "0,3", "x2025000", "28, 14"])
def test_other_numbers_are_innocent(innocent):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(innocent)])
    right = {"q": [0.3671875, 1_025_000, [28, 14, 10, 5, 1], 7, "chat"]}
    assert answers.find_answers(notebook, right) == []
