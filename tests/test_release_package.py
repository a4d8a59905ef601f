"""What is handed out: complete, reproducible, and refused when anything of the instructor's leaks into it."""

import json
import shutil
import zipfile

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.publish import leaks, package, release

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
    monkeypatch.setattr(release, "execute", lambda notebook: notebook)


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
    assert {path.name for path in NOTEBOOKS} | {"README.md", "requirements.txt", "helpers", "docs"} <= names
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


def test_a_readme_without_the_section_for_students_is_refused():
    with pytest.raises(release.ReleaseError, match="Pour les étudiants"):
        package.student_readme("# Titre\n")
