"""Other data for a resit: which thresholds still separate, which quoted figures change."""

import nbformat
import numpy as np
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.publish import measure, release
from instructor.records import Refused


def correction(shown, elsewhere):
    """A correction whose outputs show these, in question 3 and in question 4."""

    def output(text):
        return [nbformat.v4.new_output("stream", text=text)]

    answer = (
        "Avec 37 % des départs (0,367), contre 12 sur 64 et 0{,}195 ; $10^{-7}$, 5000 époques, 3 neurones."
    )
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
        next(measure.measure("demain"))
