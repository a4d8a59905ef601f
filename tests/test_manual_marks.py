"""Marks typed by the teacher, in manual.csv or in formgrader: counted, and never lost."""

import json
import re

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

import nbformat
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from nbformat import v4
from nbgrader import api
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

from instructor.editions import grade_id, parts
from instructor.records import Refused, StudentResult
from instructor.report import formgrader, manual_csv, results, spreadsheet
from instructor.report.manual_csv import COLUMNS
from instructor.report.results import marked
from instructor.report.write import write_reports
from tests.made_results import FREE, PART1, complete, question, store, student
from tests.sending import PART2


def answered(name, text):
    return student(name, question("1.a", 0.5, "x = 1"), question(FREE, None, text))


def type_in(folder, name, save=None, **cells):
    """Type in a line of manual.csv and save as a spreadsheet would."""
    path = folder / "manual.csv"
    table = spreadsheet.read(path)
    for row in table.rows:
        if (row["Identifiant"], row["Question"]) == (name, FREE):
            row.update(cells)
            table.columns += [column for column in cells if column not in table.columns]
    path.write_bytes((save or as_excel)(table))


def as_excel(table):
    return spreadsheet.render(table.columns, table.rows, excel=True)


SAVED = {
    "Excel": as_excel,
    "old Excel": lambda table: as_excel(table).decode("utf-8-sig").encode("cp1252", "replace"),
    "text": lambda table: spreadsheet.render(table.columns, table.rows),
    "Unicode text": lambda table: (
        spreadsheet.render(table.columns, table.rows, delimiter="\t").decode().encode("utf-16")
    ),
}


def line(folder, name):
    rows = spreadsheet.read(folder / "manual.csv").rows
    return next(row for row in rows if (row["Identifiant"], row["Question"]) == (name, FREE))


def counted(folder, name):
    (found,) = (one for one in marked(folder) if one.student == name)
    asked = next(q for q in found.notebooks[PART1].questions if q.key == FREE)
    return asked.points, asked.comment


def test_there_is_a_line_for_each_free_text_question_by_question(tmp_path):
    store(tmp_path, complete("zoé", "Une droite."), complete("bob", "Un pli."))
    marked(tmp_path)
    data = (tmp_path / "manual.csv").read_bytes()
    assert data.startswith("\ufeffIdentifiant;Nom;".encode())
    rows = spreadsheet.read(tmp_path / "manual.csv").rows
    keys = list(parts()[PART1].rubrics)
    assert [(r["Question"], r["Identifiant"]) for r in rows] == [
        (k, name) for k in keys for name in ("bob", "zoé")
    ]
    assert rows[0]["Réponse"] == "Un pli. (1.c)"


@pytest.mark.parametrize("save", SAVED.values(), ids=SAVED)
def test_marks_count_however_the_file_was_saved(tmp_path, save):
    store(tmp_path, answered("zoé", "X₁ décide ; « oui »"), answered("bob", "non"))
    marked(tmp_path)
    type_in(tmp_path, "zoé", save, Points="1,5", Commentaire="Très bien ; précisez « pli »")
    assert counted(tmp_path, "zoé") == (1.5, "Très bien ; précisez « pli »")
    assert counted(tmp_path, "bob") == (None, "")
    assert line(tmp_path, "zoé")["Réponse"] == "X₁ décide ; « oui »"  # whatever the spreadsheet made of it
    assert line(tmp_path, "zoé")["Remarque"] == ""


@pytest.mark.parametrize("points", ["2,5", "-1", "bien", "1 ou 2", "nan"])
def test_points_that_make_no_sense_are_kept_and_said(tmp_path, points):
    store(tmp_path, answered("zoé", "Une droite."))
    marked(tmp_path)
    type_in(tmp_path, "zoé", Points=points, Commentaire="à voir")
    assert counted(tmp_path, "zoé") == (None, "à voir")
    kept = line(tmp_path, "zoé")
    assert kept["Points"] == points
    assert "non comptés" in kept["Remarque"]
    assert counted(tmp_path, "zoé") == (None, "à voir")
    assert line(tmp_path, "zoé") == kept


