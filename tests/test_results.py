"""Reports of a made class: known marks, hostile contents, alike submissions."""

import csv
import hashlib
import io
import random
import re

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from bs4 import BeautifulSoup

from instructor import markdown
from instructor.editions import parts
from instructor.records import NotebookResult, StudentResult
from instructor.report import manual_csv, overview, pages, results, similarity, spreadsheet
from instructor.report.write import write_reports
from tests.made_results import FREE, PART1, complete, question, store, student
from tests.sending import PART2, PART3

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}"
VOCABULARY = (
    "le réseau neurone plan droite frontière perte départ couche linéaire pli surface quadrant car donc mais "
    "parce que chaque mesure figure points bleus oranges taux succès aucun minimum local apprend graine poids"
)


def written(table):
    return list(csv.DictReader(spreadsheet.render(*table).decode().splitlines()))


def automatic():
    return sum(points for key, points in parts()[PART1].points.items() if key not in parts()[PART1].rubrics)


def class_html(*students):
    return pages.class_page(overview.overview(list(students), [PART1]))


def tags(page):
    return [(tag.name, tag.attrs) for tag in BeautifulSoup(page, "html.parser").find_all()]


def text(seed, length=80):
    chosen, words = random.Random(seed), VOCABULARY.split()
    return " ".join(chosen.choice(words) for _ in range(length))


def test_marks_are_added_up():
    full, half = complete("alice", "Une droite.", marked=2.0), complete("bob", "Une droite.", share=0.5)
    full.notebooks[PART1].questions = [
        q if not q.manual else question(q.key, q.maximum, q.answer) for q in full.notebooks[PART1].questions
    ]
    silent = student("chloé", question("1.a", 0.5, "x = 1"), question(FREE))
    students = [full, half, silent, student("dora", status="refused")]
    marks = {row["Identifiant"]: row for row in written(results.marks_table(students, [PART1]))}
    assert marks["alice"]["Note /20"] == marks["alice"]["Partie 1 /20"] == "20"
    assert (float(marks["bob"]["Points"]), marks["bob"]["Maximum"]) == (automatic() / 2, "20")
    assert marks["bob"]["Note /20"] == ""  # not before it is known
    assert marks["bob"]["Réponses à corriger"] == "4"
    assert marks["bob"]["Partie 1 1.c"] == ""
    assert marks["chloé"]["Note /20"] == "0.5"  # a free text left blank waits for nobody
    assert (marks["dora"]["Note /20"], marks["dora"]["Partie 1 état"]) == ("", "refusé")
    rows = written(results.questions_table(students))
    states = {(row["Identifiant"], row["Question"]): row["État"] for row in rows}
    assert states["bob", "1.a"] == "en partie réussi"
    assert states["bob", FREE] == "en attente de correction"
    assert states["chloé", FREE] == "sans réponse"


def test_a_part_that_was_not_asked_is_a_remark(tmp_path):
    stray = student("alice", question("1.a", 0.5, "x = 1"))
    stray.notebooks |= student("alice", question("1.a", 0.5, "x", PART3), part=PART3).notebooks
    store(tmp_path, stray)
    (alice,) = results.marked(tmp_path)
    assert list(alice.notebooks) == [PART1]
    assert "Partie 3\u00a0: rendue sans être demandée" in results.remarks(alice)[0]
    store(tmp_path, numbers=(1, 3))
    assert results.settings(tmp_path)["parts"] == [PART1, PART3]
    assert len(results.marked(tmp_path)[0].notebooks) == 2
    assert results.settings(tmp_path, excel=True)["excel"] is results.settings(tmp_path)["excel"] is True


def test_what_cannot_be_read_is_said_everywhere(tmp_path):
    one = complete("alice", "Une droite.", marked=2.0)
    one.notebooks[PART2] = NotebookResult(PART2, "unreadable", certainty=0.0)
    store(tmp_path, one, numbers=(1, 2))
    write_reports(tmp_path)
    (row,) = spreadsheet.read(tmp_path / "marks.csv").rows
    assert (row["Partie 2 état"], row["Partie 2 /20"], row["Note /20"]) == ("illisible", "", "")
    table, rest = (tmp_path / "class.html").read_text("utf-8").split('<section id="voir">')
    assert '<span class="tag">illisible</span>' in table
    assert "Partie 2\u00a0: illisible." in rest
    page = (tmp_path / "feedback" / "alice.html").read_text("utf-8")
    assert "pas pu être lu" in page
    assert "certitude" not in page


def test_nothing_received_is_zero_everywhere(tmp_path):
    store(tmp_path, StudentResult("alice", "Alice", "", "digest"), numbers=(1, 2))
    write_reports(tmp_path)
    (row,) = spreadsheet.read(tmp_path / "marks.csv").rows
    assert (row["Partie 2 état"], row["Partie 2 /20"], row["Note /20"]) == ("non rendu", "0", "0")
    page = (tmp_path / "feedback" / "alice.html").read_text("utf-8")
    assert "il compte pour 0" in page
    assert "note en attente" not in page


