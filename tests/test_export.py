"""What Moodle imports: its own worksheet filled in, and the gradebook's file."""

import csv
import io
import subprocess
import sys

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.records import Refused
from instructor.report import results
from instructor.report.moodle import export, keep, late
from instructor.report.write import write_reports
from tests.made_results import FREE, PART1, complete, question, store, student
from tests.sending import PART3

HEADER = (
    "Identifiant,Nom complet,Adresse de courriel,Statut,Note,Note maximale,La note peut être modifiée,"
    "Dernière modification (note),Feedback par commentaires"
)


def rows(path, delimiter=","):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=delimiter))


def marked(name, participant, points, **changes):
    one = student(name, question("1.a", points, "x = 1"), participant=participant, **changes)
    one.name = name
    return one


@pytest.fixture
def sheet(tmp_path):
    """Moodle's worksheet of two people."""
    path = tmp_path / "sheet.csv"
    path.write_text(
        f"{HEADER}\nParticipant 1,Bob,b@u.fr,Remis,,20,Oui,-,\nParticipant 2,Zoé,zoe@u.fr,Remis,,20,Oui,-,\n"
    )
    return path


def test_the_feedback_is_html_of_ours_alone(tmp_path, sheet):
    one = marked("Élodie", "2", 0.5)
    one.notebooks[PART1].questions.append(question(FREE, 1.5, "Une droite.", comment="a < b\n<script>"))
    store(tmp_path, one)
    feedback = rows(export(tmp_path, sheet)[0])[1]["Feedback par commentaires"]
    assert "Partie 1\u00a0: 2\u00a0/\u00a020" in feedback
    assert "a &lt; b<br>&lt;script&gt;" in feedback


@pytest.mark.parametrize("to_gradebook", [False, True])
def test_without_moodle_s_worksheet_it_is_said_where_to_find_it(tmp_path, to_gradebook):
    store(tmp_path, marked("Zoé", "12", 0.5))
    with pytest.raises(Refused, match=r"--worksheet FILE.*Télécharger le formulaire d'évaluation"):
        export(tmp_path, None, to_gradebook=to_gradebook)


def test_moodle_s_own_worksheet_is_filled_in_and_otherwise_kept(tmp_path):
    store(
        tmp_path / "r",
        marked("Zoé Dupont", "12", 0.5),
        marked("Dupont Émile", "", 0.25),
        marked("Eve", "99", 0.5),
    )
    sheet = tmp_path / "sheet.csv"
    lines = [
        HEADER,
        'Participant7,Absent,absent@u.fr,Aucun travail,"12,00","100,00",Oui,-,reste',
        'Participant12,DUPONT Zoé,zoe@u.fr,Remis,,"100,00",Oui,- Non remis,',
        'Participant13,Emile Dupont,emile@u.fr,Remis,"50,00","100,00",Oui,"lundi 3 mars 2025, 10:00",',
    ]
    sheet.write_text("\n".join(lines), "utf-8-sig")
    path, notes = export(tmp_path / "r", sheet, tmp_path / "out.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    absent, zoe, emile = rows(path)
    assert list(absent) == HEADER.split(",")
    assert (absent["Note"], absent["Feedback par commentaires"]) == ("12,00", "reste")
    assert (zoe["Note"], zoe["Dernière modification (note)"]) == ("2.5", "- Non remis")  # 0,5 of 20, on 100
    assert (emile["Note"], emile["Dernière modification (note)"]) == ("1.25", "lundi 3 mars 2025, 10:00")
    assert any("Eve" in note for note in notes)
    assert any("1 grades" in note for note in notes)
    with pytest.raises(Refused, match="worksheet itself"):
        export(tmp_path / "r", sheet, sheet)


def test_english_columns_are_known_and_others_refused(tmp_path):
    store(tmp_path, marked("Zoé", "12", 0.5))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "Identifier,Full name,Grade,Maximum grade,Last modified (grade)\nParticipant 12,Zoé,,20,-\n", "utf-8"
    )
    path, notes = export(tmp_path, sheet)
    assert rows(path)[0]["Grade"] == "0.5"
    assert "no column for feedback" in notes[-1]
    sheet.write_text("Name,Mark\nZoé,\n", "utf-8")
    with pytest.raises(Refused, match="Identifiant or Identifier"):
        export(tmp_path, sheet)


def test_the_gradebook_s_file_has_a_column_a_part(tmp_path, sheet):
    store(tmp_path, marked("Zoé", "2", 0.5))
    path, _ = export(tmp_path, sheet, to_gradebook=True, scale=100)
    assert rows(path) == [
        {"Nom complet": "Zoé", "Adresse de courriel": "zoe@u.fr", "Partie 1": "2.5", "Note /100": "2.5"}
    ]


