"""Answers are found again in whatever became of the notebook, and nothing a student wrote is lost."""

import functools
import json
import random

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.french import NBSP
from instructor.collect import notebooks
from instructor.collect.reattach import OTHER_EDITION, assigned, plain, reattach
from instructor.editions import SOURCES, grade_id, is_answer, load_editions, local_id
from instructor.publish.release import student_edition
from instructor.report import overview, pages, results

from .made_results import student
from .sending import EDITIONS, PART1, PART2, answered, as_bytes, code, find, insert_after, text, without_names

ANSWERS = {
    "q1a": "prediction_1 = 0.31",
    "q1b": "palier = 0.5\nconstante = 0",
    "q1c-explication": "Une droite ne sépare pas quatre quadrants : la perte reste à 0,50.",
    "q2a": "def composer(W1, b1, W2, b2):\n    return W1 @ W2, b1 @ W2 + b2",
    "q2b-explication": "Le maximum n'est pas linéaire, on ne peut plus développer.",
    "q3a": "prediction_3 = 0.21",
    "q3b": "part_basse = np.mean(deux_relu.test_loss[:, -1] < 0.25)",
    "q3c-explication": "Des bandes et des coins ; il manque des plis.",
    "q4a": "prediction_4 = 4",
    "q4b": 'adresse = "https://playground.tensorflow.org/#epochs=12"',
    "q4c": "taux = 0.2\ndeparts = 14",
    "q4d-conclusion": "Trois neurones suffisent, avec de la chance.",
}


loaded = functools.cache(load_editions)


def read(notebook, tmp_path):
    path = tmp_path / "sent.ipynb"
    path.write_bytes(as_bytes(notebook))
    return notebooks.read(path)


@pytest.fixture
def attach(tmp_path):
    return lambda notebook, part=PART1: reattach(read(notebook, tmp_path), loaded()[part])


def by_id(attached):
    return {local_id(cell).removesuffix("-reponse"): cell for cell in attached.notebook.cells}


def answers_of(attached):
    return {name: cell.source for name, cell in by_id(attached).items() if name in ANSWERS}


def said(attached, words):
    return any(words in remark.replace(NBSP, " ") for remark in attached.remarks)


def lost(attached):
    return {name for name, sure in attached.cells.items() if sure == 0}


def own(attached):
    return [cell.source for cell in attached.notebook.cells if cell.metadata.lab.origin == "student"]


@pytest.mark.parametrize("part", EDITIONS)
def test_an_untouched_notebook_is_rebuilt_as_it_is(attach, part):
    attached = attach(EDITIONS[part], part)
    assert attached.certainty == 1
    assert attached.answered == 0
    assert not attached.remarks
    assert [(c.id, c.source) for c in attached.notebook.cells] == [
        (c["id"], "".join(c["source"])) for c in EDITIONS[part]["cells"]
    ]
    assert {c.metadata.lab.origin for c in attached.notebook.cells} == {"edition", "answer"}


def test_an_ordinary_submission_is_certain(attach):
    attached = attach(answered(answers=ANSWERS))
    assert answers_of(attached) == ANSWERS
    assert attached.certainty == 1
    assert attached.answered == len(ANSWERS)
    assert not attached.remarks


def test_answers_are_found_without_ids_and_metadata(attach):
    attached = attach(without_names(answered(answers=ANSWERS)))
    assert answers_of(attached) == ANSWERS
    assert 0.5 <= attached.certainty < 0.9
    assert sum("à vérifier" in remark for remark in attached.remarks) == len(ANSWERS)


def test_colab_keeps_ids_under_metadata_only_or_loses_them_in_part(attach):
    notebook = answered(answers=ANSWERS)
    for number, cell in enumerate(notebook["cells"]):
        if number % 2:
            cell["metadata"] = {"id": f"x{number}", "outputId": "y"}
            cell["id"] = f"colab{number}"
    assert answers_of(attach(notebook)) == ANSWERS


