"""Marks and feedback: a check replays an answer and returns a ``Score``, never an exception.

nbgrader reads partial credit from a cell's text/plain, so a Score's repr is a plain number; what the
student sees is its HTML. An answer left as ``...`` is worth 0 and is said to be unanswered.
"""

import contextlib
import functools
import html
import io
import itertools
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..french import NBSP, BadValue, OneSentence, count, listed, plain, quoted, typographic
from ..notebook.running_cell import RUN_ALL, explain_errors, saved_cells, variables
from ..notebook.shown import ORANGE, SKY, card

# Icon, colour and word of a mark; the icon says it too, for those who do not see the colour.
_FULL = ("✓", SKY, "réussi")
_PARTIAL = ("◐", ORANGE, "en partie réussi")
_MISSED = ("✗", "#c4453c", "à revoir")
_UNANSWERED = ("○", "#8a8f94", "à compléter")
_STUB = re.compile(r"\*Écrivez votre réponse ici[^*]*\*")  # what holds a free text's place


class Wrong(Exception):
    """An answer that misses: the message says why in French and what to do; it may still earn points.

    So does a ``BadValue``, which earns none.
    """

    def __init__(self, feedback: str, points: float = 0.0):
        super().__init__(feedback)
        self.points = points


class Unanswered(Exception):
    """The answer is still left as ``...``: said so, and worth 0."""


@dataclass(frozen=True)
class Question:
    """One line of a part's marks: its key, such as "1.a", its French title and what it is worth at most."""

    key: str
    title: str
    points: float
    manual: bool = False  # a free text, which the teacher marks
    bonus: bool = False  # "pour aller plus loin": makes up for points lost elsewhere, and gives no more


class Score(float):
    """The mark of one question, a finite float between 0 and its maximum.

    Attributes:
        question: what was asked.
        feedback: French text for the student; `code` between backticks, "- " begins a list item.
        answered: False for an answer left as ``...``.
    """

    def __new__(cls, points: float, question: Question, feedback: str, answered: bool = True):
        points = float(points)
        # A NaN, a negative or too large number would earn full marks or crash nbgrader.
        points = min(max(points, 0.0), question.points) if math.isfinite(points) else 0.0
        score = super().__new__(cls, points)
        score.question, score.answered = question, answered
        score.feedback = typographic(feedback[:1].upper() + feedback[1:])
        return score

    @property
    def verdict(self) -> tuple[str, str, str]:
        """Icon, colour and word."""
        if not self.answered:
            return _UNANSWERED
        if self == self.question.points:
            return _FULL
        return _PARTIAL if self > 0 else _MISSED

    def _heading(self):
        icon, _, word = self.verdict
        marks = f"{plain(self)}{NBSP}/{NBSP}{count(self.question.points, 'point')}"
        return f"{icon} Question {self.question.key}", f"{marks}, {word}"

    def __repr__(self):
        return repr(float(self))

    def __str__(self):
        return f"{' – '.join(self._heading())}\n{self.feedback}"

    def _repr_html_(self):
        name, marks = self._heading()
        return card(self.verdict[1], f"<b>{name}</b> – {marks}{as_html(self.feedback)}")


