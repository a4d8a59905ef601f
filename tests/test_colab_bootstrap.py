"""The notebooks' first cell as on Colab: an empty folder, a stand-in google.colab, a server for GitHub.

The archive is made by ``git archive``, as GitHub makes it, and served on the loopback in GitHub's place.
"""

import functools
import http.server
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
STAMP = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["lab"]
NOTEBOOKS = [path for path in sorted(ROOT.glob("part*.ipynb")) if int(path.name[4]) in STAMP["parts"]]
TAG = "cours-2026"


def first_cell(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def fetching(source):
    """The lines that fetch the helpers: all before anything is imported for them."""
    return source.partition("\nimport helpers")[0]


@pytest.fixture(scope="module")
def github(tmp_path_factory):
    """Serve this commit's helpers where GitHub has an archive; yield the server's address."""
    folder = tmp_path_factory.mktemp("github")
    archive = folder / STAMP["repository"] / "archive" / f"{TAG}.tar.gz"
    archive.parent.mkdir(parents=True)
    command = ["git", "archive", f"--prefix=NAME-{TAG}/", f"--output={archive}", "HEAD", "helpers", "LICENSE"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        pytest.skip("not in a git checkout")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def colab(tmp_path, github):
    """An empty folder, and a function that runs Python there as Colab would."""
    module = tmp_path / "stand-in" / "google" / "colab"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    content = tmp_path / "content"
    content.mkdir()

    def run(source, tag=TAG, server=github):
        source = f"import google.colab\n{source.replace('https://github.com', server)}"
        source = source.replace(f"/{STAMP['ref']}.tar.gz", f"/{tag}.tar.gz")
        return subprocess.run(
            [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", source],
            cwd=content,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(module.parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    run.content = content
    return run


def test_all_notebooks_fetch_the_helpers_in_the_same_way():
    assert len({fetching(first_cell(notebook)) for notebook in NOTEBOOKS}) == 1


def test_the_whole_first_cell_works_twice_in_a_row(colab):
    source = first_cell(NOTEBOOKS[0])
    first = colab(source)
    assert first.returncode == 0, first.stderr
    assert "Tout est prêt" in first.stdout
    assert [path.name for path in colab.content.iterdir()] == ["helpers"]
    assert (colab.content / "helpers" / "playground" / "playground.css").exists()
    second = colab(fetching(source), server="http://127.0.0.1:9")  # nothing is fetched again
    assert second.returncode == 0, second.stderr


@pytest.mark.parametrize(
    ("where", "reason"), [({"tag": "absent"}, "404"), ({"server": "http://127.0.0.1:9"}, "connect")], ids=str
)
def test_what_fails_is_said_in_french_below_the_reason(colab, where, reason):
    result = colab(fetching(first_cell(NOTEBOOKS[0])), **where)
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert reason in said
    assert "RuntimeError: Échec\u00a0: " in said
    assert not (colab.content / "helpers").exists()
