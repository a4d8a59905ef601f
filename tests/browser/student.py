"""A student's hands and eyes on one Playground widget in a page: what they press, what they read, and when.

    student = Student(notebook)       # the first widget of the notebook
    student.play()
    student.wait_for_epoch(50)

Controls are found by their French accessible names, as a screen reader would.
"""

import re

from playwright.sync_api import expect

from helpers.playground import clock

_EPOCH = "Number(app.querySelector('.dlp-epoch-value').textContent.replace(/\\D/g, ''))"

# Records, in the page and by its own clock, every click and every change of the epoch: [[ms, epoch], ...].
_WATCH = f"""app => {{
    app.lab?.observer.disconnect();
    const lab = app.lab = {{ clicks: [], epochs: [[performance.now(), {_EPOCH}]] }};
    lab.observer = new MutationObserver(() => {{
        const epoch = {_EPOCH};
        if (epoch !== lab.epochs.at(-1)[1]) lab.epochs.push([performance.now(), epoch]);
    }});
    lab.observer.observe(app, {{ subtree: true, childList: true, characterData: true }});
    app.addEventListener('click', () => lab.clicks.push(performance.now()), true);
}}"""

# Counts the screen refreshes that show a new picture: the pictures that came between two are one frame.
_FRAMES = """async (app, seconds) => {
    let frames = 0, pictures = 0, isNew = false;
    const loaded = event => { if (event.target.tagName === 'IMG') { pictures++; isNew = true; } };
    app.addEventListener('load', loaded, true);
    const start = performance.now();
    await new Promise(done => {
        const refresh = now => {
            frames += isNew;
            isNew = false;
            if (now - start < 1000 * seconds) requestAnimationFrame(refresh); else done();
        };
        requestAnimationFrame(refresh);
    });
    app.removeEventListener('load', loaded, true);
    const elapsed = (performance.now() - start) / 1000;
    return [frames / elapsed, pictures / elapsed];
}"""

# Frames that may still appear after a click on Pause: the bursts in flight, and one that is being computed
# while the click travels. A count, not a delay: the machine may be slow.
UNDER_WAY = (clock.IN_FLIGHT + 2) * clock.FRAMES

# A cell with a slider of its own, whose value comes back from the kernel: see answer_time.
SLIDER = """
import ipywidgets as widgets
slider = widgets.IntSlider(0, 0, 100, description='Curseur')
echo = widgets.HTML('<b class="echo">0</b>')
slider.observe(lambda change: setattr(echo, 'value', f'<b class="echo">{change["new"]}</b>'), 'value')
widgets.HBox([slider, echo])
"""


