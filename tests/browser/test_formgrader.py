"""nbgrader's formgrader, as a teacher opens it on RESULTS: what a student wrote is read there, never run."""

from playwright.sync_api import expect

from instructor.report import formgrader, results

from ..made_results import FREE, PART1, question, store, student
from .lab import JupyterServer

TEXT = "Une droite. [source](java&#115;cript:document.title='pris') et [cours](https://example.org/)"


def test_a_teacher_reads_marks_and_is_not_attacked(browser, tmp_path, artifacts):
    store(tmp_path, student("zoé", question(FREE, answer=TEXT)))
    formgrader.write(tmp_path, results.marked(tmp_path))
    with JupyterServer(tmp_path / "nbgrader") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/formgrader?token={server.token}")
        expect(page.get_by_role("link", name="Manual Grading")).to_be_visible()
        page.get_by_role("link", name="Manual Grading").click()
        for name in (PART1, PART1, "Submission #1"):  # the assignment, its notebook, who sent it
            page.get_by_role("link", name=name).click()
        expect(page.get_by_text("Une droite.")).to_be_visible()
        expect(page.get_by_text("Barème du correcteur, 1.c")).to_be_visible()
        assert (
            page.get_by_role("link", name="cours", exact=True).get_attribute("href") == "https://example.org/"
        )
        assert page.get_by_role("link", name="source").count() == 0
        page.screenshot(path=artifacts / "formgrader.png")
        page.close()