def test_a_part_that_was_not_sent_is_zero_in_its_column_as_in_the_total(tmp_path, sheet):
    store(tmp_path, marked("Zoé", "2", 0.5), numbers=(1, 3))
    (row,) = rows(export(tmp_path, sheet, to_gradebook=True)[0])
    assert (row["Partie 1"], row["Partie 3"], row["Note /20"]) == ("0.5", "0", "0.25")


def test_a_worksheet_s_maximum_is_its_scale(tmp_path, sheet):
    store(tmp_path, marked("Zoé", "2", 0.5))
    with pytest.raises(Refused, match="--scale 10: Moodle reads this worksheet's grades on 20"):
        export(tmp_path, sheet, scale=10)
    assert rows(export(tmp_path, sheet, scale=20)[0])[1]["Note"] == "0.5"
    sheet.write_text(sheet.read_text().replace(",20,", ",,"))
    assert rows(export(tmp_path, sheet, scale=10)[0])[1]["Note"] == "0.25"


def test_marks_not_known_yet_are_not_exported(tmp_path, sheet):
    store(tmp_path, complete("bob", "Une droite.", participant="1"), marked("zoé", "2", 0.5))
    store(tmp_path, student("eve", participant="3", status="refused"))
    with pytest.raises(Refused, match="4 answers of 1 students"):
        export(tmp_path, sheet)
    assert not (tmp_path / "moodle.csv").exists()
    path, notes = export(tmp_path, sheet, partial=True)
    assert [line["Note"] for line in rows(path)] == ["", "0.5"]
    assert "eve" in notes[1]


def test_parts_are_chosen_by_number(tmp_path, sheet):
    both = marked("zoé", "2", 0.5)
    both.notebooks |= student("zoé", question("1.a", 0.25, "x", PART3), part=PART3).notebooks
    store(tmp_path, both, numbers=(1, 3))
    assert rows(export(tmp_path, sheet)[0])[1]["Note"] == "0.38"  # 0,75 of 40
    assert rows(export(tmp_path, sheet, numbers=[3])[0])[1]["Note"] == "0.25"
    with pytest.raises(Refused, match="no part 9 here, but 1, 3"):
        export(tmp_path, sheet, numbers=[9])
    store(tmp_path, numbers=(1,))
    assert rows(export(tmp_path, sheet)[0])[1]["Note"] == "0.5"  # part 3 was not asked


@pytest.mark.parametrize(
    ("status", "said"),
    [("Remis pour évaluation - 2 jours 3 heures de retard", "2 jours 3 heures de retard"), ("Remis", "")],
)
def test_late_work_is_flagged(tmp_path, sheet, status, said):
    store(tmp_path, marked("zoé", "2", 0.5))
    sheet.write_text(sheet.read_text().replace("zoe@u.fr,Remis", f"zoe@u.fr,{status}"))
    _, notes = export(tmp_path, sheet)
    assert any("Late" in note and "zoé" in note for note in notes) == bool(said)
    write_reports(tmp_path)
    for name in ("class.html", "marks.csv", "feedback/zoé.html"):
        assert ("après Moodle\u00a0: " + said in (tmp_path / name).read_text("utf-8")) == bool(said)


@pytest.mark.parametrize("status", ["Statut", "Status"])
def test_only_moodle_s_worksheet_takes_the_place_of_the_one_that_is_kept(tmp_path, sheet, status):
    store(tmp_path, marked("zoé", "2", 0.5))
    sheet.write_text(f"Identifiant,{status}\nParticipant 2,Remis - 2 jours de retard\n")
    keep(tmp_path, sheet)
    write_reports(tmp_path)
    for table in ("marks.csv", "questions.csv", "manual.csv"):
        with pytest.raises(Refused, match="lacks the column Statut or Status"):
            keep(tmp_path, tmp_path / table)
    assert "2 jours de retard" in late(tmp_path, results.marked(tmp_path))["zoé"]


def test_work_that_cannot_be_read_has_no_grade_and_says_why(tmp_path, sheet):
    store(tmp_path, student("zoé", participant="2", status="unreadable"))
    path, notes = export(tmp_path, sheet)
    assert "could not be read" in notes[0]
    assert rows(path)[1]["Note"] == ""
    assert "n'a pas pu être lu" in rows(path)[1]["Feedback par commentaires"]


def test_an_empty_folder_is_said(tmp_path, sheet):
    with pytest.raises(Refused, match="run `grade` first"):
        export(tmp_path, sheet)
    assert results.load(tmp_path) == []


def test_report_export_and_release_load_no_tensorflow():
    code = "import sys, instructor.__main__; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=300).returncode == 0