class Marks:
    """The questions of one part and the scores given so far in this kernel, shown as a table."""

    def __init__(self, title: str, *questions: Question, lab: object = None):
        self.title, self.lab = title, lab  # the experiment that the notebook calls ``lab``, if there is one
        self.questions = {question.key: question for question in questions}  # in the order of the notebook
        self.scores: dict[str, Score] = {}  # the latest of each automatic question that was checked
        self.notes: list[str] = []  # further French sentences of the summary
        self._best: dict[str, tuple[Score, str]] = {}
        explain_errors()

    def check(self, key: str, answers: int | None = None) -> Callable:
        """Turn a function of a student's answers into a check of question ``key`` that never raises.

        The function returns French feedback for full marks, or (points, feedback), or raises ``Wrong``. Only
        its first ``answers`` arguments are answers, all by default: the others are what they are about.
        """
        question = self.questions[key]

        def decorate(function):
            @functools.wraps(function)
            def check(*given) -> Score:
                score = _score(question, function, given, answers)
                if (known := variables()) is not None:
                    score = self._in_a_notebook(score, given[:answers], known)
                self.scores[key] = score
                return score

            return check

        return decorate

    def prediction(self, key: str, told: Callable[[object], str], then: str) -> Callable:
        """Return a check that records a prediction: what ``told`` can read and say back earns its points."""
        return self.check(key)(lambda answer: f"Prédiction enregistrée : {told(answer)}. {then}")

    def _in_a_notebook(self, score, given, known):
        """Add what only a notebook can tell: that ``lab`` was changed, that an earlier answer earned more."""
        told, key = [score.feedback], score.question.key
        lab = known.get("lab")
        changed = isinstance(lab, type(self.lab)) and lab != self.lab
        if score.answered and score < score.question.points and changed:
            told.append(
                "Votre variable `lab` n'est plus celle de l'énoncé : vos mesures portent sur une autre "
                "expérience. Rétablissez sa cellule, puis exécutez de nouveau tout le carnet."
            )
        best, answer = self._best.get(key, (score, ""))
        if score < best:
            told.append(
                f"Une réponse précédente valait {count(best, 'point')}, et c'est la dernière écrite qui "
                f"compte. Pour la reprendre : `{answer}`"
            )
        else:
            self._best[key] = score, ", ".join(quoted(value, 2_000) for value in given)
        return Score(score, score.question, "\n".join(told), score.answered)

    def summary(self) -> "Marks":
        """Return what the end of the notebook shows: these marks, as one French sentence or the table."""
        return self

    @property
    def unanswered(self) -> list[str]:
        """Keys of the core's automatic questions not answered, or not checked yet."""
        return [
            key
            for key, question in self.questions.items()
            if not (question.manual or question.bonus)
            and not (key in self.scores and self.scores[key].answered)
        ]

    def _sentences(self):
        core = [question for question in self.questions.values() if not question.bonus]
        automatic = sum(question.points for question in core if not question.manual)
        manual = [question for question in core if question.manual]
        earned = sum(self.scores.get(question.key, 0) for question in core)
        total = f"{plain(earned)}{NBSP}/{NBSP}{count(automatic, 'point')}"
        sentences = [f"{self.title} : {total} pour les questions vérifiées ici."]
        if extra := sum(self.scores.values()) - earned:
            sentences.append(f"Pour aller plus loin : {count(extra, 'point')} de bonus.")
        if manual:
            names = listed(question.key for question in manual)
            points = count(sum(question.points for question in manual), "point")
            sentences.append(f"Réponses rédigées, notées par l'enseignant ({points}) : {names}.")
        if left := self._blank_texts():
            are = "réponses rédigées sont vides" if len(left) > 1 else "réponse rédigée est vide"
            sentences.append(f"Dans le carnet enregistré, {len(left)} {are} : {listed(left)}.")
        if self.unanswered:
            sentences.append(
                f"À compléter : {listed(self.unanswered)}. Déjà fait ? Un redémarrage du noyau oublie les "
                f"vérifications. Exécutez alors de nouveau tout le carnet : {RUN_ALL}."
            )
        else:
            sentences.append("Toutes les questions vérifiées ici ont une réponse.")
        return [typographic(sentence) for sentence in [*sentences, *self.notes]]

    def __repr__(self):
        return " ".join(self._sentences())

    def _repr_html_(self):
        rows = "".join(self._row(question) for question in self.questions.values())
        first, *others = (html.escape(sentence) for sentence in self._sentences())
        table = f'<table style="margin:.6em 0;border-collapse:collapse">{rows}</table>'
        colour = _UNANSWERED[1] if self.unanswered else _FULL[1]
        return card(colour, f"<b>{first}</b>{table}{'<br>'.join(others)}")

    def _blank_texts(self):
        """Return the keys of the core's free texts that the saved notebook leaves blank."""
        left = []
        for cell in saved_cells():
            name = re.match(
                r"q(\d+)([a-z])-", cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
            )
            question = self.questions.get(f"{name[1]}.{name[2]}") if name else None
            if question and question.manual and not question.bonus and cell.get("cell_type") == "markdown":
                text = "".join(cell.get("source", ())).strip()
                left += [question.key] if not _STUB.sub("", text).strip() else []
        return left

    def _row(self, question):
        score = self.scores.get(question.key)
        if question.manual:
            icon, colour, word, points = "✎", "inherit", "rédigée, notée par l'enseignant", "–"
        elif score is None:
            (icon, colour, word), points = _UNANSWERED, "0"
            word = "pas encore vérifiée"
        else:
            (icon, colour, word), points = score.verdict, plain(score)
        cells = (
            f'<span style="color:{colour}">{icon}</span>',
            question.key,
            html.escape(typographic(question.title)) + " (bonus)" * question.bonus,
            f"{points}{NBSP}/{NBSP}{plain(question.points)}",
            html.escape(word),
        )
        style = "text-align:left;padding:.15em .9em .15em 0;background:none;color:inherit"
        return (
            '<tr style="background:none">'
            + "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
            + "</tr>"
        )


