"""The house: what ships to students serves them. The arrows between rooms are import-linter's affair."""

import ast
import re
from pathlib import Path

import nbformat

import helpers
from helpers.setup.report import ENGINE

ROOT = Path(__file__).parent.parent
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BODY = ""  # the statements of a module that define nothing: they run once anything of it is used


class House:
    """Modules and which of their top-level names use which, read from the sources without running them.

    Attributes:
        named: module -> name -> the statements that define it.
        imported: module -> name -> (module, name) where it comes from; the name is "" for a whole module.
    """

    def __init__(self, sources: dict[str, str], packages: set[str]):
        self.named, self.imported = {}, {}
        for module, source in sources.items():
            package = module if module in packages else module.rpartition(".")[0]
            self.named[module], self.imported[module] = {}, {}
            tree = ast.parse(source)
            for statement in tree.body:
                for name in _defined(statement):
                    self.named[module].setdefault(name, []).append(statement)
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    above = (
                        package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                    )
                    origin = ".".join(filter(None, [*above, node.module]))
                    for alias in node.names:
                        self.imported[module][alias.asname or alias.name] = origin, alias.name
                elif isinstance(node, ast.Import):
                    for alias in node.names:
                        self.imported[module][alias.asname or alias.name] = alias.name, ""

    def find(self, module: str, chain: list[str]) -> tuple[str, str] | None:
        """Return the (module, name) that ``a.b.c``, seen in a module, stands for, or None if not ours."""
        while chain:
            name, *chain = chain
            if name in self.named[module]:
                return module, name
            origin, name = self.imported[module].get(name, (module, name))
            inner = f"{origin}.{name}" if name else origin
            if inner in self.named:
                module = inner
            elif origin in self.named and origin != module:
                module, chain = origin, [name, *chain]
            else:
                return None
        return module, BODY

    def reached(self, roots: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return all that is used by the roots, or by what they use."""
        reached, waiting = set(), list(roots)
        while waiting:
            module, name = place = waiting.pop()
            if place not in reached:
                reached.add(place)
                used = (
                    self.find(module, chain)
                    for node in self.named[module].get(name, ())
                    for chain in _uses(node)
                )
                waiting += [(module, BODY), *filter(None, used)]
        return reached

    def public(self) -> set[tuple[str, str]]:
        """Return the functions and classes that a module offers to others."""
        return {
            (module, name)
            for module, names in self.named.items()
            for name, statements in names.items()
            if isinstance(statements[0], DEFINITIONS) and not name.startswith("_")
        }


def _defined(statement):
    """Return the names that a top-level statement defines."""
    if isinstance(statement, DEFINITIONS):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return []
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    names = [
        node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)
    ]
    return names if isinstance(statement, (ast.Assign, ast.AnnAssign)) and names else [BODY]


def _uses(node, local=frozenset()):
    """Return the dotted names that a statement reads, as lists, but for a function's own variables."""
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        inside = list(ast.walk(node))
        local |= {other.arg for other in inside if isinstance(other, ast.arg)}
        local |= {
            other.id for other in inside if isinstance(other, ast.Name) and isinstance(other.ctx, ast.Store)
        }
        local |= {other.name for other in inside if isinstance(other, DEFINITIONS) and other is not node}
    chain, inner = [], node
    while isinstance(inner, ast.Attribute):
        chain, inner = [inner.attr, *chain], inner.value
    if isinstance(inner, ast.Name):
        return [] if inner.id in local else [[inner.id, *chain]]
    return [use for child in ast.iter_child_nodes(node) for use in _uses(child, local)]


def _module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def helpers_and_roots() -> tuple[House, list[tuple[str, str]]]:
    """Read helpers, the student's notebooks and the face that they import from."""
    paths = list((ROOT / "helpers").rglob("*.py"))
    sources = {_module(path): path.read_text("utf-8") for path in paths}
    packages = {_module(path) for path in paths if path.name == "__init__.py"}
    notebooks = sorted(ROOT.glob("part*.ipynb"))
    for path in notebooks:
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        sources[path.stem] = re.sub(r"^\s*[%!].*$", "", "\n".join(cells), flags=re.MULTILINE)
    sources["python -m helpers"] = ENGINE
    house = House(sources, packages)
    # The face is a module that imports lazily.
    for name, room in helpers._MODULES.items():
        house.imported["helpers"][name] = f"helpers.{room}", ""
    for name, room in helpers._PLACES.items():
        house.imported["helpers"][name] = f"helpers.{room}", name
    roots = [(path.stem, name) for path in notebooks for name in house.named[path.stem]]
    roots += [("helpers.__main__", BODY), ("python -m helpers", BODY), ("helpers.setup.python", "require")]
    roots += [house.find("helpers", [name]) for name in helpers._PLACES]
    return house, roots


def test_all_that_is_public_in_helpers_serves_a_student():
    house, roots = helpers_and_roots()
    assert len(house.public()) > 150
    assert sorted(house.public() - house.reached(roots)) == []


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
    reached = house.reached([("notebook", BODY), ("notebook", "found")])
    assert {name for _, name in house.public() - reached} == {"lost", "also_lost"}
    assert {name for _, name in house.public() & reached} == {"Kept", "by_table", "far", "by_body"}
