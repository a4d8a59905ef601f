"""Measure the widget in a real browser: displayed frames, epochs, and how soon it answers.

    python -m benchmarks.widget [--front lab|notebook|classic] [--python PATH]

Starts a Jupyter server and a headless Chromium (needs Playwright). A displayed frame is a screen refresh that
shows a new picture; training is included. Nothing else should run meanwhile: on two cores the browser and the
kernel already share the machine.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.browser.conftest import write_notebook
from tests.browser.lab import JupyterServer, chromium, copy_pack, open_notebook
from tests.browser.student import SLIDER, Student, answer_time

ROOT = Path(__file__).parents[1]
SHAPES = ("4,2", "8,8,8,8,8,8")
SECONDS = 5  # of playing, for each rate
ANSWERS = 10  # clicks on a slider while it plays


def cell(shape):
    url = f"https://playground.tensorflow.org/#activation=relu&dataset=xor&noise=35&networkShape={shape}"
    return f"from helpers import Playground\nPlayground('{url}&seed=0.50819&learningRate=0.03')"


def measure(browser, server, shape, front):
    """Open a fresh kernel on one network and print what is measured."""
    write_notebook(server.folder / "benchmark.ipynb", [cell(shape), SLIDER])
    notebook = open_notebook(browser, server, "benchmark.ipynb", front)
    notebook.run(0)
    student = Student(notebook)
    student.watch()
    student.play()
    student.wait_for_epoch(0)
    clicks, epochs = student.watched()
    print(f"[{shape}] in {front}")
    print(f"  first Play to first frame     {epochs[1][0] - clicks[0]:6.2f} s   (at most 1.5)")
    notebook.run(1)
    for speed in ("Normale", "Maximale"):
        student.choose("Vitesse", speed)
        student.look()
        notebook.page.wait_for_timeout(1000)
        student.watch()
        frames, pictures = student.frames_per_second(SECONDS)
        _, epochs = student.watched()
        rate = (epochs[-1][1] - epochs[0][1]) / (epochs[-1][0] - epochs[0][0])
        print(f"  speed {speed:9} displayed      {frames:6.1f} frames/s   ({pictures:.0f} pictures/s)")
        print(f"                  trained        {rate:6.0f} epochs/s")
    answers = [answer_time(notebook, 0.2 + 0.6 * (number % 2)) for number in range(ANSWERS)]
    median, longest = 1000 * statistics.median(answers), 1000 * max(answers)
    print(f"  slider while it plays         {median:6.0f} ms median, {longest:.0f} ms longest of {ANSWERS}")
    print(f"  Pause to last change          {1000 * last_change(student):6.0f} ms")
    notebook.throttle(6)
    student.play()
    notebook.page.wait_for_timeout(4000)
    print(f"  the same, page slowed 6 times {1000 * last_change(student):6.0f} ms")
    notebook.close()


def last_change(student):
    """Press Pause; seconds until the counter changed for the last time, 0 if it stopped at once."""
    return max(student.changes_after_pause(settle=4), default=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--front", choices=("lab", "notebook", "classic"), default="lab")
    parser.add_argument("--python", default=sys.executable, help="interpreter whose Jupyter is used")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        pack.mkdir()
        copy_pack(ROOT, pack)
        classic = options.front == "classic"
        with JupyterServer(pack, python=options.python, classic=classic) as server, chromium() as browser:
            for shape in SHAPES:
                measure(browser, server, shape, options.front)


if __name__ == "__main__":
    main()
