"""What a notebook comes to for marking: which cells to run, and where to ask for which answers.

The checks are those of our own edition, never the student's. Cells of ours that no answer depends on, such as
figures and trainings that nobody reads, are left out: that is most of a notebook's time.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

from nbformat import NotebookNode

# A student's code that names one of these may read any variable without naming it.
_ANY_NAME = {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__import__"}


class PlanError(Exception):
    """A check cell of the edition is not a call of one check."""


@dataclass
class Plan:
    """How one notebook is marked.

    Attributes:
        part: module of its checks, such as "part1".
        steps: for the checker, in order.
        complete: no cell was left out.
        checks: grade_id of each check cell -> name of its check.
        texts: grade_id of each free text -> what the student wrote.
        answers: grade_id of each check cell -> source of the answer cell before it.
        untouched: grade_ids of the free texts still as the edition has them.
    """

    part: str
    steps: list[dict] = field(default_factory=list)
    complete: bool = True
    checks: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    untouched: set[str] = field(default_factory=set)


def make_plan(edition: NotebookNode, notebook: NotebookNode, complete: bool = False) -> Plan:
    """Return the plan of a student's notebook.

    Args:
        edition: what was handed out.
        notebook: the student's, rebuilt on it: each cell's metadata "lab" tells its "origin": "edition",
            "answer" or "student".
        complete: run every cell, needed or not.

    Raises:
        PlanError: a check cell of the edition is not a call of one check.
    """
    ours = {grade_id(cell): cell for cell in edition.cells if grade_id(cell)}
    plan = Plan(part="")
    needed = set(range(len(notebook.cells))) if complete else _needed(notebook.cells, ours)
    answer = None
    for position, cell in enumerate(notebook.cells):
        name = grade_id(cell)
        mine = ours.get(name)
        if mine is not None and is_free_text(mine):
            plan.texts[name] = cell.source
            if cell.source.strip() == mine.source.strip():
                plan.untouched.add(name)
        elif mine is not None and is_check(mine):
            plan.part, check, arguments = read_check(mine)
            plan.checks[name] = check
            plan.answers[name] = answer.source if answer else ""
            step = {"check": check, "arguments": arguments, "cell": cell.id}
            plan.steps.append(step | ({"answer": answer.id} if answer else {}))
        elif cell.cell_type == "code" and cell.source.strip():
            if origin(cell) == "answer":
                answer = cell
            if position in needed:
                plan.steps.append({"run": cell.source, "cell": cell.id, "origin": origin(cell)})
            else:
                plan.complete = False
    return plan


def grade_id(cell: NotebookNode) -> str | None:
    """Return nbgrader's name of a cell, None for one that has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def origin(cell: NotebookNode) -> str:
    """Tell where a cell of a rebuilt notebook comes from: "edition", "answer" or "student"."""
    return cell.metadata.get("lab", {}).get("origin", "student")


def is_check(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition checks an answer."""
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_free_text(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition is a free text, marked by hand."""
    settings = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "markdown" and bool(settings.get("grade") and settings.get("solution"))


def read_check(cell: NotebookNode) -> tuple[str, str, list[str]]:
    """Read ``part1.check_plateau(palier, constante)`` as its module, its check and its arguments."""
    try:
        (statement,) = ast.parse(cell.source).body
        call = statement.value
        if call.keywords:
            raise ValueError
        return call.func.value.id, call.func.attr, [ast.unparse(argument) for argument in call.args]
    except (SyntaxError, ValueError, AttributeError):
        raise PlanError(
            f"the check cell {grade_id(cell)!r} of the edition is not one call of a check"
        ) from None


def _needed(cells, ours):
    """Return the positions of the cells to run: all of the student's, and ours that they depend on."""
    needed, names = set(), set()
    for position in reversed(range(len(cells))):
        cell = cells[position]
        mine = ours.get(grade_id(cell))
        if cell.cell_type != "code" or (mine is not None and is_free_text(mine)):
            continue
        if mine is not None and is_check(mine):
            names |= _reads(ast.parse(mine.source))
            continue
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError):  # a magic, `!`, or an error: it may read anything
            return set(range(len(cells)))
        reads = _reads(tree)
        if origin(cell) != "edition":
            if reads & _ANY_NAME:
                return set(range(len(cells)))
        elif grade_id(cell) is None and not _touches(tree) & names:
            continue
        needed.add(position)
        names |= reads
    return needed


def _reads(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - (
        set(dir(builtins)) - _ANY_NAME
    )


def _touches(tree):
    """Return the names that a cell assigns, defines or imports, and those whose object it may change."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            base = node.value
            while isinstance(base, (ast.Attribute, ast.Subscript)):
                base = base.value
            if isinstance(base, ast.Name) and _may_change(node, tree):
                names.add(base.id)
    return names


def _may_change(node, tree):
    """Tell whether an attribute or item is assigned, or is a method called for its effect alone."""
    if not isinstance(node.ctx, ast.Load):
        return True
    return any(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and statement.value.func is node
        for statement in ast.walk(tree)
    )