class Student:
    """One widget of a notebook.

    Args:
        notebook: the NotebookPage.
        number: which of the widgets in the page, from 0, or -1 for the last. JupyterLab keeps only those near
            the view: scroll to its cell first.
    """

    def __init__(self, notebook, number=0):
        self.notebook = notebook
        self.page = notebook.page
        self.app = notebook.root.locator(".dlp-app").nth(number)
        self._message = self.app.get_by_role("status")

    # Eyes

    @property
    def epoch(self):
        """The epoch shown."""
        return int(re.sub(r"\D", "", self.app.locator(".dlp-epoch-value").text_content()))

    @property
    def message(self):
        """The line that says what happened, "" if nothing did."""
        return self._message.text_content() if self._message.count() else ""

    @property
    def losses(self):
        """The test and training losses shown."""
        texts = self.app.locator(".dlp-losses-text tr[class] td:nth-child(2)").all_text_contents()
        return tuple(float(text.replace(",", ".")) for text in texts)

    @property
    def is_playing(self):
        return self.button("Pause").count() > 0

    def wait_for_epoch(self, epoch, timeout=30):
        """Wait (seconds) until the counter has passed `epoch`."""
        self.page.wait_for_function(
            f"([app, epoch]) => {_EPOCH} > epoch",
            arg=[self.app.element_handle(), epoch],
            timeout=timeout * 1000,
        )

    def expect_message(self, text, timeout=10):
        """Wait (seconds) for a message that contains `text`."""
        expect(self._message).to_contain_text(text, timeout=timeout * 1000)

    def expect_paused(self, timeout=10):
        """Wait (seconds) until the button offers to play."""
        expect(self.button("Lecture")).to_be_visible(timeout=timeout * 1000)

    def look(self):
        """Bring the whole widget into view, and let the page settle."""
        self.app.evaluate("app => app.scrollIntoView({ block: 'center' })")
        self.page.wait_for_timeout(400)

    def watch(self):
        """Note from now on, by the page's clock, each click and each change of the epoch."""
        self.app.evaluate(_WATCH)

    def watched(self):
        """What was noted since `watch`.

        Returns:
            times of clicks, and (time, epoch) pairs; seconds.
        """
        noted = self.app.evaluate("app => ({ clicks: app.lab.clicks, epochs: app.lab.epochs })")
        return [t / 1000 for t in noted["clicks"]], [(t / 1000, epoch) for t, epoch in noted["epochs"]]

    def frames_per_second(self, seconds):
        """Measure for some seconds: (screen refreshes with a new picture, pictures loaded) per second."""
        return self.app.evaluate(_FRAMES, seconds)

    def boxes(self, selector):
        """Boxes (x, y, width, height; CSS pixels) of the parts that a CSS selector finds, in page order."""
        return [part.bounding_box() for part in self.app.locator(selector).all()]

    # Hands

    def button(self, name):
        """Locator of the button of that very name."""
        return self.app.get_by_role("button", name=name, exact=True)

    def give(self, name, path):
        """Choose a file for the button whose name begins so: ipywidgets adds a count to it."""
        with self.page.expect_file_chooser() as chooser:
            self.app.get_by_role("button", name=name).click()
        chooser.value.set_files(path)

    def press(self, name):
        self.button(name).click()

    def choose(self, label, option):
        """Choose an option of the list called `label`."""
        self.app.get_by_label(label, exact=True).select_option(label=option)

    def play(self):
        self.press("Lecture")

    def pause(self):
        self.press("Pause")
        self.expect_paused()

    def changes_after_pause(self, settle=1.5):
        """Press Pause and note how the counter goes on.

        Args:
            settle: seconds that it is watched for.

        Returns:
            seconds between the click and each change of the counter after it.
        """
        self.watch()
        self.pause()
        self.page.wait_for_timeout(settle * 1000)
        clicks, epochs = self.watched()
        return [time - clicks[-1] for time, _ in epochs if time > clicks[-1]]


def student_at(notebook, source):
    """The student who looks at the first widget of a notebook, shown by the cell that contains `source`."""
    notebook.scroll_to(notebook.find(source))
    student = Student(notebook)
    student.look()
    return student


def click_track(slider, fraction):
    """Click on a slider's track at a fraction of its length; works on ipywidgets 8 and 7."""
    track = slider.locator(".noUi-target, .ui-slider")
    box = track.bounding_box()
    track.click(position={"x": fraction * box["width"], "y": box["height"] / 2}, force=True)


def answer_time(notebook, fraction):
    """Click on the slider of the cell SLIDER and wait for the kernel's answer.

    Args:
        notebook: the NotebookPage, which holds that cell.
        fraction: where, from 0 to 1; another one than the last time.

    Returns:
        seconds, by the page's clock.
    """
    box = notebook.root.locator(".widget-hbox:has(.echo)")
    echo = box.locator(".echo")
    before = echo.text_content()
    box.evaluate("""box => {
        box.lab?.observer.disconnect();
        const lab = box.lab = {};
        box.addEventListener('mousedown', () => { lab.pressed = performance.now(); }, true);
        lab.observer = new MutationObserver(() => { lab.answered = performance.now(); });
        lab.observer.observe(box.querySelector('.widget-html'), { subtree: true, childList: true });
    }""")
    notebook.page.wait_for_timeout(500)  # a slider that still glides to its last place ignores a click
    click_track(box, fraction)
    expect(echo).not_to_have_text(before)
    return box.evaluate("box => (box.lab.answered - box.lab.pressed) / 1000")
