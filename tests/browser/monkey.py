"""A monkey at the Playground: seeded random use of two widgets in one page, for as long as one likes.

    python -m tests.browser.monkey [--minutes 60] [--seed 7] [--front lab|notebook]

It presses every button, chooses in every list, types what no number is, pastes garbage for an
address, resets while playing, interrupts the kernel, runs the cells again, reloads the page and restarts the
kernel. Meanwhile nothing may go wrong: see ``Monkey.check``. The same seed chooses the same kinds of acts;
what they meet depends on how fast the machine is.
"""

import argparse
import collections
import contextlib
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Error as PageError

from helpers.engine.config import DATASETS, FEATURES, LEARNING_RATES, REG_DATASETS, REGULARIZATION_RATES

from .conftest import write_notebook
from .lab import JupyterServer, chromium, copy_pack, open_notebook

ROOT = Path(__file__).parents[2]
SITE = "https://playground.tensorflow.org/"
LEAST_ROUNDS = 4  # of acts, however slow the machine: the page is reloaded after the third
MEMORY_GROWTH = 100e6  # bytes, of the kernel once XLA has compiled all that is asked for, and of the page
ANSWER_SECONDS = 120

IMPORTS = """import ctypes, gc, json, psutil
from helpers import Playground
from helpers.engine.compiled import Program
made = {}"""
WIDGET = "made[{0}] = Playground('{1}#networkShape={2}&seed=0.5081{0}&noise=35&dataset=xor'); \
made[{0}].widget.add_class('monkey-{0}'); made[{0}]"
STATE = """
gc.collect()
ctypes.CDLL(None).malloc_trim(0)  # what the compiler has let go of
print(json.dumps({
    "memory": psutil.Process().memory_info().rss,
    "programs": Program.compiled,
    "trials": {number: len(one.journal) for number, one in made.items()},
    "epochs": {number: one.run.epoch for number, one in made.items()},
}))
"""
COLOURS = r"\x1b\[[\d;]*m"  # of a terminal
NUMBERS = ("0", "1", "-1", "0,5", "1e999", "-1e308", "1e-320", "nan", "", "abc", "10000", "99999999", "1 000")
GARBAGE = (
    "",
    " ",
    "#",
    "bonjour",
    "javascript:alert(1)",
    "https://example.org/",
    "<script>alert(1)</script><b>é</b>",
    "😀" * 500,
    "a" * 100_000,
    SITE,
    SITE + "#",
    SITE + "#networkShape=9",
    SITE + "#networkShape=1,2,3,4,5,6,7",
    SITE + "#networkShape=-1,a,,",
    SITE + "#networkShape=&x=false&y=false",
    SITE + "#seed=&noise=1e9",
    SITE + "#seed=" + "z" * 500,
    SITE + "#learningRate=nan&batchSize=0",
    SITE + "#epochs=-1&resets=1e99",
    SITE + "#%%%&&&===",
)