def test_additional_cells_stay_in_place_and_bear_no_marks(attach):
    notebook = answered(answers=ANSWERS | {"q1b": "palier = mesure\nconstante = 0"})
    helper = code("mesure = 0.5")
    forged = {"grade": True, "points": 20, "grade_id": "z"}
    helper["metadata"] = {"tags": ["raises-exception"], "nbgrader": forged}
    attached = attach(insert_after(notebook, "q1b-question", helper, text("Mes notes")))
    ids = [local_id(cell) for cell in attached.notebook.cells]
    place = ids.index("q1b-question")
    added = attached.notebook.cells[place + 1 : place + 3]
    assert [cell.source for cell in added] == ["mesure = 0.5", "Mes notes"]
    assert added[0].metadata == {"lab": {"origin": "student"}}
    assert ids[place + 3] == "q1b-reponse"
    assert said(attached, "Texte ajouté")
    assert said(attached, "ne connaît pas : z.")


def test_a_split_answer_keeps_its_second_half_before_the_check(attach):
    notebook = insert_after(answered(answers={"q1b": "palier = 0.5"}), "q1b-reponse", code("constante = 0"))
    cells = attach(notebook).notebook.cells
    place = [local_id(cell) for cell in cells].index("q1b-reponse")
    assert [cell.source for cell in cells[place : place + 2]] == ["palier = 0.5", "constante = 0"]
    assert local_id(cells[place + 2]) == "q1b-verification"


def test_checks_and_locked_cells_are_ours_and_what_was_written_there_is_kept_before(attach):
    notebook = answered(answers={"q4b-verification": "print('4.0')", "preparation": "raise SystemExit"})
    attached = attach(notebook)
    for name in ("q4b-verification", "preparation"):
        assert by_id(attached)[name].source == "".join(find(EDITIONS[PART1], name)["source"])
    assert own(attached) == ["raise SystemExit", "print('4.0')"]
    ids = [local_id(cell) for cell in attached.notebook.cells]
    assert ids[ids.index("q4b-verification") - 1].startswith("etudiant-")
    assert said(attached, "verrouillées modifiées")


def test_deleted_cells_come_back_and_deleted_answers_are_reported(attach):
    notebook = answered(answers=ANSWERS)
    for name in ("q1b-verification", "laboratoire", "q3b-reponse", "q1c-explication", "q2"):
        notebook["cells"].remove(find(notebook, name))
    attached = attach(notebook)
    ids = [cell["id"] for cell in EDITIONS[PART1]["cells"]]
    assert [cell.id for cell in attached.notebook.cells] == ids
    assert lost(attached) == {"q1c-explication", "q3b-reponse"}
    assert attached.certainty == 0.5
    assert said(attached, "introuvables")


def test_an_emptied_answer_is_unanswered(attach):
    attached = attach(answered(answers={"q1a": "", "q1c-explication": "  \n"}))
    assert attached.answered == 0
    assert by_id(attached)["q1a"].source.startswith("prediction_1 = ...")
    assert not lost(attached)


def test_forged_metadata_changes_nothing(attach):
    notebook = answered(answers=ANSWERS)
    find(notebook, "q4b-verification")["metadata"]["nbgrader"].update(points=400, locked=False)
    find(notebook, "q1a-reponse")["metadata"]["nbgrader"].update(grade=True, points=20, solution=False)
    attached = attach(notebook)
    ours = {cell["id"]: cell["metadata"].get("nbgrader") for cell in EDITIONS[PART1]["cells"]}
    assert {cell.id: cell.metadata.get("nbgrader") for cell in attached.notebook.cells} == ours
    assert said(attached, "ignorées : q1a-reponse et q4b-verification")


def test_names_swapped_between_answers_do_not_mislead(attach):
    notebook = answered(answers=ANSWERS)
    one, other = find(notebook, "q1a-reponse"), find(notebook, "q4c-reponse")
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]
    one["id"], other["id"] = other["id"], one["id"]
    assert answers_of(attach(notebook)) == ANSWERS