def test_a_changed_mark_says_who_and_from_what(tmp_path):
    one = student("alice", question("1.b", 0.0, "palier = 0.25"), question(FREE, None, "Une droite."))
    store(tmp_path, one)
    write_reports(tmp_path)
    table = spreadsheet.read(tmp_path / "manual.csv")
    table.rows.append({**table.rows[0], "Question": "1.b", "Points": "1"})
    table.rows[0]["Points"] = "25"
    (tmp_path / "manual.csv").write_bytes(spreadsheet.render(table.columns, table.rows, excel=True))
    write_reports(tmp_path)
    known = {row["Question"]: row for row in spreadsheet.read(tmp_path / "questions.csv").rows}
    assert (known["1.b"]["Correction"], known["1.b"]["Note précédente"]) == ("manual.csv", "0 (automatique)")
    assert (known[FREE]["Correction"], known[FREE]["Note précédente"]) == ("enseignant", "")
    assert "avant\u00a0: 0 (automatique)" in (tmp_path / "feedback" / "alice.html").read_text("utf-8")
    assert "<td>manual.csv</td><td>0 (automatique)</td>" in (tmp_path / "class.html").read_text("utf-8")
    (said,) = manual_csv.unused(tmp_path / "manual.csv")
    assert "'25'" in said
    assert "hors barème" in said


def test_texts_are_rendered_without_a_network_and_nothing_in_them_runs():
    hostile = (
        "[a](javascript:alert(1)) [b](java&#115;cript:alert(1)) [c](javascript&colon;alert(1)) [d][e] "
        "![](http://x/y.png) <img src=x onerror=alert(1)> <javascript:x> $\\href{javascript:alert(1)}{x}$ "
        "$\\text{<b onclick=x>}$\n\n[e]: data:text/html,x"
    )
    found = tags(markdown.student_html(hostile))
    assert not [tag for tag, _ in found if tag not in {"p", "math", "mrow", "mi", "mtext"}]
    assert not [name for _, attributes in found for name in attributes if name not in {"xmlns", "display"}]
    shown = markdown.student_html("**Une** $\\frac{1}{2}$ [là](https://a.fr/?b=1&c=2)")
    assert "<strong>Une</strong>" in shown
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in shown
    assert 'href="https://a.fr/?b=1&amp;c=2"' in shown
    assert "&lt;" in markdown.student_html("<b>" * 20_000)  # too long to be read as Markdown
    assert "<code>\\frac{</code>" in markdown.to_html("$\\frac{$")


def test_the_class_page_begins_with_the_students_and_has_one_median():
    students = [complete("alice", "x"), student("bob", question("1.a", 0.5, "x = 1"), question(FREE))]
    page = class_html(*students)
    assert page.index('id="etudiants"') < min(
        page.index(f'id="{name}"') for name in ("voir", "notes", "questions")
    )
    assert page.count("médiane") == 1
    assert page.count("questions vérifiées seules") == 2


def test_a_second_run_writes_the_same_bytes(tmp_path):
    store(tmp_path, complete("alice", "Une droite."), complete("bob", text(1)))

    def digests():
        write_reports(tmp_path)
        written = (p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".db")
        return {p.relative_to(tmp_path): hashlib.sha256(p.read_bytes()).hexdigest() for p in written}

    assert digests() == digests()
    assert not (tmp_path / "backups").exists()  # nothing changed


def test_nothing_that_a_student_wrote_becomes_html_or_a_formula(tmp_path):
    hostile = complete("mallory", HOSTILE, share=0.0, remarks=[HOSTILE])
    hostile.name = '=HYPERLINK("http://evil";"clic")' + HOSTILE
    hostile.remarks = ["+1+cmd|' /C calc'!A0"]
    for asked in hostile.notebooks[PART1].questions:
        asked.feedback = asked.comment = HOSTILE
        asked.answer = HOSTILE
    twin = complete("twin", HOSTILE, share=0.0)
    store(tmp_path, hostile, twin)
    write_reports(tmp_path)
    for page in (tmp_path / "class.html", tmp_path / "feedback" / "mallory.html"):
        content = page.read_text("utf-8")
        assert "&lt;script&gt;" in content
        assert "{{7*7}}" in content
        found = tags(content)
        assert not [tag for tag, _ in found if tag in {"script", "iframe", "object", "link", "form"}]
        assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
        assert all(attributes["src"].startswith("data:image/") for tag, attributes in found if tag == "img")
        policy = next(a["content"] for t, a in found if t == "meta" and a.get("http-equiv"))
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
    for name in ("marks.csv", "questions.csv", "manual.csv"):
        for row in csv.reader((tmp_path / name).read_text("utf-8-sig").splitlines()):
            assert not [cell for cell in row if re.match(r"\s*[=+@-]\D", cell)]


def test_rubrics_are_for_teachers_only():
    alice = complete("alice", "Une droite.")
    assert "Barème du correcteur" in class_html(alice)
    assert "Barème" not in pages.feedback(alice, [PART1])