class Monkey:
    """Acts at random on the two widgets of a notebook and keeps the accounts.

    Args:
        notebook: a NotebookPage on a notebook made by ``write_cells``, not yet run.
        seed: of its choices.

    Attributes:
        done: how many times it did each thing.
        faults: what went wrong, in order; see ``check``.
        memory: bytes that the kernel held at each check since XLA last compiled a program. One weighs 15 to
            20 MB, and there are only so many.
        heap: bytes that the page held at each check.
    """

    def __init__(self, notebook, seed):
        self.notebook, self.page = notebook, notebook.page
        self.random = random.Random(seed)
        self.done, self.faults = collections.Counter(), []
        self.memory, self.heap = [], []
        self._trials, self._programs = {}, 0
        self._log_read = len(notebook.server.log())  # other kernels' words are not ours
        self._acts = {
            self.press: 50,
            self.choose: 16,
            self.tick: 4,
            self.type_number: 8,
            self.paste: 8,
            self.reset_while_playing: 3,
            self.resize: 1,
            self.interrupt: 1,
            self.run_again: 1,
        }

    # What it does

    def start(self):
        """Run all cells."""
        self.notebook.run_all()
        self._trials, self._programs, self.memory, self.heap = {}, 0, [], []

    def act(self, seconds):
        """Act for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            act = self.random.choices(list(self._acts), list(self._acts.values()))[0]
            self.done[act.__name__] += 1
            try:
                act(self._widget())
            except PageError:  # what it aimed at has moved, is covered or gone: so it is for a student
                self.done["missed"] += 1

    def press(self, widget):
        """Press any button."""
        self._any(widget.locator("button:visible:enabled")).click(timeout=2000)

    def choose(self, widget):
        """Choose anything in a list."""
        some = self._any(widget.locator("select:visible"))
        some.select_option(index=self._number(some.locator("option")), timeout=2000)

    def tick(self, widget):
        """Tick or untick a box."""
        self._any(widget.locator("input[type=checkbox]:visible")).click(timeout=2000)

    def type_number(self, widget):
        """Type into a number field what may be one."""
        field = self._any(widget.locator("input[type=number]:visible, .dlp-editor input:visible"))
        field.click(timeout=2000)
        field.press("Control+a")
        field.type(self.random.choice(NUMBERS))
        field.press("Enter")

    def paste(self, widget):
        """Paste an address, or garbage, and open it."""
        address = self.random.choice(GARBAGE) if self.random.random() < 0.5 else self._address()
        drawer = widget.get_by_role("button", name="Adresse", exact=True)
        field = widget.get_by_label("Coller une adresse")
        if not field.is_visible():
            drawer.click(timeout=2000)
        field.fill(address, timeout=2000)
        field.press("Enter")
        widget.get_by_role("button", name="Ouvrir ici").click(timeout=2000)

    def reset_while_playing(self, widget):
        """Play, and reset several times before the page has followed."""
        play = widget.get_by_role("button", name="Lecture", exact=True)
        reset = widget.get_by_role("button", name="Départ suivant")
        for _ in range(self.random.randint(1, 4)):
            if play.count():
                play.click(timeout=2000)
            reset.click(timeout=2000)

    def resize(self, _widget):
        """Give the window another size, or zoom."""
        width, height = self.random.choice(((1600, 1100), (1280, 720), (800, 900), (1920, 1080)))
        self.notebook.resize(width, height, scale=self.random.choice((1, 1, 2)))

    def interrupt(self, _widget):
        """Press the kernel's stop button, but not while a cell makes a widget: it would have none."""
        if self.page.evaluate("() => window.labRun.done"):
            self.notebook.interrupt()

    def run_again(self, _widget):
        """Run a widget's cell again: it takes the place of the former, with a journal of its own."""
        number = self.random.choice((0, 1))
        self.notebook.run(1 + number, timeout=ANSWER_SECONDS)
        self._trials.pop(str(number), None)

    def reload(self):
        """Reload the page: the kernel still has the widgets, and the page must show them again."""
        self.done["reload"] += 1
        self.notebook.save()
        self._rest()
        self.page.reload()
        self.notebook.wait_until_open(ANSWER_SECONDS)
        for number in (0, 1):
            self._widget(number).get_by_role("status").or_(self._widget(number)).first.wait_for(
                timeout=30_000
            )

    def restart(self):
        """Restart the kernel, and run all cells again."""
        self.done["restart"] += 1
        self.notebook.server.request(f"api/kernels/{self.notebook.kernel}/restart", method="POST", timeout=60)
        self.page.wait_for_timeout(3000)
        self.start()

    # What it sees

    def check(self):
        """Note what went wrong since the last time.

        No error in the kernel, in the server's log or in the page's console; no training that stopped for an
        error; a widget that answers; no trial that a journal had and has no more.
        """
        self.faults += [f"console: {error}" for error in self.notebook.console_errors]
        self.notebook.console_errors.clear()
        traces = self.page.evaluate(
            "() => { window.labErrors.length = 0; return window.labTraces.splice(0); }"
        )
        self.faults += [f"kernel: {re.sub(COLOURS, '', trace)[-2000:]}" for trace in traces]
        log = self.notebook.server.log()
        new, self._log_read = log[self._log_read :], len(log)
        if "Traceback" in new:
            self.faults.append(f"log: {new[new.index('Traceback') :][-1500:]}")
        for number in (0, 1):
            try:
                message = self._widget(number).get_by_role("status")
            except PageError:
                self.faults.append(f"widget {number} is gone")
                continue
            text = message.text_content() if message.count() else ""
            if "s'est arrêté" in text:
                self.faults.append(f"widget {number}: {text}")
        try:
            told = self.notebook.execute(STATE, timeout=ANSWER_SECONDS)
            state = json.loads(told.splitlines()[-1])  # an empty journal says so first
        except RuntimeError as error:  # a kernel that died was started again, without anything
            self.faults.append(f"kernel lost ({error}): {log[-3000:]}")
            self.start()
            return
        for number, trials in state["trials"].items():
            if trials < self._trials.get(number, 0):
                self.faults.append(f"widget {number}: {self._trials[number]} trials became {trials}")
        self._trials = state["trials"]
        if state["programs"] != self._programs:
            self._programs, self.memory = state["programs"], []
        self.memory.append(state["memory"])
        self.heap.append(self._page_heap())

    def check_alive(self):
        """Each widget still plays."""
        for number in (0, 1):
            try:
                widget = self._widget(number)
                pause = widget.get_by_role("button", name="Pause", exact=True)
                if pause.count():
                    pause.click(timeout=30_000)
                self.notebook.execute(f"made[{number}].load('{SITE}#networkShape=2')", timeout=ANSWER_SECONDS)
                self.notebook.scroll_to(1 + number)  # that cell was run at the notebook's end, maybe far away
                widget = self._widget(number)
                widget.get_by_role("button", name="Lecture", exact=True).click(timeout=30_000)
                before = time.monotonic()
                while self._epochs(number) < 3:
                    if time.monotonic() - before > 30:
                        raise TimeoutError("it does not play")
            except (PageError, TimeoutError) as error:
                self.faults.append(f"widget {number} is dead: {error}")

    @property
    def growth(self):
        """Bytes that kernel and page gained between the first checks and the last ones."""
        return tuple(
            min(series[-3:]) - min(series[:3]) if len(series) > 3 else 0
            for series in (self.memory, self.heap)
        )

    def _epochs(self, number):
        return int(self._widget(number).locator(".dlp-epoch-value").text_content().replace("\u202f", ""))

    def _page_heap(self):
        """Bytes that the page's JavaScript holds."""
        self.notebook._devtools.send("HeapProfiler.collectGarbage")
        return self.notebook._devtools.send("Runtime.getHeapUsage")["usedSize"]

    def _widget(self, number=None):
        number = self.random.choice((0, 1)) if number is None else number
        widget = self.notebook.root.locator(f".monkey-{number}")
        if not widget.count():  # JupyterLab keeps in the page only the cells near the view
            self.notebook.scroll_to(1 + number)
            widget.wait_for(timeout=30_000)
        return widget

    def _rest(self):
        """Wait until the kernel has answered all that it was asked.

        A widget that it makes while a page loads is unknown to that page, and ipywidgets complains.
        """
        for number in (0, 1):
            pause = self._widget(number).get_by_role("button", name="Pause", exact=True)
            with contextlib.suppress(PageError):  # it has just stopped by itself
                if pause.count():
                    pause.click(timeout=2000)
        end, before = time.monotonic() + ANSWER_SECONDS, None
        while time.monotonic() < end:
            now = self.notebook.server.request(f"api/kernels/{self.notebook.kernel}")
            if now == before and now["execution_state"] == "idle":
                return
            before = now
            self.page.wait_for_timeout(2000)
        raise PageError("the kernel never rests")

    def _any(self, some):
        """One of the elements that a locator finds."""
        return some.nth(self._number(some))

    def _number(self, some):
        """A number below that of the elements that a locator finds."""
        count = some.count()
        if not count:
            raise PageError("none is shown")
        return self.random.randrange(count)

    def _address(self):
        """An address that the site could give, at its bounds more often than not."""
        pick, chance = self.random.choice, self.random.random
        fields = {
            "activation": pick(("relu", "tanh", "sigmoid", "linear")),
            "regularization": pick(("none", "L1", "L2")),
            "batchSize": pick((1, 10, 30)),
            "dataset": pick(DATASETS),
            "regDataset": pick(REG_DATASETS),
            "problem": pick(("classification", "regression")),
            "learningRate": pick(LEARNING_RATES),
            "regularizationRate": pick(REGULARIZATION_RATES),
            "noise": pick((0, 50, 80)),
            "networkShape": ",".join(str(pick((1, 4, 8))) for _ in range(pick((0, 1, 2, 6)))),
            "seed": pick(("0.50819", "é", "0", "1e5")),
            "percTrainData": pick((10, 50, 90)),
            "epochs": pick((0, 0, 1, 100, 20_000 if chance() < 0.1 else 500)),
            "resets": pick((0, 1, 1000)),
            **{f"{name}": str(chance() < 0.4).lower() for name in FEATURES},
        }
        return f"{SITE}#{urlencode(fields)}"