def test_an_answer_changed_since_it_was_marked_keeps_its_mark_and_is_said(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."), answered("bob", "Un pli."))
    marked(tmp_path)
    type_in(tmp_path, "zoé", Points="1")
    marked(tmp_path)
    store(tmp_path, answered("zoé", "Deux droites."), answered("bob", "Deux plis."))
    assert counted(tmp_path, "zoé")[0] == 1
    assert "modifiée depuis la correction" in line(tmp_path, "zoé")["Remarque"]
    assert line(tmp_path, "zoé")["Réponse"] == "Deux droites."
    assert line(tmp_path, "bob")["Remarque"] == ""  # nothing was marked there
    type_in(tmp_path, "zoé", Empreinte="")  # looked at again
    assert counted(tmp_path, "zoé")[0] == 1
    assert line(tmp_path, "zoé")["Remarque"] == ""


def test_a_damaged_file_is_refused_and_left_alone(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."))
    (tmp_path / "manual.csv").write_text("a;b\n1;2\n", "utf-8")
    with pytest.raises(Refused, match="no column Identifiant"):
        write_reports(tmp_path)
    assert (tmp_path / "manual.csv").read_text("utf-8") == "a;b\n1;2\n"


def test_lines_of_unknown_or_repeated_students_stay(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."))
    marked(tmp_path)
    rows = spreadsheet.read(tmp_path / "manual.csv").rows
    first = {**rows[0], "Points": "1"}
    table = spreadsheet.Table(
        list(COLUMNS), [first, {**first, "Points": "2"}, {**first, "Identifiant": "eve"}], ";"
    )
    (tmp_path / "manual.csv").write_bytes(as_excel(table))
    assert counted(tmp_path, "zoé")[0] == 1
    rows = spreadsheet.read(tmp_path / "manual.csv").rows
    assert [(row["Identifiant"], row["Points"]) for row in rows] == [("zoé", "1"), ("zoé", "2"), ("eve", "1")]
    assert "en double" in rows[1]["Remarque"]
    assert "sans étudiant" in rows[2]["Remarque"]
    twice, unknown = manual_csv.unused(tmp_path / "manual.csv")
    assert twice.startswith(f"manual.csv: zoé Zoé, {PART1} {FREE}, '2': ")
    assert unknown.startswith(f"manual.csv: eve Zoé, {PART1} {FREE}, '1': ")


TYPED = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12).map(str.strip)
NAMES, NOTHING = st.sampled_from("abc"), st.just("")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), NAMES, st.sampled_from(["Points", "Commentaire", "À moi"]), TYPED),
        st.tuples(st.just("mark"), NAMES, st.just("Points"), st.sampled_from(["0", "1,5", "9", "x"])),
        st.tuples(st.just("answer"), NAMES, NOTHING, TYPED),
        st.tuples(st.just("run"), NOTHING, NOTHING, NOTHING),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_nothing_typed_is_ever_lost(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("typed")
    students = {name: answered(name, "au début") for name in "abc"}
    typed = {}
    path = folder / "manual.csv"
    manual_csv.merge(path, list(students.values()), {})
    for what, name, column, text in steps:
        if what == "answer":
            students[name] = answered(name, text)
        elif what != "run":
            typed[name, column] = spreadsheet.unprotected(text)
            type_in(folder, name, **{column: typed[name, column]})
        before = path.read_bytes()
        manual_csv.merge(path, list(students.values()), {})
        if path.read_bytes() != before:
            assert before in [backup.read_bytes() for backup in (folder / "backups").iterdir()]
        for (who, where), value in typed.items():
            assert line(folder, who)[where] == value


def grade_in(folder, name):
    """The gradebook, and the record of a free text, as formgrader's handlers find them."""
    book = api.Gradebook(f"sqlite:///{(folder / 'nbgrader' / 'gradebook.db').resolve()}")
    return book, book.find_grade("q1c-explication", PART1, PART1, name)


def update(folder):
    formgrader.write(folder, marked(folder))


def autograded(folder, name):
    """The notebook that formgrader shows of a student."""
    return folder / "nbgrader" / "autograded" / name / PART1 / f"{PART1}.ipynb"


def test_formgrader_lists_each_part(tmp_path):
    one = answered("zoé", "Une droite.")
    one.notebooks |= student("zoé", question("1.a", 0.5, "x", PART2), part=PART2).notebooks
    store(tmp_path, one, numbers=(1, 2))
    update(tmp_path)
    course = tmp_path / "nbgrader"
    config = Config({"CourseDirectory": {"root": str(course), "course_id": "default_course"}})
    config.Exchange.root = str(tmp_path / "exchange")
    listed = NbGraderAPI(config=config).get_assignments()
    assert [(part["name"], part["max_score"]) for part in listed] == [
        (name, sum(parts()[name].points.values())) for name in (PART1, PART2)
    ]


def test_formgrader_s_marks_win_and_stay(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."), answered("bob", "Un pli."))
    update(tmp_path)
    book, grade = grade_in(tmp_path, "zoé")
    assert grade.needs_manual_grade
    assert book.find_grade("q1a-verification", PART1, PART1, "zoé").auto_score == 0.5
    # what formgrader's API does when a mark and a comment are typed
    grade.manual_score, grade.needs_manual_grade = 1.25, False
    book.find_comment("q1c-explication", PART1, PART1, "zoé").manual_comment = "Bien vu"
    override = book.find_grade("q1a-verification", PART1, PART1, "bob")
    override.manual_score = 0.25
    book.db.commit()
    book.close()
    type_in(tmp_path, "zoé", Points="2")
    type_in(tmp_path, "bob", Points="0,5", Commentaire="Pourquoi ?")
    for _ in range(2):
        assert counted(tmp_path, "zoé") == (1.25, "Bien vu")
        assert "formgrader, qui l'emporte" in line(tmp_path, "zoé")["Remarque"]
        update(tmp_path)
    (bob, _) = marked(tmp_path)
    assert results.mark(bob, [PART1]).points == 0.75
    book, grade = grade_in(tmp_path, "bob")
    shown = grade.score, grade.manual_score, grade.needs_manual_grade
    assert shown == (0.5, None, False)  # not ours to type
    assert book.find_comment("q1c-explication", PART1, PART1, "bob").comment == "Pourquoi ?"
    book.close()

    store(tmp_path, answered("zoé", "Deux droites."))
    update(tmp_path)
    book, grade = grade_in(tmp_path, "zoé")
    assert (grade.manual_score, grade.needs_manual_grade) == (1.25, True)  # kept, and to be looked at
    assert len(book.notebook_submissions(PART1, PART1)) == 2
    book.close()
    assert counted(tmp_path, "zoé")[0] == 1.25
    assert "pour une réponse modifiée depuis" in line(tmp_path, "zoé")["Remarque"]


def test_formgrader_shows_the_student_s_notebook_disarmed(tmp_path):
    hostile = "Une <script>alert(1)</script> droite $a<b$"
    store(tmp_path, answered("zoé", hostile), answered("bob", "Un pli."))
    html = v4.new_output("display_data", {"text/html": "<script>", "text/plain": "x"})
    raw = v4.new_raw_cell("<script>alert(1)</script>", metadata={"raw_mimetype": "text/html"})
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", execution_count=1, outputs=[html]), raw])
    nbformat.write(notebook, tmp_path / "students" / "bob" / f"{PART1}.ipynb")
    update(tmp_path)
    for name in ("bob", "zoé"):
        assert "<script" not in autograded(tmp_path, name).read_text("utf-8")
        rebuilt = nbformat.read(autograded(tmp_path, name), as_version=4)
        assert not [cell for cell in rebuilt.cells if cell.cell_type == "raw"]
    sources = {grade_id(cell): cell.source for cell in rebuilt.cells}
    assert sources["q1a-reponse"] == "x = 1"
    assert "Une &lt;script&gt;alert(1)&lt;/script&gt; droite <math" in sources["q1c-explication"]
    shown = [cell.source for cell in rebuilt.cells]
    following = shown[shown.index(sources["q1c-explication"]) + 1]
    assert following.startswith("<div><p><strong>Barème du correcteur, 1.c")
    assert "$" not in "".join(cell.source for cell in rebuilt.cells if cell.cell_type == "markdown")


PIXEL = {"image/png": "iVBORw0KGgo="}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("[a](java&#115;cript:x) [b](javascript&colon;x) [c](javascript\\:x) [d][r]\n\n[r]: javascript:x", 0),
        ("<a href='jav&#x0A;ascript:x'>a</a> <javascript:x> [b](data:text/html,x) [c](/api/terminals)", 0),
        ("<svg><a xlink:href='javascript:x'>a</a></svg><math href='javascript:x'><iframe srcdoc='x'>", 0),
        ("<b onclick=x>a</b> <img src=x onerror=x> <form action=/api><p style='position:fixed'>b", 0),
        ("<p>a</p>\n\n&#91;b](javascript:x)\n\n```\n\n[c](javascript:x)\n```\n\n    [d](javascript:x)", 0),
        ("![a](https://example.org/a.png) <img src='//example.org/a.png'> ![b](attachment:absente)", 0),
        ("![a](attachment:a.png) [b](https://example.org/?a=1&b=2) [c](mailto:a@example.org)", 3),
        ("[" * 300_000, 0),
    ],
    ids=range(8),
)
def test_formgrader_shows_no_address_that_runs_or_loads(tmp_path, text, kept):
    """In a free text as formgrader's own exporter renders it: only links outside, and pasted pictures."""
    store(tmp_path, answered("zoé", text))
    stored = tmp_path / "students" / "zoé" / f"{PART1}.ipynb"
    content = json.loads(stored.read_text("utf-8"))
    (cell,) = [c for c in content["cells"] if c["source"] == text]
    cell["attachments"] = {"a.png": PIXEL}
    content["cells"] = [cell]
    stored.write_text(json.dumps(content | {"nbformat_minor": 5}), "utf-8")
    update(tmp_path)
    shown = HTMLExporter(template_name="basic").from_filename(str(autograded(tmp_path, "zoé")))[0]
    page = BeautifulSoup(shown, "html.parser")
    for node in page.find_all():
        assert node.name not in ("script", "svg", "iframe", "form"), node
        assert not {name for name in node.attrs if name.startswith("on")}, node
    links = [node.get("href") or node.get("src") for node in page.find_all(["a", "img"])]
    known = ("https://example.org/", "mailto:a@example.org", "data:image/png;base64,iVBORw0KGgo=")
    assert [link for link in links if link and not link.startswith(known)] == []
    assert len([link for link in links if link]) == kept
    assert re.search(r"\ba\b", page.text) or kept or text.startswith("[[")


def test_a_gradebook_that_cannot_be_read_is_said(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."))
    (tmp_path / "nbgrader").mkdir()
    (tmp_path / "nbgrader" / "gradebook.db").write_bytes(b"not a database" * 100)
    with pytest.raises(Refused, match="cannot be used"):
        marked(tmp_path)


def test_a_student_marked_by_a_former_version_is_read(tmp_path):
    store(tmp_path, answered("zoé", "Une droite."))
    path = tmp_path / "students" / "zoé" / "result.json"
    record = json.loads(path.read_text("utf-8"))
    for asked in record["notebooks"][PART1]["questions"]:
        del asked["comment"]
    path.write_text(json.dumps(record), "utf-8")
    assert StudentResult.load(path) == answered("zoé", "Une droite.")