def blank(answer: object) -> bool:
    """Tell whether an answer was left as ``...``, or as a list, tuple or dictionary of nothing else."""
    values = answer.values() if isinstance(answer, dict) else answer
    several = isinstance(answer, (list, tuple, dict)) and len(answer) > 0
    return answer is ... or (several and all(value is ... for value in values))


def combine(*parts: tuple[str, float, Callable, object]) -> tuple[float, str]:
    """Mark an answer made of several variables, each for itself; raise ``Unanswered`` if all are blank.

    Args:
        parts: (name of the variable, points, check of one value, value); the check returns feedback or
            raises ``Wrong``.

    Returns:
        Points and feedback, one list item per variable.
    """
    if all(blank(value) for *_, value in parts):
        raise Unanswered
    total, lines = 0.0, []
    for name, points, check, value in parts:
        if blank(value):
            (icon, _, feedback), earned = _UNANSWERED, 0.0
        else:
            try:
                (icon, _, _), feedback, earned = _FULL, check(value), points
            except (Wrong, BadValue) as wrong:
                (icon, _, _), feedback, earned = _MISSED, str(wrong), getattr(wrong, "points", 0.0)
        total += earned
        lines.append(f"- {icon} `{name}` : {feedback}")
    return total, "\n".join(lines)


def _score(question, function, given, answers) -> Score:
    try:
        if all(map(blank, given[:answers])):
            raise Unanswered
        # Anything on stderr would cost all the marks in nbgrader, be it only a warning.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = function(*given)
    except Unanswered:
        return Score(0, question, "Remplacez les `...` de la cellule précédente, puis exécutez-la.", False)
    except (Wrong, BadValue) as wrong:
        return Score(getattr(wrong, "points", 0.0), question, str(wrong))
    except KeyboardInterrupt:
        raise
    except OneSentence as error:  # of ours, such as data that cannot be had
        return Score(0, question, f"Votre réponse n'est pas en cause, elle n'a pas été vérifiée. {error}")
    except BaseException as error:  # a student's object may raise anything, SystemExit included
        return Score(
            0,
            question,
            f"La vérification s'est arrêtée sur une erreur ({type(error).__name__}) : elle ne dit pas que "
            "votre réponse est fausse. Si sa forme est bien celle de l'énoncé, prévenez votre enseignant.",
        )
    points, feedback = (question.points, result) if isinstance(result, str) else result
    return Score(points, question, feedback)


def as_html(text: str) -> str:
    """Convert feedback: escaped, backticks as code, lines beginning with "- " as a list."""
    rich = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    pieces = []
    for is_list, lines in itertools.groupby(rich.splitlines(), lambda line: line.startswith("- ")):
        if is_list:
            items = "".join(f"<li>{line.removeprefix('- ')}</li>" for line in lines)
            pieces.append(f'<ul style="margin:.2em 0">{items}</ul>')
        else:
            pieces += [f"<div>{line}</div>" for line in lines if line]
    return "".join(pieces)
