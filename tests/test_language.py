"""Every French text of the pack, in the words of docs/glossaire.md and by the rules of French typography.

Texts are read from the sources alone: markdown and comments of the notebooks, what their student edition
displays, its pictures' descriptions, the strings of helpers/ and instructor/, the glossary and the README.
Nothing is imported, so that a new text is covered unasked; figures are read as they are drawn.
"""

import ast
import functools
import html
import io
import json
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NBSP = "\u00a0"
GLOSSARY = ROOT / "docs" / "glossaire.md"
NOTEBOOKS = sorted([*ROOT.glob("part*.ipynb"), *(ROOT / "instructor").glob("part*.ipynb")])
MODULES = sorted(path for room in ("helpers", "instructor") for path in (ROOT / room).rglob("*.py"))
TEMPLATES = sorted(path for path in (ROOT / "instructor/report/templates").iterdir() if path.is_file())

# What is not French prose: code, formulas, addresses, HTML, Python values, titles of works, names of menus.
FOREIGN = re.compile(
    r"```.*?```|`[^`]*`|<(code|style|pre)\b.*?</\1>|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|https?://\S+|<[^>]*>"
    r"|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"  # of templates
    r"|\"[\d.]+\"|\b\w+ = \S+|[#&]\w+=\S+|\*(?:Early|Run|The|Understanding) [^*]*\*|Run All Cells",
    flags=re.DOTALL,
)
HOLE = "\ufffc"  # takes the place of what was removed

UNACCENTED = (
    r"A (?:la|le|les|l'|un|une|droite|gauche|partir|vous|lire|cause|retenir|chaque|quelle?)\b|\bCa\b|"
    r"\bE(?:cart|ch|cole|cri|ga|l[eè]ve|nonc|poque|quip|t(?:a[tp]|iquette|iez|ud)|v(?:a[ln]|it))\w*|"
    r"\b(?:apres|deja|meme|etre|tres|pret|reseau|entrainement|epoque|reponse|donnee|etiquette|carre|echelle|"
    r"prediction|generalis\w*|regularis\w*|verifi\w*|reussi\w*|reinitialis\w*|numero|memoire|reel)s?\b"
)
RULES = {
    "a breaking space before : ; ? ! % »": r" [:;?!%»]",
    "a breaking space after «": r"« ",
    "no space before ; ? ! % »": r"[\wà-ÿ)][;?!%»](?![\w&])",
    "no space before :": r"[a-zà-ÿ)]:(?=\s|$)",
    "no space after «": r"«(?=\w)",
    "two spaces": r"(?<=\S)[  ]{2,}(?=[^\s|])",
    "a straight or English quotation mark": '["“”]',
    "a curly apostrophe": "’",
    "three dots": r"\.\.\.",
    "a capital or a word without its accent": UNACCENTED,
    "tutoiement": r"(?i:\b(?:tu|toi|ton|tes)\b)|\bta\b",
    "a decimal point": r"(?<![\d.])(?!3\.1\d)\d+\.\d+(?![.\d])",  # 3.11 is a Python
    "a thousand without its thin space": r"(?<![\w.,/-])(?!(?:19|20)\d\d\b)\d{4,}(?![\w-])",
    "another space in a number": r"(?<![\d,])\d{1,3}[ \u00a0]\d{3}(?!\d)",
    "a hyphen for a minus": r"(?<![\w)-])(?<!py )-\d",
    "a value that was not put in": r"\{\w+\}",
    "a number that is none": r"\b(?:nan|inf|NaN|Inf)\b",
    "a plural of one": r"(?<![\d,\u202f])[01](?:,\d+)?[ \u00a0](?:autre|couche|départ|époque|image|point)s\b",
}
# A comment shows values, in a font whose spaces need not be set.
IN_PYTHON = {
    "a straight or English quotation mark",
    "three dots",
    "a decimal point",
    "a thousand without its thin space",
    "a hyphen for a minus",
    "a breaking space before : ; ? ! % »",
}
PRINTED = {*IN_PYTHON, "two spaces"}  # by a cell's own code: arrays, columns


def prose(text):
    """Return the French of a text, with HOLE in the place of code, formulas and addresses."""
    return FOREIGN.sub(HOLE, html.unescape(text))


def faults(text, allowed=()):
    """Yield (rule, place) for each fault of a text, but for the rules that do not hold there."""
    text = prose(text)
    for rule, pattern in RULES.items():
        if rule not in allowed:
            for match in re.finditer(pattern, text):
                yield rule, text[max(0, match.start() - 30) : match.end() + 20].replace("\n", "⏎")


def terms():
    """Return the glossary: its terms, and for each the words to avoid."""
    row = r"^\| \*\*(.+?)\*\* \| .*? \| (.*?) \| .*? \|$"
    rows = re.findall(row, GLOSSARY.read_text("utf-8"), re.MULTILINE)
    return {term: [word for word in avoided.split(", ") if word] for term, avoided in rows}


