"""What a notebook comes to for marking: which cells to run, and where to ask for which answers.

The checks are those of our own edition, never the student's. Cells of ours that no answer depends on, such as
figures and trainings that nobody reads, are left out: that is most of a notebook's time.
"""

import ast
import builtins
import re
import warnings
from dataclasses import dataclass, field

from nbformat import NotebookNode

from ..collect.reattach import MAGIC
from ..editions import is_check

# Names of the edition's modules: calling one of their functions changes no variable.
_MODULES = {"cifar10", "experiments", "plotting", "part1", "part2", "part3", "part4", "np", "print"}
# A student's code that names one of these may read any variable without naming it.
_ANY_NAME = {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__import__"}


@dataclass
class Plan:
    """How one notebook is marked.

    Attributes:
        part: module of its checks, such as "part1".
        steps: for the checker, in order.
        left_out: names that the statements left out assign.
    """

    part: str
    steps: list[dict] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def make_plan(notebook: NotebookNode, complete: bool = False) -> Plan:
    """Return the plan of a student's notebook.

    Args:
        notebook: rebuilt on the edition, whose checks it holds; each cell's metadata "lab" tells its
            "origin": "edition", "answer" or "student".
        complete: run every cell, needed or not.

    Raises:
        ValueError: a check cell of the edition is not a call of one check.
    """
    plan, answer = Plan(part=""), None
    needed = {} if complete else _needed(notebook.cells, plan.left_out)
    for position, cell in enumerate(notebook.cells):
        if is_check(cell):
            plan.part, check, arguments = read_check(cell)
            step = {"check": check, "arguments": arguments, "cell": cell.id}
            plan.steps.append(step | ({"answer": answer} if answer else {}))
        elif cell.cell_type == "code" and cell.source.strip():
            if origin(cell) == "answer":
                answer = cell.id
            if source := cell.source if complete else needed.get(position):
                plan.steps.append({"run": source, "cell": cell.id, "origin": origin(cell)})
    return plan


def origin(cell: NotebookNode) -> str:
    """Tell where a cell of a rebuilt notebook comes from: "edition", "answer" or "student"."""
    return cell.metadata.get("lab", {}).get("origin", "student")


def read_check(cell: NotebookNode) -> tuple[str, str, list[str]]:
    """Read ``part1.check_plateau(palier, constante)`` as its module, its check and its arguments."""
    try:
        (statement,) = ast.parse(cell.source).body
        call = statement.value
        if call.keywords:
            raise ValueError
        return call.func.value.id, call.func.attr, [ast.unparse(argument) for argument in call.args]
    except (SyntaxError, ValueError, AttributeError):
        raise ValueError(f"the check cell {cell.id!r} of the edition is not one call of a check") from None


def _needed(cells, left_out) -> dict[int, str]:
    """Return what to run, by position: the student's cells, and our statements that they depend on."""
    everything = {position: cell.source for position, cell in enumerate(cells) if cell.cell_type == "code"}
    needed, names = {}, set()
    for position, source in reversed(everything.items()):
        cell = cells[position]
        if is_check(cell):
            names |= _reads(ast.parse(source)) - {read_check(cell)[0]}  # we call the check, elsewhere
            continue
        statements = _statements(source)
        if origin(cell) == "edition":
            kept = []
            for statement in reversed(statements):
                if _touches(statement) & names:
                    kept.insert(0, statement)
                    names |= _reads(statement)
                else:
                    left_out |= _touches(statement)
            if kept == statements:
                needed[position] = source
            elif kept:
                needed[position] = ast.unparse(ast.Module(kept, []))
            continue
        unread = source if statements is None else "\n".join(found[0] for found in MAGIC.finditer(source))
        reads = set(re.findall(r"\w+", unread)).union(*map(_reads, statements or ()))
        if reads & _ANY_NAME:
            return everything
        needed[position] = source
        names |= reads
    return needed


def _statements(source) -> list[ast.stmt] | None:
    """Parse a cell, magics left out; None where that is not all that IPython may make of it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(MAGIC.sub(r"\1pass", source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _reads(tree):
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names - (set(dir(builtins)) - _ANY_NAME)


def _touches(statement):
    """Return the names that a statement of ours assigns or imports, and those whose object it may change."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            names.add(_root(node))
    # `model.fit(...)` changes a model; `plotting.surfaces(...)` and `print(...)` change nothing.
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        names |= {_root(statement.value.func)} - _MODULES
    return names - {None}


def _root(node):
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
