"""What is handed out: complete, reproducible, and refused when anything of the instructor's leaks into it."""

import dataclasses
import functools
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as markdown

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor import editions
from instructor.publish import answers, correction, leaks, package, points, release
from instructor.records import Refused

ADDRESS = "https://playground.tensorflow.org/#networkShape=3"
SOURCES = release.sources()
NOTEBOOKS = [release.ROOT / source.name for source in SOURCES]
GITHUB = ("https://github.com/", "git@github.com:", "github.com/")


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

    monkeypatch.setattr(release, "execute_once", lambda notebook, label: notebook)
    monkeypatch.setattr(package, "take_probe", nothing_told)
    monkeypatch.setattr(package, "unearned", lambda notebook, checks: [])


def solution_line():
    """The longest line that only the instructor has."""
    return max(leaks.secret_lines(SOURCES[0]), key=len)


LEAKS = {
    "in an output": lambda: code(
        "x", outputs=[v4.new_output("stream", text=f"avant\n{solution_line()}\naprès")]
    ),
    "in a comment": lambda: code(f"#    {solution_line()}  # oublié"),
    "hidden test": lambda: code("### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS"),
    "path": lambda: markdown("", metadata={"origin": "instructor/part1.ipynb"}),
}


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


@pytest.mark.parametrize("planted", LEAKS.values(), ids=LEAKS)
def test_a_leak_planted_in_a_notebook_is_found(student, planted):
    path = student / SOURCES[0].name
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(planted())
    nbformat.write(notebook, path)
    found = leaks.find_leaks(student, SOURCES)
    assert found
    assert all(leak.startswith(SOURCES[0].name) for leak in found)
    with pytest.raises(Refused, match="would leak"):
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
    monkeypatch.setattr(release, "student_edition", lambda source, *_: editions.read(source))
    with pytest.raises(Refused, match="nothing was written"):
        release.release(folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "found"),
    [("unearned", ["1.b: its solution earns 0.3 of 2.5"]), ("find_answers", ["q1: shows '0,5'"]), (None, [])],
)
def test_what_is_refused_last_has_written_nothing(fault, found, tmp_path, monkeypatch, no_execution):
    for name in ("pyproject.toml", "README.md", SOURCES[0].name):
        shutil.copy(release.ROOT / name, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    build = functools.partial(package.build, target=tmp_path / "dist", repository="ecole/cours", ref="v9")

    def made():
        return release.release("ecole/cours", "v9", [1], tmp_path, build=build)

    if fault:
        monkeypatch.setattr(package, fault, lambda *_: found)
        with pytest.raises(Refused, match=f"nothing was written.\n  {found[0]}"):
            made()
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    else:
        assert made()[0] == tmp_path / SOURCES[0].name
        assert all(path.read_bytes() != content for path, content in before.items())
        assert "/ecole/cours/blob/v9/" in (tmp_path / "dist" / package.NAME / "README.md").read_text("utf-8")


def test_a_correction_with_solutions_and_same_input_same_bytes(tmp_path, no_execution):
    first = package.build(NOTEBOOKS, tmp_path / "first", "ecole/cours", "v2")
    second = package.build(NOTEBOOKS, tmp_path / "second", "ecole/cours", "v2")
    for path, other in zip(first, second, strict=True):
        assert path.name == other.name
        files = [file for file in (path, *path.rglob("*")) if file.is_file()]
        assert files
        for file in files:
            again = tmp_path / "second" / file.relative_to(tmp_path / "first")
            assert file.read_bytes() == again.read_bytes()
    for source in SOURCES:
        page = (tmp_path / "first" / "correction" / source.name).with_suffix(".html").read_text("utf-8")
        assert "Barème du correcteur" in page
        assert "END SOLUTION" not in page
        assert "END SOLUTION" in (tmp_path / "first" / "correction" / source.name).read_text("utf-8")


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
        ours = ("init.defaultBranch=main", "user.name=x", "user.email=x")
        command = ["git", *(part for setting in ours for part in ("-c", setting)), *arguments]
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
def test_the_repository_of_the_origin_remote_is_known(url, repository, git, tmp_path):
    git("init")
    assert release.origin(tmp_path) is None
    git("remote", "add", "origin", url)
    assert release.origin(tmp_path) == repository


@pytest.mark.parametrize(
    "repository",
    ["ecole/cours.ia", *(f"{at}ecole/cours.ia{end}" for at in GITHUB for end in ("", ".git", "/"))],
)
def test_a_repository_is_known_by_its_name_and_by_its_url(repository):
    assert release.address(repository, "2026/v1.2") == ("ecole/cours.ia", "2026/v1.2")


@pytest.mark.parametrize(
    ("repository", "ref"),
    [
        *(
            (repository, "v1")
            for repository in ("nonsense", "a/b/c", "ecole/..", "ecole/mon cours", "écôle/x")
        ),
        ("https://gitlab.com/ecole/cours", "v1"),
        ("https://github.com/ecole", "v1"),
        *(
            ("ecole/cours", ref)
            for ref in ("session 1", "-v1", "v1..2", "v1.lock", "v1/", "v~1", '"v1"', "$(v1)")
        ),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_before_anything_runs(
    repository, ref, tmp_path, monkeypatch
):
    monkeypatch.setattr(release, "execute_once", lambda *_: pytest.fail("executed"))
    with pytest.raises(Refused, match=r"is no repository on GitHub|cannot be a tag"):
        release.release(repository, ref, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_solutions_are_never_where_students_are_sent(git, tmp_path, monkeypatch, no_execution):
    monkeypatch.setattr(release, "origin", lambda folder: "Ecole/Prive")
    with pytest.raises(Refused, match="ecole/prive is this repository, which holds the sol"):
        release.release("ecole/prive", "v1", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(release, "origin", lambda folder: None)

    package.refuse_tracked(tmp_path)  # no repository yet
    git("init")
    for target in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(Refused, match="would carry the correction"):
            package.build(NOTEBOOKS, target, "ecole/cours", "v1")
    assert [path.name for path in tmp_path.iterdir()] == [".git"]
    (tmp_path / ".gitignore").write_text("dist/\n")
    package.refuse_tracked(tmp_path / "dist")


def test_a_release_is_kept_where_the_next_one_and_the_tests_read_it(tmp_path, no_execution):
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(release.ROOT / name, tmp_path)
    written = release.release("ecole/cours", "v2", [2, 1], folder=tmp_path)
    assert [path.stem.partition("_")[0] for path in written] == ["part1", "part2"]
    assert editions.settings(tmp_path) == {"repository": "ecole/cours", "ref": "v2", "parts": [1, 2]}
    badges = (tmp_path / "README.md").read_text("utf-8").partition("## ")[0]
    assert badges.count("https://colab.research.google.com/github/ecole/cours/blob/v2/") == 2
    with pytest.raises(Refused, match="no part 7 here, but 1, 2, 3, 4"):
        release.release(numbers=[1, 7], folder=tmp_path)
    steps = package.next_steps(tmp_path, "ecole/cours", "v2")
    assert f"push.sh {tmp_path / package.NAME} https://github.com/ecole/cours.git v2" in steps
    assert "release --repository" in package.next_steps(tmp_path, release.NOWHERE, "main")


@pytest.mark.parametrize("numbers", [(1, 2), (3,), (2, 4)])
def test_a_pack_of_some_parts_names_no_other(numbers, tmp_path):
    chosen = [release.ROOT / source.name for source in editions.packed(numbers)]
    package.build_student(chosen, tmp_path / "edition")
    assert {path.name for path in (tmp_path / "edition").glob("part*")} == {path.name for path in chosen}
    head, _, readme = (tmp_path / "edition" / "README.md").read_text("utf-8").partition("## ")
    assert ("CIFAR-10" in head) == ("CIFAR-10" in readme) == (4 in numbers)
    assert "Instructors" not in head
    assert re.search(r"is checked at once(;\sthe last part [^.]*)?\.\n\n!", head)
    assert set(re.findall(r"part\d\w+\.ipynb", readme)) == {path.name for path in chosen}
    assert {int(row) for row in re.findall(r"^\| (\d) \|", readme, flags=re.MULTILINE)} == set(numbers)
    assert set(map(int, re.findall(r"[Ll]a partie (\d)", readme))) <= set(numbers)
    assert readme.count(f"jupyter lab {chosen[0].name}") == 3


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_what_would_lead_nowhere_is_a_sentence(source):
    cells = release.student_edition(source, release.NOWHERE, "main").cells
    texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert release.NOWHERE not in texts
    assert "Pas encore de badge Colab" in cells[0].source
    assert "(docs/glossaire.md)" in texts
    first = next(cell.source for cell in cells if cell.cell_type == "code")
    assert "RuntimeError(\"Échec\u00a0: il manque l'adresse du dépôt public" in first
    readme = (release.ROOT / "README.md").read_text("utf-8")
    stamped = release.stamp_readme(readme, release.NOWHERE, "main", NOTEBOOKS)
    assert release.NOWHERE not in stamped.partition("## ")[0]
    assert "il leur manque l'adresse du dépôt public" in stamped


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_the_address_of_the_repository_is_stamped(source):
    notebook = release.student_edition(source, "ecole/cours", "v2")
    text = "\n".join(cell.source for cell in notebook.cells)
    assert f"colab.research.google.com/github/ecole/cours/blob/v2/{source.name}" in text
    assert "https://github.com/ecole/cours/archive/v2.tar.gz" in text
    assert "@@" not in text
    readme = "# T\n<!-- BEGIN BADGES -->\nold\n<!-- END BADGES -->\nfin\n"
    stamped = release.stamp_readme(readme, "ecole/cours", "v2", [source])
    assert f"/ecole/cours/blob/v2/{source.name})" in stamped
    assert f"https://mybinder.org/v2/gh/ecole/cours/v2?labpath={source.name})" in stamped
    assert "https://codespaces.new/ecole/cours)" in stamped
    assert "old" not in stamped
    assert release.stamp_readme(stamped, "ecole/cours", "v2", [source]) == stamped


def test_the_seed_is_that_of_the_checks(monkeypatch):
    part = release.checks_of(SOURCES[0].stem)
    monkeypatch.setattr(part, "LAB", part.LAB.replace(seed="0.7"))
    cells = release.student_edition(SOURCES[0], "ecole/cours", "v2").cells
    seeds = re.findall(r'\bseed="?([\d.]+)', "\n".join(cell.source for cell in cells))
    assert len(seeds) >= 4
    assert set(seeds) == {"0.7"}


def test_release_never_overwrites_answers(tmp_path, no_execution):
    for _ in range(2):  # as generated: nothing to lose
        path, *_ = release.release(folder=tmp_path)
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if editions.is_answer(cell)).source += "\nma_reponse = 1"
    nbformat.write(notebook, path)
    answered = path.read_bytes()
    with pytest.raises(Refused, match=path.name):
        release.release(folder=tmp_path)
    assert path.read_bytes() == answered
    release.release(folder=tmp_path, force=True)
    assert path.read_bytes() != answered
    path.write_text("pas un notebook")
    with pytest.raises(Refused):
        release.release(folder=tmp_path)


@pytest.fixture
def one_cell(monkeypatch, tmp_path):
    """A function that makes a notebook of one code cell, in a place where no execution is known."""
    monkeypatch.setattr(release, "KEPT", tmp_path)
    return lambda source: v4.new_notebook(cells=[code(source, id="seule")])


def test_release_refuses_a_notebook_that_fails(one_cell):
    with pytest.raises(Refused, match="bruit"):
        release.execute(one_cell("import sys; print('bruit', file=sys.stderr)"))


def test_only_what_changed_is_executed_again(one_cell, monkeypatch, capsys):
    source = "from helpers.checks import part2\nprint(6 * 7)\n# https://github.com/{}/archive/"

    def outputs(repository="ecole/cours"):
        return release.execute_once(one_cell(source.format(repository)), "carnet").cells[0].outputs

    first = outputs()
    assert first[0].text == "42\n"
    monkeypatch.setattr(release, "execute", lambda notebook: pytest.fail("executed again"))
    assert outputs() == outputs("autre/cours session 1") == first  # another stamp, whatever it is
    assert capsys.readouterr().out.endswith("carnet: unchanged\n" * 2)

    executed = []
    monkeypatch.setattr(release, "execute", executed.append)
    read = Path.read_bytes
    for edited, runs in (("part3", 0), ("part1", 1), ("training", 2)):  # part2 uses part1
        monkeypatch.setattr(
            Path, "read_bytes", lambda path, name=edited: read(path) + (path.stem == name) * b"#"
        )
        outputs()
        assert len(executed) == runs


@pytest.mark.parametrize(
    ("part", "find", "replace", "said"),
    [
        (3, "| sous 0,30 |", "| sous 0,31 |", "1.b: BANDS gives {0.3: 4.0, "),
        (4, "| Points | 5 |", "| Points | 6 |", "4.b: BANDS gives {0.76: 5.0, "),
        (1, "### 1.b Mesurer (1,5 point)", "### 1.b Mesurer (2 points)", "1.b: MARKS gives 1.5, the title 2"),
        (1, "### 1.b Mesurer (1,5 point)", "### 1.b Mesurer", "1.b: MARKS gives 1.5, the title nothing"),
        (1, "- 0,5 point : le palier", "- 1 point : le palier", "1.c: MARKS gives 2, the rubric 2.5"),
    ],
)
def test_points_that_disagree_are_named(part, find, replace, said):
    notebook = editions.read(SOURCES[part - 1])
    for cell in notebook.cells:
        cell.source = cell.source.replace("\u00a0", " ").replace(find, replace)
    (told,) = points.disagreements(notebook, release.checks_of(SOURCES[part - 1].stem))
    assert told.startswith(said)


def test_a_change_of_marks_names_every_place_that_does_not_follow(tmp_path, monkeypatch, no_execution):
    marks = release.checks_of(SOURCES[0].stem).MARKS
    question = marks.questions["1.b"]
    dearer = {**marks.questions, "1.b": dataclasses.replace(question, points=question.points + 1)}
    monkeypatch.setattr(marks, "questions", dearer)
    with pytest.raises(Refused) as refused:
        release.release(folder=tmp_path)
    told = str(refused.value)
    assert told.count("1.b: MARKS gives") == 2  # the title, the cell's metadata
    assert told.count(" in “Points vérifiés ici”, the table ") == 2  # the question's row, the total
    assert "  part1_linear_vs_relu.ipynb: Total, 3 min de lecture comprises: MARKS gives" in told
    assert list(tmp_path.iterdir()) == []


def test_a_right_answer_that_does_not_earn_its_points_is_named():
    notebook = editions.read(release.ROOT / SOURCES[0].name)  # nothing is answered there
    checks = release.checks_of(SOURCES[0].stem)
    automatic = [question.key for question in checks.MARKS.questions.values() if not question.manual]
    assert [sentence.partition(":")[0] for sentence in points.unearned(notebook, checks)] == automatic


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

    def push(*tag):
        script = release.ROOT / "instructor" / "publish" / "push.sh"
        return subprocess.run([script, edition, public, *tag], check=False, capture_output=True, text=True)

    def held(tag):
        return git("ls-tree", "-r", "--name-only", tag, folder=public).split()

    assert "usage: push.sh FOLDER REMOTE TAG" in push().stderr
    write(notes="1")
    assert push("v1").returncode == 0
    write(autre="2")
    assert push("v2").returncode == 0
    assert push("v2.1").returncode == 0  # nothing new but the tag
    assert [held(tag) for tag in ("v1", "v2")] == [["README.md", "notes.md"], ["README.md", "autre.md"]]
    assert git("log", "--format=%s", "main", folder=public).split() == ["v2", "v1"]
    assert git("rev-parse", "v2", folder=public) == git("rev-parse", "v2.1", folder=public)

    write(autre="3")
    refused = push("v2")  # a tag that students may have is never moved
    assert refused.returncode == 1
    assert "students may have v2, which is never moved: release again with another --ref" in refused.stderr
    assert git("log", "--format=%s", "main", folder=public).split() == ["v2", "v1"]

    (edition / "instructor").mkdir()
    refused = push("v3")
    assert (refused.returncode, refused.stderr) == (1, f"push.sh: no student edition in {edition}\n")

    write(notes="4")
    assert push("main").returncode == 0  # the branch alone: no tag of its name
    assert git("tag", folder=public).split() == ["v1", "v2", "v2.1"]
    clone = tmp_path / "clone"
    git("clone", str(public), str(clone))
    (clone / "instructor").mkdir()
    (clone / "instructor" / "part1.ipynb").write_text("{}")
    git("add", "--all", folder=clone)
    git("commit", "-m", "oups", folder=clone)
    git("rm", "-r", "instructor", folder=clone)  # still in its history
    git("commit", "-m", "retrait", folder=clone)
    git("push", folder=clone)
    refused = push("v4")
    assert refused.returncode == 1
    assert "that repository holds instructor/, or held it once" in refused.stderr


def test_a_readme_without_the_section_for_students_is_refused():
    with pytest.raises(Refused, match="Pour les étudiants"):
        package.student_readme("# Titre\n", [])


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
        (ADDRESS, f"voir {ADDRESS}"),
    ],
)
@pytest.mark.parametrize("place", ["source", "printed", "html", "alternative text"])
def test_a_planted_answer_is_found_wherever_it_is_shown(answer, shown, place):
    output = {
        "printed": v4.new_output("stream", text=shown),
        "html": v4.new_output("display_data", {"text/html": f"<p>{shown}</p>"}),
        "alternative text": v4.new_output("display_data", metadata={"image/png": {"alt": shown}}),
    }.get(place)
    cell = code("x" if output else shown, id="plante", outputs=[output] if output else [])
    (found, *_) = answers.find_answers(v4.new_notebook(cells=[cell]), {"q4c-verification": [answer]})
    assert found.startswith("plante: shows ")
    assert "q4c-verification" in found


@pytest.mark.parametrize("innocent", ["10,37 points", "0,372", "137 %", "1037", "0,3", "x2025000", "28, 14"])
def test_other_numbers_are_innocent(innocent):
    notebook = v4.new_notebook(cells=[markdown(innocent)])
    right = {"q": [0.3671875, 1_025_000, [28, 14, 10, 5, 1], 7, "chat"]}
    assert answers.find_answers(notebook, right) == []


def test_the_correction_is_read_without_a_network_nor_our_marks():
    answer = code("palier = ...\n### BEGIN SOLUTION\npalier = 0.5\n### END SOLUTION")
    model = markdown("<!-- ### BEGIN SOLUTION -->\nSoit $x^2$ : $$\\frac{1}{2}$$\n<!-- ### END SOLUTION -->")
    page = correction.page(v4.new_notebook(cells=[answer, model]), "part1")
    assert "0.5" in page
    assert "<msup>" in page
    assert "<mfrac>" in page
    assert not re.search(r"SOLUTION|<script|\$", page.split("<body")[1])
    assert "<script" not in page
