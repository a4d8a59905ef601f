"""Drive a notebook in a real browser: a Jupyter server of our own, Chromium, and a page to act on.

Three front ends wear one face: JupyterLab ("lab"), Notebook 7 ("notebook") and the classic page of
Notebook 6 ("classic", found only in an environment that holds it, such as the one of tests/hosts).

    with JupyterServer(folder) as server, chromium() as browser:
        notebook = open_notebook(browser, server, "part1_linear_vs_relu.ipynb", front="lab")
        notebook.run_all()
        notebook.button("Lecture").click()

Nothing here knows the Playground; tests and benchmarks/widget.py do.
"""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FRONTS = {"lab": "lab/tree", "notebook": "notebooks", "classic": "notebooks"}

# Console messages of the front ends themselves, seen with a notebook that prints one line: not ours. (The
# classic page's MathJax asks an empty page for a font.)
FOREIGN_MESSAGES = re.compile(
    r"favicon|source ?map|about:blank|preload|service ?worker|"
    r"/lsp/|/api/kernels/.*/channels|"
    r"/api/contents/.*checkpoints|/lab/api/(news|extensions|update)|Failed to load resource.*(404|403)",
    re.IGNORECASE,
)


class BrowserMissing(RuntimeError):
    """Playwright or a Chromium executable is not installed."""


def find_chromium():
    """Path of the browser: $CHROMIUM, else the first known name on PATH.

    Raises:
        BrowserMissing: if there is none.
    """
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    if named:
        raise BrowserMissing(f"CHROMIUM={named} is not an executable")
    raise BrowserMissing("no Chromium on PATH: install it (apt install chromium) or set CHROMIUM to its path")