def test_metadata_of_any_shape_is_survived(attach):
    notebook = answered(answers=ANSWERS)
    shapes = [None, [], "x", {"nbgrader": 3}, {"nbgrader": {"grade_id": []}}]
    for cell, shape in zip(notebook["cells"], shapes, strict=False):
        cell["metadata"] = shape
    notebook["metadata"] = {"lab": [], "kernelspec": 4}
    assert answers_of(attach(notebook)) == ANSWERS


def test_text_is_found_beside_its_cell_or_in_the_statement(attach):
    notebook = insert_after(answered(), "q1c-question", text("Une droite."))
    statement = find(notebook, "q2b-question")
    statement["source"] = "".join(statement["source"]) + "\n\nLe max n'est pas linéaire."
    find(notebook, "q3c-explication").update(cell_type="code", source="Des plis en biais", outputs=[])
    attached = attach(notebook)
    cells = by_id(attached)
    assert cells["q1c-explication"].source == "Une droite."
    assert cells["q2b-explication"].source == "Le max n'est pas linéaire."
    assert cells["q3c-explication"].cell_type == "markdown"
    assert cells["q3c-explication"].source == "Des plis en biais"
    assert not own(attached)
    doubted = {name for name, sure in attached.cells.items() if sure < 0.9}
    assert doubted == {f"{question}-explication" for question in ("q1c", "q2b", "q3c")}