def french_strings(path):
    """Yield the strings of a module that are French, without its docstrings; HOLE for an inserted value.

    ``typographic`` sets the spaces of these when they are shown, so they are set here as it would.
    """
    tree = ast.parse(path.read_text("utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)  # a docstring
        elif isinstance(node, ast.JoinedStr):
            skipped.update(inner for inner in ast.walk(node) if inner is not node)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if is_french(text):
            yield re.sub(r" (?=[:;?!%»])|(?<=«) ", NBSP, text)


def is_french(text):
    text = re.sub(RULES["a value that was not put in"], "", prose(text))
    words = r"^(?:import|from|def|class|#) |^\[|\b(?:the|then)\b"
    is_code = re.search(words + r"|\w\(.*\)$|[{}]|rgba?\(|\(\?:|;\S", text)
    words = r"[à-ÿÀ-Ý«»]|\b(?i:au|dans|de|des|du|est|et|la|le|les|ou|par|pour|sans|sur|un|une|vous)\b"
    return not is_code and bool(re.search(words, text))


def displayed(output):
    """Yield (text, rules that do not hold) for the French of a cell's output, pictures described too."""
    shown = [(text, ()) for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    shown += [(data["alt"], ()) for data in output.get("metadata", {}).values() if "alt" in data]
    shown.append((output.get("text", ""), PRINTED))
    for text, allowed in shown:
        if is_french("".join(text)):
            yield "".join(text), allowed


def texts():
    """Yield (place, text, rules that do not hold) for every text that students and teachers read."""
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                yield f"{path.name} {cell['id']}", source, ()
            else:
                for token in tokenize.generate_tokens(io.StringIO(source).readline):
                    if token.type == tokenize.COMMENT and "SOLUTION" not in token.string:
                        yield f"{path.name} {cell['id']}", token.string.lstrip("# "), IN_PYTHON
                for output in cell["outputs"]:
                    for text, allowed in displayed(output):
                        yield f"{path.name} {cell['id']}", text, allowed
    for path in MODULES:
        for text in french_strings(path):
            yield str(path.relative_to(ROOT)), text, ()
    for path in TEMPLATES:
        yield str(path.relative_to(ROOT)), path.read_text("utf-8"), ()
    for meaning in re.findall(r"(?m)^\| \*\*.*\| (.*?) \|$", GLOSSARY.read_text("utf-8")):
        yield "glossaire.md", meaning, ()
    readme = (ROOT / "README.md").read_text("utf-8")
    yield "README.md", readme.partition("## Pour les étudiants")[2].partition("\n## ")[0], ()


@functools.cache
def all_texts():
    return list(texts())


def test_typography():
    assert [(place, *fault) for place, text, allowed in all_texts() for fault in faults(text, allowed)] == []


def test_one_word_for_each_thing():
    avoided = {word: term for term, words in terms().items() for word in words}
    found = [
        (place, match[0], f"write: {avoided.get(match[0].lower()) or avoided[match[0].lower()[:-1]]}")
        for place, text, _ in all_texts()
        for match in re.finditer(rf"(?i:\b(?:{'|'.join(map(re.escape, avoided))})s?\b)", prose(text))
    ]
    assert found == []


def test_the_glossary_is_in_use():
    everything = "\n".join(prose(text) for _, text, _ in all_texts()).lower()
    unused = {term for term in terms() if term.lower() not in everything}
    assert unused <= (set() if (ROOT / "part4_cifar10.ipynb").exists() else {"exactitude"})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Vraiment ?", "a breaking space before"),
        ("la perte `x` : 0,5", "a breaking space before"),
        (f"« oui{NBSP}»", "a breaking space after"),
        ("Vraiment?", "no space before ;"),
        ("il reste 5% des départs", "no space before ;"),
        ("deux cas: le premier", "no space before :"),
        (f"«oui{NBSP}»", "no space after"),
        ("deux  espaces", "two spaces"),
        ('dit "oui"', "a straight or English"),
        ("l’adresse", "a curly"),
        ("et ainsi de suite...", "three dots"),
        ("Etat du reseau", "a capital or a word"),
        ("A partir de zéro", "a capital or a word"),
        ("relance ton réseau", "tutoiement"),
        ("une perte de 0.25", "a decimal point"),
        ("les 10000 images", "a thousand"),
        ("les 10\u00a0000 images", "another space in a number"),
        ("de -6 à 6", "a hyphen"),
        ("de 0 à inf", "a number that is none"),
        ("et 1 autres", "a plural of one"),
        ("1,5 points", "a plural of one"),
    ],
)
def test_each_rule_catches(text, rule):
    assert any(name.startswith(rule) for name, _ in faults(text))


def test_good_french_passes():
    good = f"À 0,25{NBSP}: 17{NBSP}% des «{NBSP}morts{NBSP}»{NBSP}; voir `a : b`, $x : y$ et Python 3.12."
    assert list(faults(good)) == []
