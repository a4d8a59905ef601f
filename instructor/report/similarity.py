"""Finds submissions that are alike beyond chance, for a human to look at. It proves nothing.

Free texts and code are cut in overlapping runs of words (shingles; Broder, "On the resemblance and
containment of documents", 1997). Runs of the statement's own text, and runs that many students share, say
nothing. An inverted index finds the pairs: the time grows with what is shared, not with all pairs.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from helpers.french import percent

from ..editions import part
from ..records import QuestionResult, StudentResult, asked

LONGEST = 100_000  # characters compared
RUN = 4  # words in a shingle
SHORTEST = 12  # shingles: a shorter text is too easily the same
# Part of the shorter text that is shared, for prose (True) and code, which looks more alike anyway.
CONTAINED = {True: 0.35, False: 0.7}
FEW, SHARE, MANY = 4, 0.1, 15  # what more than 10 % of the students (but 4 to 15) share is common knowledge
RARE = 2  # a wrong answer that only two students gave
RARE_TO_FLAG = 3
_RARE = "la même réponse fausse, que personne d'autre n'a donnée"


@dataclass
class Evidence:
    """Two answers to one question, each as pieces of text that are shared or not."""

    part: str
    question: QuestionResult
    why: str
    left: list[tuple[str, bool]]
    right: list[tuple[str, bool]]


@dataclass
class Pair:
    """Two students whose work should be read side by side, the strongest evidence first."""

    left: StudentResult
    right: StudentResult
    strength: float
    evidence: list[Evidence]


def similar(students: Sequence[StudentResult]) -> list[Pair]:
    """Return the pairs to look at, the most alike first."""
    answers = defaultdict(dict)  # (part, key) -> student's identifier -> question
    for (identifier, *place), (_, question) in asked(students).items():
        if question.answered and question.answer.strip():
            answers[tuple(place)][identifier] = question
    known = {student.student: student for student in students}
    found: dict[tuple[str, str], list[tuple[float, Evidence]]] = defaultdict(list)
    rare = defaultdict(list)
    for (name, key), questions in sorted(answers.items()):
        stub = part(name).stubs.get(key, "")
        for pair, share in _alike(questions, stub):
            left, right = (questions[who] for who in pair)
            why = f"{percent(share, 0)} des suites de {RUN} mots de la réponse la plus courte sont communes"
            found[pair].append((share, Evidence(name, left, why, *_compared(left.answer, right.answer))))
        for pair in _same_rare_mistake(questions):
            left, right = (questions[who] for who in pair)
            rare[pair].append(Evidence(name, left, _RARE, [(left.answer, True)], [(right.answer, True)]))
    for pair, mistakes in rare.items():
        if len(mistakes) >= RARE_TO_FLAG or pair in found:
            found[pair] += [(len(mistakes) / 10, mistake) for mistake in mistakes]
    pairs = []
    for (left, right), weighed in found.items():
        weighed.sort(key=lambda item: -item[0])
        evidence = [item for _, item in weighed]
        pairs.append(Pair(known[left], known[right], sum(weight for weight, _ in weighed), evidence))
    return sorted(pairs, key=lambda pair: (-pair.strength, pair.left.student, pair.right.student))


def normalised(answer: str) -> str:
    """Return an answer without comments, case, accents and blank space: what makes two answers the same."""
    return " ".join(_plain("\n".join(map(_without_comment, answer[:LONGEST].split("\n")))).split())


def _without_comment(line):
    """Cut a line of code at its first ``#`` after the last quote."""
    comment = line.find("#", max(line.rfind("'"), line.rfind('"')) + 1)
    return line if comment < 0 else line[:comment]


def _plain(text):
    """Drop case and accents; first those apart, as decomposing a long run of them takes quadratic time."""
    decomposed = unicodedata.normalize("NFKD", _without_accents(text.casefold()))
    return _without_accents(decomposed)


def _without_accents(text):
    return "".join(sign for sign in text if not unicodedata.combining(sign))


def _shingles(text: str) -> set[tuple[str, ...]]:
    """Return the runs of words of a text, without case, accents and addresses (anyone may copy the lab's)."""
    words = re.findall(r"\w+", _plain(re.sub(r"https?://\S+", " ", text[:LONGEST])))
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def _alike(questions: dict[str, QuestionResult], stub: str) -> Iterable[tuple[tuple[str, str], float]]:
    """Yield the pairs of one question's answers that share too much, and the share."""
    known = _shingles(stub)
    runs = {who: _shingles(question.answer) - known for who, question in questions.items()}
    holders = defaultdict(list)
    for who in sorted(runs):
        for run in runs[who]:
            holders[run].append(who)
    common = min(max(FEW, SHARE * len(questions)), MANY)
    telling, shared = Counter(), Counter()
    for givers in holders.values():
        if len(givers) <= common:
            telling.update(givers)
            shared.update(combinations(givers, 2))
    for pair, number in sorted(shared.items()):
        shorter = min(telling[who] for who in pair)
        share = number / shorter
        if shorter >= SHORTEST and share >= CONTAINED[questions[pair[0]].manual]:
            yield pair, share


def _same_rare_mistake(questions: dict[str, QuestionResult]) -> Iterable[tuple[str, str]]:
    groups = defaultdict(list)
    for who, question in sorted(questions.items()):
        if not question.manual and not question.points:
            groups[normalised(question.answer)].append(who)
    yield from (tuple(givers) for givers in groups.values() if len(givers) == RARE)


def _compared(left: str, right: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Cut two texts in pieces that both have, at least ``RUN`` words long, and pieces of their own."""
    pieces = [re.findall(r"\w+|\W+", text) for text in (left[:LONGEST], right[:LONGEST])]
    plain = [[_plain(piece).strip() for piece in cut] for cut in pieces]
    size = 2 * RUN - 1  # words and what parts them
    runs = [[tuple(cut[i : i + size]) for i in range(len(cut) - size + 1)] for cut in plain]
    common = set(runs[0]) & set(runs[1])
    both = []
    for cut, of_cut in zip(pieces, runs, strict=True):
        until, shared = 0, []
        for index in range(len(cut)):
            if index < len(of_cut) and of_cut[index] in common:
                until = index + size
            shared.append(index < until)
        marked = groupby(zip(cut, shared, strict=True), key=lambda item: item[1])
        both.append([("".join(piece for piece, _ in group), is_shared) for is_shared, group in marked])
    return both[0], both[1]