@pytest.mark.parametrize("moved", [False, True])
def test_pasted_pictures_stay_with_their_text(attach, moved):
    notebook = answered(answers={} if moved else {"q1c-explication": "![a](attachment:a.png)"})
    pasted = {"attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}}
    if moved:
        insert_after(notebook, "q1c-question", text("![a](attachment:a.png)") | pasted)
    else:
        find(notebook, "q1c-explication").update(pasted)
    cell = by_id(attach(notebook))["q1c-explication"]
    assert (cell.source, cell.attachments) == ("![a](attachment:a.png)", pasted["attachments"])


def test_what_nothing_tells_apart_is_left_to_a_person(attach):
    notebook = answered()
    find(notebook, "q1c-question")["source"] = "L'énoncé d'une autre année."
    notebook["cells"].remove(find(notebook, "q1b-reponse"))
    attached = attach(insert_after(notebook, "q1b-question", code("p, c = 0.5, 0")))
    assert lost(attached) == {"q1b-reponse"}
    assert attached.answered == 0
    assert own(attached) == ["p, c = 0.5, 0", "L'énoncé d'une autre année."]
    assert said(attached, "introuvables, comptées sans réponse : q1b-reponse")


def test_the_student_version_of_an_open_cell_is_run(attach):
    notebook = answered(PART2, {"q3-mesure": "forme = (4, 4)\nessai = train(lab)"})
    cell = by_id(attach(notebook, PART2))["q3-mesure"]
    assert (cell.source, cell.metadata.lab.origin) == ("forme = (4, 4)\nessai = train(lab)", "student")
    cells = attach(without_names(notebook), PART2).notebook.cells
    place = [local_id(cell) for cell in cells].index("q3-mesure")
    assert cells[place + 1].source == "forme = (4, 4)\nessai = train(lab)"  # after ours, so that it counts


def test_another_edition_is_said(attach):
    notebook = answered(answers=ANSWERS)
    notebook["metadata"]["lab"] = {"sources": "0" * 64}
    find(notebook, "q3b-reponse")["metadata"]["nbgrader"]["grade_id"] = "q3z-reponse"
    attached = attach(notebook)
    assert answers_of(attached) == ANSWERS
    assert OTHER_EDITION in attached.private
    assert said(attached, "q3z-reponse")


def stamped(part, repository, ref):
    return student_edition(SOURCES / f"{part}.ipynb", repository, ref)


@pytest.mark.parametrize("part", EDITIONS)
@pytest.mark.parametrize("stamp", [("o/n", "v1"), ("OWNER/NAME", "main")], ids=["v1", "nowhere"])
def test_another_stamp_changes_nothing(tmp_path, part, stamp):
    sent, ours = stamped(part, *stamp), stamped(part, "someone/else", "term/v2")
    statement = next(cell for cell in sent.cells if "glossaire" in cell.source)
    attached = reattach(read(sent, tmp_path), ours)
    assert [cell.source for cell in attached.notebook.cells] == [cell.source for cell in ours.cells]
    assert (attached.remarks, attached.private) == ([], [])
    statement.source += "\n\nMa réponse."  # found as in a statement of our stamp
    assert "Ma réponse." in [cell.source for cell in reattach(read(sent, tmp_path), ours).notebook.cells]


def test_another_edition_is_the_teacher_s_affair(tmp_path):
    ours = stamped(PART1, "o/n", "v2")
    sent = nbformat.from_dict(stamped(PART1, "o/n", "v1"))
    find(sent, "q1c-question")["source"] += " Une phrase de plus."
    find(sent, "preparation")["source"] += "\nprint()"
    find(sent, "q1b-verification")["metadata"]["nbgrader"]["points"] = 1
    sent.metadata.lab.sources = "0" * 64
    attached = reattach(read(sent, tmp_path), ours)
    assert attached.remarks == []
    assert attached.private[0] == OTHER_EDITION
    assert "p1-preparation" in attached.private[1]
    assert "q1b-verification" in attached.private[2]
    one = student("zoé", private=[OTHER_EDITION])
    assert OTHER_EDITION in " ".join(results.remarks(one))
    assert not overview.overview([one], [PART1])["to_look_at"]
    assert OTHER_EDITION not in pages.feedback(one, [PART1])


def test_the_teacher_s_own_notebook_is_said_to_the_teacher(attach):
    attached = attach(json.loads((SOURCES / f"{PART1}.ipynb").read_text("utf-8")))
    assert attached.private[0].startswith("C'est le carnet de l'enseignant")
    assert not said(attached, "enseignant")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%%time\na = b = 1", {"a", "b"}),
        ("!pip install x\n(c, d), *e = f(lambda z: (y := 1))", {"c", "d", "e"}),
        ("def g(x):\n    h = 1\nif g:\n    i: int = 2\nfor j in k: pass", {"g", "i", "j"}),
        ("palier = 0,5)\nprint(palier == 2)", {"palier", "print"}),
        ("x = " + "(" * 5000, {"x"}),
    ],
)
def test_names_bound_at_the_top_level(source, names):
    assert assigned(source) == names


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), named=st.booleans(), shuffled=st.booleans(), deleted=st.integers(0, 25))
def test_every_answer_is_found_or_reported_and_nothing_is_lost(
    tmp_path_factory, seed, named, shuffled, deleted
):
    chance = random.Random(seed)
    notebook = answered(answers=ANSWERS)
    if not named:
        notebook = without_names(notebook)
    chance.shuffle(notebook["cells"]) if shuffled else None
    for _ in range(deleted):
        notebook["cells"].pop(chance.randrange(len(notebook["cells"])))
    edition = loaded()[PART1]
    attached = reattach(read(notebook, tmp_path_factory.mktemp("one")), edition)
    sent = {plain("".join(cell["source"])) for cell in notebook["cells"]}
    found = {local_id(cell).removesuffix("-reponse"): cell.source for cell in attached.notebook.cells}
    for name, answer in ANSWERS.items():
        full = name if name in attached.cells else f"{name}-reponse"
        if found[name] != answer and answer in sent:
            doubted = attached.cells[full] < 0.9
            assert doubted, name
            assert any(full in remark for remark in attached.remarks)
        elif answer not in sent:
            assert attached.cells[full] == 0 or attached.cells[full] < 0.9
    rebuilt = "\n\n".join(plain(cell.source) for cell in attached.notebook.cells)
    assert all(answer in rebuilt for answer in ANSWERS.values() if answer in sent)
    names, ours = ([grade_id(c) for c in book.cells if grade_id(c)] for book in (attached.notebook, edition))
    assert names == ours
    assert all(is_answer(c) == (c.metadata.lab.origin == "answer") for c in attached.notebook.cells)