@contextlib.contextmanager
def chromium():
    """A headless Chromium, as Playwright's Browser.

    Playwright's synchronous interface keeps an asyncio loop running in this thread until the block ends:
    leave it before anything else in the process calls asyncio.run.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  (optional: only these tests need it)
    except ImportError as error:
        raise BrowserMissing("Playwright is not installed: pip install playwright") from error
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def free_port():
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copy_pack(source, target):
    """Copy what a student receives, notebooks and helpers/, from the root `source` into `target`."""
    target = Path(target)
    for notebook in Path(source).glob("*.ipynb"):
        shutil.copy2(notebook, target)
    compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(source) / "helpers", target / "helpers", ignore=compiled)


class JupyterServer:
    """A Jupyter server on a free loopback port, blind to the user's own configuration.

    Args:
        folder: the server's root, where kernels start too.
        private: an empty folder for its home, configuration and log (made beside `folder` by default).
        python: the interpreter whose Jupyter is started; another environment's works as well.
        classic: start Notebook 6 in place of JupyterLab and Notebook 7.
    """

    def __init__(self, folder, private=None, python=sys.executable, classic=False):
        self.folder = Path(folder)
        self.private = Path(private or f"{folder}-private")
        self.python = python
        self.classic = classic
        self.token = secrets.token_hex(16)
        self.url = None
        self.process = None

    def __enter__(self):
        self.private.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        app, base = ("notebook", "NotebookApp") if self.classic else ("jupyterlab", "ServerApp")
        command = [self.python, "-m", app, "--no-browser", "--allow-root", f"--{base}.ip=127.0.0.1"]
        command += [f"--{base}.port={port}", f"--{base}.port_retries=0", f"--{base}.token={self.token}"]
        if self.classic:
            command += [f"--NotebookApp.notebook_dir={self.folder}"]
        else:
            command[-1] = f"--IdentityProvider.token={self.token}"
            command += [f"--ServerApp.root_dir={self.folder}", "--LabApp.news_url=None"]
            command += ["--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True"]
            command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment(), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    @property
    def log_path(self):
        return self.private / "server.log"

    def log(self):
        """What the server and its kernels wrote so far, as text."""
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """Stop the server, which shuts its kernels down."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def request(self, path, method="GET", timeout=20):
        """Ask the server's REST interface at `path` ("api/sessions").

        Returns:
            its answer decoded from JSON, None if empty.
        """
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def kernel_of(self, notebook):
        """Identifier of the kernel that runs `notebook` (path from the root)."""
        for session in self.request("api/sessions"):
            if session["path"] == notebook:
                return session["kernel"]["id"]
        raise LookupError(f"no kernel runs {notebook}")

    def _environment(self):
        """Ours, without the user's Jupyter, and with matplotlib's font cache (seconds to build) kept."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
        environment.pop("PYTEST_CURRENT_TEST", None)
        environment.pop("LAB_RECORDS", None)  # trainings are kept beside the notebook, as a student's
        with contextlib.suppress(ImportError):
            import matplotlib  # noqa: PLC0415

            environment.setdefault("MPLCONFIGDIR", matplotlib.get_cachedir())
        for key in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            environment[key] = str(self.private / key.lower())
            Path(environment[key]).mkdir(exist_ok=True)
        for key in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
            environment[key] = str(self.private / key.lower())
        # The question "fetch news?" would cover the page.
        quiet = Path(environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "apputils-extension")
        quiet.mkdir(parents=True, exist_ok=True)
        settings = {"fetchNews": "false", "checkForUpdates": False}
        (quiet / "notification.jupyterlab-settings").write_text(json.dumps(settings))
        return environment

    def _wait_until_ready(self, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.request("api/status", timeout=2)
                return
            time.sleep(0.1)
        raise RuntimeError(f"the Jupyter server did not start:\n{self.log()[-2000:]}")


def open_notebook(browser, server, path, front="lab", width=1600, height=1100, scale=1, timeout=60):
    """Open `path` (from the server's root) in a window of its own and wait for its kernel.

    Args:
        front: "lab", "notebook" or "classic".
        width, height: the window, in CSS pixels; `scale` device pixels each.
        timeout: seconds.

    Returns:
        LabNotebook or ClassicNotebook, which behave alike.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page = context.new_page()
    kind = ClassicNotebook if front == "classic" else LabNotebook
    notebook = kind(page, server, path)
    query = "?reset&" if front == "lab" else "?"
    page.goto(f"{server.url}/{FRONTS[front]}/{path}{query}token={server.token}")
    notebook.wait_until_open(timeout)
    return notebook


class NotebookPage:
    """A notebook in a browser window: run cells, read outputs, find widgets, collect errors.

    What differs between front ends is a few lines of JavaScript, in the two subclasses. Times are in seconds.
    """

    # JavaScript, given by the front end.
    READY = LISTEN = RUN = CELLS = APPEND = WRITE = SCROLL = SAVE = NotImplemented
    ROOT = NotImplemented  # CSS selector of the notebook in its page

    def __init__(self, page, server, path):
        self.page = page
        self.server = server
        self.path = path
        self.console_errors = []
        self._devtools = page.context.new_cdp_session(page)
        self._scratch = None  # index of the cell that execute uses
        page.on("console", self._on_console)
        page.on(
            "pageerror", lambda error: self.console_errors.append(f"uncaught: {error.stack or error.message}")
        )

    def _on_console(self, message):
        said = f"{message.text} ({(message.location or {}).get('url', '')})"
        if message.type == "error" and not FOREIGN_MESSAGES.search(said):
            self.console_errors.append(said)

    # Running

    def wait_until_open(self, timeout=60):
        """Wait for the notebook and for a kernel that is idle."""
        self.page.wait_for_function(self.READY, timeout=timeout * 1000)
        self.page.evaluate(self.LISTEN)
        self.console_errors.clear()  # the front end's own; nothing of ours has run yet

    def start(self, *indices):
        """Ask for the cells at `indices` to be run (all of them if none is named), without waiting."""
        self.page.evaluate(self.RUN, list(indices) or None)

    def wait(self, timeout=120):
        """Wait for what `start` asked for. The kernel may stay busy with a widget that plays."""
        self.page.wait_for_function("() => window.labRun.done", timeout=timeout * 1000, polling=50)

    def run(self, *indices, timeout=120):
        """Run the cells at `indices`, in that order, to the end."""
        self.start(*indices)
        self.wait(timeout)

    def run_all(self, timeout=300):
        """Run all cells to the end, or to the first that fails."""
        self.start()
        self.wait(timeout)

    def execute(self, code, timeout=120):
        """Run `code` in a cell at the end of the notebook, always the same one.

        Returns:
            the text that it prints or shows.
        """
        if self._scratch is None:
            self._scratch = self.page.evaluate(self.APPEND)
        self.write(self._scratch, code)
        self.run(self._scratch, timeout=timeout)
        errors = [o for o in self.outputs(self._scratch) if o["output_type"] == "error"]
        if errors:
            raise RuntimeError(f"{errors[0]['ename']}: {errors[0]['evalue']}")
        return self.text(self._scratch)

    def write(self, index, source):
        """Replace the source of the cell at `index`, as one types it."""
        self.page.evaluate(self.WRITE, [index, source])

    def interrupt(self):
        """Interrupt the kernel as the stop button does, through the server."""
        self.server.request(f"api/kernels/{self.kernel}/interrupt", method="POST")

    @property
    def kernel(self):
        return self.server.kernel_of(self.path)

    def save(self):
        """Write the notebook to the server's folder."""
        self.page.evaluate(self.SAVE)

    # Reading

    def cells(self):
        """The cells as in a notebook file: a list of dicts."""
        return self.page.evaluate(self.CELLS)

    def find(self, text):
        """Index of the first code cell whose source contains `text`."""
        for index, cell in enumerate(self.cells()):
            if cell["cell_type"] == "code" and text in "".join(cell["source"]):
                return index
        raise LookupError(f"no code cell contains {text!r}")

    def outputs(self, index):
        """Outputs of a cell, as in a notebook file."""
        return self.cells()[index].get("outputs", [])

    def text(self, index):
        """All that a cell printed or showed as plain text."""
        parts = []
        for output in self.outputs(index):
            part = output.get("text", output.get("data", {}).get("text/plain", ""))
            parts.append("".join(part))
        return "".join(parts)

    def cell_errors(self):
        """`name: message` for each output of type error."""
        outputs = [output for cell in self.cells() for output in cell.get("outputs", [])]
        return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]

    def kernel_errors(self):
        """`name: message` for each error that the kernel reported, in cells and in widgets' callbacks alike.

        The page shows the latter nowhere.
        """
        return self.page.evaluate("() => window.labErrors")

    # Acting on what is shown

    @property
    def root(self):
        """Locator of the notebook, without the front end's own menus and toolbars."""
        return self.page.locator(self.ROOT)

    def scroll_to(self, index):
        """Bring a cell into view (JupyterLab keeps in the page only the cells near the view)."""
        self.page.evaluate(self.SCROLL, index)

    def button(self, name, exact=False):
        """Locator of the button whose accessible name contains (or is) `name`."""
        return self.root.get_by_role("button", name=name, exact=exact)

    def throttle(self, rate):
        """Slow the page `rate` times (1: full speed)."""
        self._devtools.send("Emulation.setCPUThrottlingRate", {"rate": rate})

    def resize(self, width, height, scale=1):
        """Give the window a size in CSS pixels, of `scale` device pixels each.

        Zooming with Ctrl + makes fewer and larger CSS pixels of the same window.
        """
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._devtools.send("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self, path):
        """Save a picture of the window (Playwright's own would undo a resize)."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        picture = self._devtools.send("Page.captureScreenshot", {"format": "png"})["data"]
        Path(path).write_bytes(base64.b64decode(picture))

    def film(self, count, timeout=60):
        """The next `count` frames that the window really shows, or more, as bytes of PNG pictures.

        Fewer if they take longer than `timeout` seconds.
        """
        frames = []

        def keep(frame):
            frames.append(base64.b64decode(frame["data"]))
            self._devtools.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

        self._devtools.on("Page.screencastFrame", keep)
        self._devtools.send("Page.startScreencast", {"format": "png"})
        deadline = time.monotonic() + timeout
        while len(frames) < count and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        self._devtools.send("Page.stopScreencast")
        self._devtools.remove_listener("Page.screencastFrame", keep)
        return frames

    def close(self):
        """Close the window and shut its kernel down."""
        with contextlib.suppress(Exception):
            self.server.request(f"api/kernels/{self.kernel}", method="DELETE")
        self.page.context.close()


class LabNotebook(NotebookPage):
    """JupyterLab 4 and Notebook 7: the same application under two shells."""

    ROOT = ".jp-Notebook"
    READY = """() => {
        const panel = window.jupyterapp?.shell.currentWidget;
        return panel?.content?.model?.cells?.length > 0
            && panel.sessionContext.session?.kernel?.status === 'idle';
    }"""
    LISTEN = """() => {
        const errors = window.labErrors = [];
        const traces = window.labTraces = [];  // where each of them was raised
        window.jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, message) => {
            if (message.header.msg_type !== 'error') return;
            const { ename, evalue, traceback } = message.content;
            errors.push(`${ename}: ${evalue}`);
            traces.push(traceback.join('\\n'));
        });
    }"""
    # The promise stays in the page: page.evaluate would wait for it without timeout.
    RUN = """indices => {
        const { commands, shell } = window.jupyterapp;
        const content = shell.currentWidget.content;
        const run = window.labRun = { done: false };
        const each = async () => {
            if (!indices) await commands.execute('notebook:run-all-cells');
            for (const index of indices ?? []) {
                content.activeCellIndex = index;
                content.deselectAll();
                await commands.execute('notebook:run-cell');
            }
        };
        each().finally(() => { run.done = true; });
    }"""
    CELLS = """() => {
        const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        return Array.from(cells, cell => cell.toJSON());
    }"""
    APPEND = """() => {
        const model = window.jupyterapp.shell.currentWidget.content.model;
        model.sharedModel.addCell({ cell_type: 'code', source: '' });
        return model.cells.length - 1;
    }"""
    WRITE = """([index, source]) => {
        const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        cells.get(index).sharedModel.setSource(source);
    }"""
    SCROLL = """index => {
        const content = window.jupyterapp.shell.currentWidget.content;
        content.activeCellIndex = index;
        return content.scrollToItem(index, 'start');
    }"""
    SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"


class ClassicNotebook(NotebookPage):
    """The page of Notebook 6, which renders widgets as Colab's ipywidgets 7 does."""

    ROOT = "#notebook-container"
    # Until the widgets' extension has come, which takes its time, a widget would not be shown at all.
    READY = """() => {
        const notebook = window.Jupyter?.notebook;
        return notebook?._fully_loaded && notebook.kernel?.is_connected()
            && !notebook.kernel_busy && notebook.kernel.widget_manager;
    }"""
    # The widgets' extension first asks the kernel for the widgets it holds, and drops those that appear while
    # it does (two exchanges); ours, each sent after one of them, outlast them.
    LISTEN = """async () => {
        const kernel = Jupyter.notebook.kernel;
        for (let exchange = 0; exchange < 3; exchange++)
            await new Promise(answered => kernel.comm_info('jupyter.widget', answered));
        const errors = window.labErrors = [];
        kernel.register_iopub_handler('error', message => {
            errors.push(`${message.content.ename}: ${message.content.evalue}`);
            return kernel._handle_output_message(message);
        });
    }"""
    RUN = """indices => {
        const notebook = Jupyter.notebook;
        const wanted = indices ?? notebook.get_cells().map((cell, index) => index);
        const run = window.labRun = { done: false };
        notebook.execute_cells(wanted);
        const cells = wanted.map(index => notebook.get_cell(index));
        // The reply ends a cell, but what it printed may still be on its way.
        const sent = notebook.kernel._msg_callbacks;
        const isAwaited = cell =>
            cell.element.hasClass('running') || sent[cell.last_msg_id]?.iopub_done === false;
        const timer = setInterval(() => {
            if (cells.some(isAwaited)) return;
            clearInterval(timer);
            run.done = true;
        }, 50);
    }"""
    CELLS = "() => Jupyter.notebook.get_cells().map(cell => cell.toJSON())"
    APPEND = """() => {
        Jupyter.notebook.insert_cell_at_bottom('code');
        return Jupyter.notebook.ncells() - 1;
    }"""
    WRITE = "([index, source]) => Jupyter.notebook.get_cell(index).set_text(source)"
    SCROLL = "index => Jupyter.notebook.get_cell(index).element[0].scrollIntoView()"
    SAVE = "() => Jupyter.notebook.save_notebook()"
