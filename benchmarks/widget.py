"""Measure the widget in a real browser: first frames, displayed frames, epochs, and how soon it answers.

    python -m benchmarks.widget [--front lab|notebook|classic] [--python PATH] [--first-frames]

Starts a Jupyter server and a headless Chromium (needs Playwright). A displayed frame is a screen refresh that
shows a new picture; training is included. Nothing else should run meanwhile: on two cores the browser and the
kernel already share the machine.
"""

import argparse
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from tests.browser.conftest import write_notebook
from tests.browser.lab import JupyterServer, chromium, copy_pack, open_notebook
from tests.browser.student import SLIDER, Student, answer_time

ROOT = Path(__file__).parents[1]
SHAPES = ("4,2", "8,8,8,8,8,8")
SECONDS = 5  # of playing, for each rate
ANSWERS = 10  # clicks on a slider while it plays
READING = 8000  # ms before the first change, in which a student reads the question

# What a student changes before Play, in two ways: for a Play a second later, and for one at once.
CHANGES = {
    "a layer less": ("press", ("Retirer une couche cachée",), ("Retirer une couche cachée",)),
    "a new layer": ("press", ("Ajouter une couche cachée",), ("Ajouter une couche cachée",)),
    "a neuron": ("press", ("Retirer un neurone de la couche 1",), ("Ajouter un neurone à la couche 1",)),
    "activation": ("choose", ("Activation", "Tanh"), ("Activation", "Sigmoïde")),
    "input": ("press", ("Ajouter l'entrée X₁²",), ("Ajouter l'entrée X₂²",)),
    "batch size": ("choose", ("Taille des lots", "30"), ("Taille des lots", "1")),
    "ratio": ("choose", ("Part d'entraînement", "90 %"), ("Part d'entraînement", "10 %")),
    "regularization": ("choose", ("Régularisation", "L1"), ("Régularisation", "L2")),
    "dataset": ("press", ("Cercle",), ("Spirale",)),
    "problem": ("choose", ("Type de problème", "Régression"), ("Type de problème", "Classification")),
}


def cell(shape):
    url = f"https://playground.tensorflow.org/#activation=relu&dataset=xor&noise=35&networkShape={shape}"
    return f"from helpers import Playground\nPlayground('{url}&seed=0.50819&learningRate=0.03')"


def first_frames(browser, server, shape, front):
    """Print how long the first frame takes after each kind of change, in one fresh kernel."""
    write_notebook(server.folder / "benchmark.ipynb", [cell(shape)])
    notebook = open_notebook(browser, server, "benchmark.ipynb", front)
    notebook.run(0)
    student = Student(notebook)
    student.look()
    first_frame(student)
    notebook.page.wait_for_timeout(READING)
    print(f"[{shape}] in {front}: from Play to the first frame, ms")
    print(f"  {'':16}{'a second later':>16}{'at once':>10}   (at most 150 and 600)")
    for name, (act, *variants) in CHANGES.items():
        milliseconds = []
        for pause, arguments in zip((1000, 0), variants, strict=True):
            getattr(student, act)(*arguments)
            notebook.page.wait_for_timeout(pause)
            milliseconds.append(1000 * first_frame(student))
        print(f"  {name:16}{milliseconds[0]:16.0f}{milliseconds[1]:10.0f}", flush=True)
    notebook.close()


def first_frame(student):
    """Press Play, and Pause after the first frame; seconds between click and frame, by the page's clock.

    The frame is where the counter goes up: a change that comes at the same time sets it back to 0.
    """
    student.watch()
    student.play()
    student.page.wait_for_function(
        "app => app.lab.epochs.some(([, epoch], n, all) => n && epoch > all[n - 1][1])",
        arg=student.app.element_handle(),
        polling=10,
    )
    clicks, epochs = student.watched()
    student.pause()
    student.page.wait_for_timeout(500)  # frames that are under way
    return next(time for (_, old), (time, new) in pairwise(epochs) if new > old) - clicks[0]


def measure(browser, server, shape, front):
    """Open a fresh kernel on one network and print what is measured."""
    write_notebook(server.folder / "benchmark.ipynb", [cell(shape), SLIDER])
    notebook = open_notebook(browser, server, "benchmark.ipynb", front)
    notebook.run(0)
    student = Student(notebook)
    print(f"[{shape}] in {front}")
    print(f"  first Play to first frame     {first_frame(student):6.2f} s   (at most 1.5)")
    student.play()
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
    parser.add_argument("--first-frames", action="store_true", help="nothing but these")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        pack.mkdir()
        copy_pack(ROOT, pack)
        classic = options.front == "classic"
        with JupyterServer(pack, python=options.python, classic=classic) as server, chromium() as browser:
            for shape in SHAPES:
                first_frames(browser, server, shape, options.front)
                if not options.first_frames:
                    measure(browser, server, shape, options.front)


if __name__ == "__main__":
    main()
