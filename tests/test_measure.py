"""Other data for a resit: which thresholds still separate, which quoted figures change."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from helpers.checks import part2
from instructor.publish import measure, release
from instructor.records import Refused

from .conftest import is_full

ANSWER = "Avec 37 % des départs (0,367), contre 12 sur 64 et 0{,}195 ; $10^{-7}$, 5000 époques, 3 neurones."


def correction(shown, elsewhere, answer=ANSWER):
    """A correction whose outputs show these, in question 3 and in question 4."""

    def output(text):
        return [nbformat.v4.new_output("stream", text=text)]

    nbgrader = {"grade_id": "q3c-explication", "grade": True, "solution": True, "points": 1}
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("mesure", id="q3-mesure", outputs=output(shown)),
            nbformat.v4.new_code_cell("autre", id="q4-mesure", outputs=output(elsewhere)),
            nbformat.v4.new_markdown_cell(answer, metadata={"nbgrader": nbgrader}),
        ]
    )


def test_quoted_figures_that_change_are_listed_and_those_that_nothing_shows():
    former = correction("37 % : 0,3671 ; 12 départs ; 0,195", "37 % et 12")
    after = correction("41 % : 0,4102 ; 12 départs ; 0,2013", "99 % et 99")
    assert list(measure.changed_figures(former, after)) == [
        "3.c, model answer: 37 is now 41; 0,367 is now 0,410; 0,195 is now 0,201; reread 64, 5000"
    ]
    assert list(measure.changed_figures(former, former)) == ["3.c, model answer: reread 64, 5000"]


@pytest.mark.parametrize(
    ("answer", "shown", "now", "told"),
    [
        (
            "Voir 0,39 en https://x.org/#seed=0.39",
            "https://x.org/#seed=0.39",
            "https://x.org/#seed=0.12",
            "reread 0,39",
        ),
        (
            "10\u202f000 images, puis 4 000 et 2\u00a0500",
            "10 000, 4 000, 2 500",
            "10 000, 4 100, 2 600",
            "4 000 is now 4100; 2\u00a0500 is now 2600",
        ),
        (
            "0,5 point : 12 points de pourcentage, 1,5 point",
            "0,5 ; 12 ; 1,5",
            "0,3 ; 13 ; 1,4",
            "12 is now 13",
        ),
        ("12 et 0,41", "12 départs, 3 bandes à 0,41", "14 départs à 0,43", "reread 12, 0,41"),
        ("16 neurones, 13 paramètres", "13 paramètres : 16 % ; 13", "13 paramètres : 65 % ; 11", "reread 16"),
    ],
    ids=["address", "thousands", "points", "other counts", "sizes"],
)
def test_what_is_no_figure_or_cannot_be_paired_is_not_said_to_change(answer, shown, now, told):
    found = measure.changed_figures(correction(shown, "", answer), correction(now, "", answer))
    assert list(found) == [f"3.c, model answer: {told}"]


@pytest.mark.parametrize(
    ("losses", "separates"),
    [([0.1, 0.3], True), ([0.1, 0.2495, 0.3], False), ([0.1, 0.2], False), ([0.3, np.nan], False)],
)
def test_a_threshold_separates_where_no_end_is_near_and_both_sides_have_some(losses, separates):
    assert ("DOES NOT SEPARATE" in measure.gap("T", 0.25, np.array(losses))) != separates
    told = measure.reach("T", 0.25, {"three": np.array([losses]), "two": np.array([[0.4, 0.3]])})
    assert ("DOES NOT SEPARATE" in told) == (np.nanmin(losses) > 0.25)


@pytest.mark.parametrize("source", release.sources()[:3], ids=lambda source: source.stem)
def test_the_lab_s_own_thresholds_separate(source):
    checks = release.checks_of(source.stem)
    told = list(measure.separations(checks, checks.LAB.seed))
    assert len(told) >= 2
    assert not [line for line in told if "NOT" in line]
    assert all(" separates: " in line for line in told if line.startswith(("BANDS", "TARGET", "PARTIAL")))


def test_the_seed_stands_in_one_place_a_part(tmp_path):
    labs = [getattr(release.checks_of(source.stem), "LAB", None) for source in release.sources()]
    for seed in {lab.seed for lab in labs if lab}:
        checks = (release.ROOT / "helpers" / "checks").glob("*.py")
        (found,) = (path.name for path in checks if f'"{seed}"' in path.read_text("utf-8"))
        measure.copy_helpers(tmp_path / seed, seed, "0.777")
        copied = tmp_path / seed / "helpers" / "checks" / found
        assert copied.read_text("utf-8").count('seed="0.777"') == 1


def test_what_is_no_seed_is_refused():
    with pytest.raises(Refused, match="'demain' is not a seed"):
        next(measure.measure(["0.7", "demain"]))


def test_several_seeds_are_screened_and_a_part_without_data_says_so():
    part1, *_, part4 = (source.stem for source in release.sources())
    bad, good, none = measure.measure(["0.12345", "0.7"], [1, 4])
    assert bad.startswith(f"{part1}: seed 0.12345: PARTIAL_SUCCESS 0.25 DOES NOT SEPARATE: ")
    assert "; TARGET 0.177 DOES NOT SEPARATE: " in bad
    assert good == f"{part1}: seed 0.7: all thresholds separate"
    assert list(measure.measure(["0.5"], [4])) == [none] == [f"{part4} has no seed: nothing to measure"]


def test_tensorflow_s_log_is_not_a_teacher_s_affair():
    command = [sys.executable, "-m", "instructor", "measure", "--seed", "0.7", "0.5", "--parts", "2"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    ran = subprocess.run(
        command, cwd=release.ROOT, env=environment, check=True, capture_output=True, text=True
    )
    assert (ran.stdout.count("\n"), ran.stderr) == (2, "")


@pytest.mark.parametrize("seed", ["0.7", "0.12345"])  # of the second, other ENDS are found
def test_what_is_typed_anew_earns_its_points(seed, monkeypatch):
    lacking = ["1.b: its solution earns 0.3 of 2.5", "3.b: other", "6.a: its solution earns 0 of 1.5"]
    report, segment = measure.renewed(part2, seed, lacking)
    assert list(measure.renewed(part2, seed, lacking[1:2])) == []
    monkeypatch.setattr(part2, "LAB", part2.LAB.replace(seed=seed))
    names, losses = re.fullmatch(r"1\.b: familles = (.*), pertes = (.*)", report).groups()
    assert is_full(part2.check_report(ast.literal_eval(names), ast.literal_eval(losses)))
    ends, *found = re.fullmatch(r"6\.a: ENDS = (.*), barriere = (.*), ordre = (.*)", segment).groups()
    monkeypatch.setattr(part2, "ENDS", ast.literal_eval(ends))
    assert is_full(part2.check_segment(*map(ast.literal_eval, found)))