def test_feedback_says_what_happened_in_french():
    one = complete(
        "alice", "Une droite.", status="partial", certainty=0.8, remarks=["Une cellule a été arrêtée : 60 s."]
    )
    one.notebooks[PART1].questions[2].comment = "Bien vu, mais pourquoi ?"
    page = pages.feedback(one, [PART1])
    for sentence in (
        "en attente de correction",
        "a été arrêtée\u00a0: 60 s.",
        "certitude de 80\u00a0%",
        "<code>plateau</code>",
    ):
        assert sentence in page
    assert "corrigé en partie" in class_html(one)


def test_a_french_spreadsheet_gets_commas_and_a_bom(tmp_path):
    table = results.marks_table([complete("alice", "x", share=6.5 / automatic())], [PART1])
    path = tmp_path / "marks.csv"
    path.write_bytes(spreadsheet.render(*table, excel=True))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    table = spreadsheet.read(path)
    assert (table.delimiter, table.rows[0]["Points"]) == (";", "6,5")


def test_frequent_mistakes_are_grouped_whatever_their_writing():
    answers = ["plateau = 0.25", "plateau  =  0.25  # au jugé", "PLATEAU = 0.25\n", "plateau = 0.7"]
    page = class_html(*(student(f"s{i}", question("1.b", 0.0, answer)) for i, answer in enumerate(answers)))
    assert re.search(r'<td class="number">3</td>.*plateau = 0.25', page)
    assert "plateau = 0.7" not in page


def test_a_copied_text_is_flagged_with_excerpts_and_nothing_else():
    original = text(1)
    words = original.split()
    words[10:12] = ["vraiment", "autrement"]
    copied = "Voici. " + " ".join(words).upper() + " Voilà !"
    common = "La frontière est une droite, donc aucune ne sépare les quadrants opposés du XOR."
    students = [student("a", question(FREE, None, original)), student("b", question(FREE, None, copied))]
    students += [student(f"c{i}", question(FREE, None, f"{text(100 + i)} {common}")) for i in range(20)]
    pairs = similarity.similar(students)
    assert [(pair.left.student, pair.right.student) for pair in pairs] == [("a", "b")]
    shared = [piece for piece, both in pairs[0].evidence[0].left if both]
    assert len(" ".join(shared)) > 0.7 * len(original)
    assert "".join(piece for piece, _ in pairs[0].evidence[0].right) == copied  # nothing is lost of it


@pytest.mark.parametrize("delimiter", ",;\t|")
def test_no_cell_is_a_formula_whatever_separates_them(delimiter):
    """Written with one separator, a table may be opened with another."""
    answer = '=1+1\n- un,=2;@x\t+3|-4|a\n x = [0.1, -0.2]\n\t=5, "=6'
    for excel in (True, False):
        content = spreadsheet.render(["a", "b"], [{"a": answer, "b": " -1+1"}], excel=excel).decode(
            "utf-8-sig"
        )
        cells = [cell for line in csv.reader(io.StringIO(content), delimiter=delimiter) for cell in line]
        cells += [cell for line in content.splitlines() for cell in line.split(delimiter)]
        assert not [c for c in cells if re.match(r"[\s\"]*[=+\-@\t]", c) and not re.fullmatch(r" ?-0.2\]", c)]
    assert spreadsheet.unprotected(spreadsheet.protected(answer)) == answer
    assert spreadsheet.protected("[0.1, -0.2]") == "[0.1, -0.2]"


def test_right_numbers_and_the_lab_s_address_flag_nobody():
    url = "adresse = 'https://playground.tensorflow.org/#activation=relu&epochs=400&resets=5&noise=35'"
    students = [
        student(f"s{i}", question("1.b", 1.5, "palier = 0.5\nconstante = 0"), question("4.b", 4.0, url))
        for i in range(3)
    ]
    assert similarity.similar(students) == []


def test_three_rare_mistakes_in_common_are_flagged():
    def wrong(name, *numbers):
        keys = ("1.a", "1.b", "3.a", "3.b")
        return student(name, *(question(k, 0.0, f"x = {n}") for k, n in zip(keys, numbers, strict=False)))

    pairs = similarity.similar(
        [wrong("a", 0.123, 9, 7.5), wrong("b", 0.123, 9, 7.5), wrong("c", 0.123, 8, 7.1)]
    )
    assert pairs == []  # the first mistake is everybody's
    (pair,) = similarity.similar([wrong("a", 0.1, 9, 7.5), wrong("b", 0.1, 9, 7.5), wrong("c", 4, 8, 7.1)])
    assert (pair.left.student, pair.right.student, len(pair.evidence)) == ("a", "b", 3)


def test_texts_of_a_large_class_are_not_compared_pair_by_pair():
    """180,000 comparisons of texts would take minutes."""
    keys = parts()[PART1].rubrics
    answers = ([question(key, None, text(f"{i} {key}")) for key in keys] for i in range(300))
    assert similarity.similar([student(f"s{i}", *answered) for i, answered in enumerate(answers)]) == []