def write_cells(path):
    """Write the monkey's notebook: imports, and two widgets."""
    widgets = [WIDGET.format(number, SITE, shape) for number, shape in enumerate(("4,2", "3"))]
    write_notebook(path, [IMPORTS, *widgets])


def run(notebook, minutes, seed, report=lambda monkey: None, every=30):
    """Let a monkey act, check it all along, reload the page and restart the kernel now and then.

    Args:
        notebook: a NotebookPage on a notebook made by ``write_cells``.
        minutes: how long it acts.
        seed: of its choices.
        report: called after each check.
        every: seconds between two checks.

    Returns:
        The monkey.
    """
    monkey = Monkey(notebook, seed)
    monkey.start()
    end, rounds = time.monotonic() + 60 * minutes, 0
    try:
        while time.monotonic() < end or rounds < LEAST_ROUNDS:
            monkey.act(max(1, min(every, end - time.monotonic())))
            monkey.check()
            rounds += 1
            if rounds % 7 == 3:
                monkey.reload()
            if rounds % 40 == 39:
                monkey.restart()
            report(monkey)
        monkey.check_alive()
        monkey.check()
    except PageError as error:  # Playwright's time-outs are of this kind
        monkey.faults.append(f"no answer after {monkey.done.total()} acts: {error}")
    return monkey


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--front", choices=("lab", "notebook"), default="lab")
    options = parser.parse_args()

    def report(monkey):
        memory = monkey.memory[-1:] + monkey.heap[-1:]
        kernel, page = (size / 1e6 for size in memory or (0, 0))  # none yet, since the kernel was restarted
        print(f"{monkey.done.total()} acts, {kernel:.0f} MB in the kernel, {page:.0f} MB in the page")
        print(*monkey.faults[reported[0] :], sep="\n", flush=True)
        reported[0] = len(monkey.faults)

    reported = [0]

    with tempfile.TemporaryDirectory() as folder:
        copy_pack(ROOT, folder)
        write_cells(Path(folder, "monkey.ipynb"))
        with JupyterServer(Path(folder)) as server, chromium() as browser:
            notebook = open_notebook(browser, server, "monkey.ipynb", options.front)
            monkey = run(notebook, options.minutes, options.seed, report)
    kernel, page = (size / 1e6 for size in monkey.growth)
    print(f"seed {options.seed}, {options.minutes:g} min:", dict(monkey.done))
    print(f"growth: {kernel:.0f} MB in the kernel, {page:.0f} MB in the page")
    print(*(monkey.faults or ["no fault"]), sep="\n")
    sys.exit(bool(monkey.faults) or max(monkey.growth) > MEMORY_GROWTH)


if __name__ == "__main__":
    main()
