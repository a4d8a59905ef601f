"""The house: what ships to students serves them. The arrows between rooms are import-linter's affair."""

import ast
import re
from pathlib import Path

import nbformat

import helpers
from helpers.setup.report import ENGINE

ROOT = Path(__file__).parent.parent
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
BODY = ""  # the statements of a module that define nothing: they run once anything of it is used


class House:
    """Modules and what their top-level names use, read from the sources without running them.

    Attributes:
        named: module -> name -> the statements that define it.
        imported: module -> name -> (module, name) where it comes from.
    """

    def __init__(self, sources: dict[str, str], packages: set[str]):
        self.named, self.imported = {}, {}
        for module, source in sources.items():
            named, imported = self.named.setdefault(module, {}), self.imported.setdefault(module, {})
            tree = ast.parse(source)
            for statement in tree.body:
                for name in _defined(statement):
                    named.setdefault(name, []).append(statement)
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    ups = node.level - (module in packages)
                    above = module.split(".")[: -ups or None] if node.level else []
                    origin = ".".join(filter(None, [*above, node.module]))
                    imported |= {alias.asname or alias.name: (origin, alias.name) for alias in node.names}
                elif isinstance(node, ast.Import):
                    imported |= {alias.asname or alias.name: (alias.name, BODY) for alias in node.names}

    def find(self, module: str, chain: list[str]) -> tuple[str, str] | None:
        """Return the (module, name) that ``a.b.c``, seen in a module, stands for; None if not ours."""
        while chain:
            name, *chain = chain
            if name in self.named[module]:
                return module, name
            origin, name = self.imported[module].get(name, (module, name))
            if (inner := f"{origin}.{name}".strip(".")) in self.named:
                module = inner
            elif origin in self.named and origin != module:
                module, chain = origin, [name, *chain]
            else:
                return None
        return module, BODY

    def unreached(self, roots: list[tuple[str, str]]) -> set[str]:
        """Return the public functions and classes that neither the roots use nor what they use."""
        reached, waiting = set(), list(roots)
        while waiting:
            module, name = place = waiting.pop()
            if place not in reached:
                reached.add(place)
                statements = self.named[module].get(name, ())
                used = [self.find(module, chain) for statement in statements for chain in _uses(statement)]
                waiting += [(module, BODY), *filter(None, used)]
        return {
            f"{module}.{name}"
            for module, names in self.named.items()
            for name, (first, *_) in names.items()
            if isinstance(first, DEFINITIONS) and not name.startswith("_") and (module, name) not in reached
        }


def _defined(statement):
    """Return the names that a top-level statement defines, or BODY if it does something else."""
    if isinstance(statement, DEFINITIONS):
        return [statement.name]
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names or ([] if isinstance(statement, (ast.Import, ast.ImportFrom)) else [BODY])


def _uses(node, local=frozenset()):
    """Return the dotted names that a statement reads, as lists, but for a function's own variables."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        for inner in ast.walk(node):
            if isinstance(inner, ast.arg):
                local |= {inner.arg}
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                local |= {inner.id}
    chain, inner = [], node
    while isinstance(inner, ast.Attribute):
        chain, inner = [inner.attr, *chain], inner.value
    if isinstance(inner, ast.Name):
        return [] if inner.id in local else [[inner.id, *chain]]
    return [use for child in ast.iter_child_nodes(node) for use in _uses(child, local)]


def _module(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_all_that_is_public_in_helpers_serves_a_student():
    """From a cell of a notebook, ``python -m helpers`` or a name of helpers' face, one comes to all of it."""
    paths = list((ROOT / "helpers").rglob("*.py"))
    sources = {_module(path): path.read_text("utf-8") for path in paths}
    starts = {"python -m helpers": ENGINE}
    for path in ROOT.glob("part*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        starts[path.stem] = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
    house = House(sources | starts, {_module(path) for path in paths if path.name == "__init__.py"})
    # The face imports a name once it is asked for.
    rooms = {name: (f"helpers.{room}", BODY) for name, room in helpers._MODULES.items()}
    face = {name: (f"helpers.{room}", name) for name, room in helpers._PLACES.items()}
    house.imported["helpers"] |= rooms | face
    roots = [(start, name) for start in starts for name in house.named[start]]
    roots += [*face.values(), ("helpers.setup.python", "require"), ("helpers.__main__", BODY)]
    assert len(house.unreached([])) > 250
    assert house.unreached(roots) == set()


def test_what_nobody_reaches_is_found():
    sources = {
        "helpers": "",
        "helpers.room": "from .deep import far as near, Kept",
        "helpers.room.deep": """
class Kept:
    def method(self, lost=3):
        return _private(lost)
def _private(value):
    return TABLE["key"](value)
def by_table(value): ...
TABLE = {"key": by_table}
def far(): ...
def lost():
    return lost() + also_lost()
def also_lost(): ...
register(by_body)
def by_body(): ...
""",
        "notebook": "from helpers import room\nroom.near()\nfound = room.Kept()",
    }
    house = House(sources, {"helpers", "helpers.room"})
    deep = "helpers.room.deep"
    assert house.unreached([]) == {
        f"{deep}.{name}" for name in ("Kept", "by_table", "far", "lost", "also_lost", "by_body")
    }
    lost = {f"{deep}.lost", f"{deep}.also_lost"}
    assert house.unreached([("notebook", BODY), ("notebook", "found")]) == lost
