"""Addresses as text: reads one as it arrives through mail, chats and fingers, or says why not; writes one.

An address is read when everything between its first key and its end is understood. Where a text can be
read in several ways, all of them are tried, and they must agree: what cannot be understood is refused,
never taken for another experiment.
"""

import difflib
import html
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from urllib.parse import unquote

from ..french import french_error, listed, quoted

SITE = "https://playground.tensorflow.org/"

# Every key that the site writes, in its order.
KEYS = (
    *("activation", "regularization", "batchSize", "dataset", "regDataset", "learningRate"),
    *("regularizationRate", "noise", "networkShape", "seed", "showTestData", "discretize", "percTrainData"),
    *("x", "y", "xTimesY", "xSquared", "ySquared", "cosX", "sinX", "cosY", "sinY", "collectStats"),
    *("tutorial", "problem", "initZero", "hideText"),
)
OURS = ("epochs", "resets")  # the site ignores them
CONTROLS = (
    *("showTestData", "discretize", "playButton", "stepButton", "resetButton", "learningRate", "activation"),
    *("regularization", "regularizationRate", "problem", "dataset", "percTrainData", "noise", "batchSize"),
    "numHiddenLayers",
)  # what the site can hide by ``<name>_hide=true``
# What changes no experiment: the site reads the first two, and does nothing with them.
IGNORED = ("cosX", "cosY", "collectStats", "tutorial", "hideText")

_KNOWN = (*KEYS, *OURS, *(f"{name}_hide" for name in dict.fromkeys((*CONTROLS, *KEYS))))
_CANONICAL = {key.lower().replace("_", ""): key for key in _KNOWN}
_KEY = f"(?:{'|'.join(sorted(_KNOWN, key=len, reverse=True))})"
_PAIR = re.compile(rf"\b{_KEY}=", re.IGNORECASE)
_GLUED_PAIR = re.compile(f"{_KEY}=")
_ENCODED_PAIR = re.compile(rf"{_KEY}%(?:25)*3D", re.IGNORECASE)
_SEPARATOR = re.compile(rf"&+|[;,]+(?={_KEY}=)")
# What ends a word of a text, whatever the word.
_WORD = re.compile(r"[^\s<>()\[\]{}|\"'`«»“”‘’„]+")
_BARE = re.compile(r"<?\s*(https?://)?playground\.tensorflow\.org/?#?\s*>?", re.IGNORECASE)
_COPY_AGAIN = "Copiez l'adresse entière, d'un seul tenant."


def is_bare(url: str) -> bool:
    """Whether a text is the site's address and nothing else: the site then opens its defaults."""
    return bool(_BARE.fullmatch(url.strip()))


def read(url: str, make: Callable[[Mapping[str, str]], object]) -> object:
    """Return what ``make`` makes of the text of each known key, in the one address of a text.

    Around the address there may be words, quotes, a link wrapper or the address again.

    Raises:
        ValueError: no address, two different ones, a broken one, or what ``make`` refused.
    """
    if not isinstance(url, str):
        raise french_error(
            f"Une adresse du Playground est attendue, entre guillemets ; reçu : {type(url).__name__}."
        )
    if is_bare(url):
        return make({})
    readings: dict[object, Mapping[str, str]] = {}
    for alternatives in _addresses(_mended(url)):
        errors = []
        for fragment in alternatives:
            try:
                values = _values(fragment)
                readings[make(values)] = values
            except ValueError as error:
                errors.append(error)
        if len(errors) == len(alternatives):
            raise errors[0]
    if not readings:
        raise french_error(
            "Ce texte n'est pas une adresse du Playground. Copiez l'adresse entière, par exemple "
            f"{SITE}#activation=relu&dataset=xor&networkShape=3&seed=0.50819."
        )
    if len(readings) > 1:
        raise french_error(_disagreement(list(readings.values())))
    return next(iter(readings))


def write(values: Mapping[str, str], hidden: tuple[str, ...] = ()) -> str:
    """Write an address: the site's keys in its order, ours, what is hidden.

    ``hideText`` comes last: whatever sticks to the end of an address changes no experiment.
    """
    pairs = {key: values.get(key, "false") for key in KEYS if key != "tutorial"}
    pairs.update({key: values[key] for key in OURS if key in values})
    pairs.update({f"{name}_hide": "true" for name in hidden})
    pairs["hideText"] = pairs.pop("hideText")
    return f"{SITE}#" + "&".join(f"{key}={value}" for key, value in pairs.items())


def number(key: str, text: str) -> int | float:
    """Read a number of an address."""
    is_rate = key in ("learningRate", "regularizationRate")
    if is_rate:
        text = _with_point(text)
    try:
        value = float(text)
    except ValueError:
        raise french_error(f"{key} = {quoted(text)} : ce n'est pas un nombre.") from None
    if not math.isfinite(value):
        raise french_error(f"{key} = {quoted(text)} : il faut un nombre fini.")
    if "." in text and value == int(value) and not is_rate:  # 1.000 may be a thousand
        digits = text.replace(".", "")
        raise french_error(
            f"{key} = {text} : ce point sépare-t-il les milliers ou les décimales ? Écrivez le nombre entier "
            f"sans séparateur, par exemple {key}={digits if digits.isdecimal() else int(value)}."
        )
    return int(value) if value == int(value) else value


def boolean(key: str, text: str) -> bool:
    """Read a boolean of an address.

    For the site everything but "false" is true, "False" and "0" included; whoever writes those means the
    opposite. Only what the site and its user understand alike is read.
    """
    if text == "false":
        return False
    if text.lower() == "true" or text == "1":
        return True
    raise french_error(
        f"{key} = {quoted(text)} : il faut true ou false, en minuscules (pour le site, tout autre mot que "
        "false vaut true)."
    )


def written(value: object) -> str:
    """Write a value as the site does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    if isinstance(value, float):
        return f"{value:.5f}".rstrip("0").rstrip(".")
    return str(value)


# What programs did to the text as a whole


def _mended(text: str) -> str:
    """Undo what mail programs, chats, HTML and Markdown do to the signs of an address."""
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")  # zero-width, soft hyphen
    text = re.sub(r"[‐‑‒–—−]", "-", text)
    text = re.sub(r"\r\n?", "\n", text)
    text = re.sub(r"[ \t]*\n(?:[ \t]*>)*[ \t]*", "\n", text)  # a quoted mail
    if "=3D" in text:  # quoted-printable
        text = text.replace("=\n", "").replace("=3D", "=")
    for _ in range(2):  # &amp;amp; exists. Only whole entities: &not, &para could be the beginning of a key
        entity = r"&(?:amp|quot|apos|lt|gt|nbsp|shy|reg|#\d{1,5}|#x[0-9a-f]{1,4});"
        text = re.sub(entity, lambda found: html.unescape(found[0]), text, flags=re.IGNORECASE)
    text = re.sub(r"<wbr ?/?>", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\\u00([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text, flags=re.IGNORECASE)
    text = re.sub(r"\\(?=[\W_]|$)", "", text)  # Markdown's \# \& \_
    text = _unwrapped(text)
    # An HTML reader has eaten "&reg". The second is "®" in UTF-8 read as Latin-1.
    text = re.sub("%C2%AE|Â®|®", "&reg", text, flags=re.IGNORECASE)
    # "001,000" as the site shows epochs, "1 000" as we do: a number of groups.
    spaces = "\u00a0\u2009\u202f"
    grouped = rf"\b({'|'.join(OURS)})=\s?(\d{{1,3}}(?:[,{spaces}]\d{{3}})+|0\d\d(?: \d{{3}})+)(?!\d|[,.]\d)"
    return re.sub(grouped, lambda found: f"{found[1]}={re.sub(r'[^0-9]', '', found[2])}", text)


def _unwrapped(text: str) -> str:
    """Take addresses that are percent-encoded, as in another link's query, out of what is around them."""
    if "%" not in text:
        return text
    while found := _ENCODED_PAIR.search(text):  # each turn decodes one
        start = max(text.rfind(sign, 0, found.start()) for sign in "&?= \n<\"'(") + 1
        end = re.compile(r"[&\s<>\"')]|$").search(text, found.end()).start()
        whole, rest = text[start:end], end
        if text[:start].endswith("=") or re.search("%(?:25)*26", whole):
            # A parameter of another link: what follows in the same word are its other parameters.
            whole = f" {whole} "
            rest = re.compile(r"[\s<>\"')]|$").search(text, end).start()
        text = text[:start] + unquote(whole) + text[rest:]
    return re.sub("%(?:25)*23", "#", re.sub("%(?:25)*26", "&", text))


# Where the addresses are


def _addresses(text: str) -> Iterator[list[str]]:
    """Find the fragments of the addresses in a text; several alternatives where one may end in two ways."""
    text = re.sub(r"(?<=\S)(?=https?://)", "\n", text)  # pasted twice
    places = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    words = [text[start:end] for start, end in places]
    begins = [n for n, word in enumerate(words) if "#" in word or "playground.tensorflow.org" in word.lower()]
    # A fragment alone begins with its first key; in "https://elsewhere/page?x=1" that is not one of ours.
    bare = [n for n, word in enumerate(words) if re.match(r"\W*\w+=", word) and _PAIR.search(word)]
    if bare and (not begins or bare[0] < begins[0]):
        begins.insert(0, bare[0])
    for first, after in pairwise([*begins, len(words)]):
        pieces = [n for n in range(first, after) if _PAIR.search(words[n])]
        if not pieces:
            continue
        end = pieces[-1] + 1
        whole = _glued(text, places[first:end])
        if end < after and whole.endswith("=") and not whole.endswith("networkShape="):
            whole += words[end]
            end += 1
        endings = [""]
        gap = text[places[end - 1][1] : places[end][0]] if end < after else None
        if gap is not None and (gap.isspace() or not re.search(r"\s", gap)):
            # The next word may be the end of the last value, or the rest of a list that has lost a comma.
            endings += [words[end], f",{words[end]}"]
        for parts in zip(*(_fragments(whole + ending) for ending in endings), strict=True):
            yield list(dict.fromkeys(parts))


def _glued(text: str, words: list[tuple[int, int]]) -> str:
    """Join the pieces of an address that a line's end or a space has broken."""
    (start, end), *others = words
    whole = text[start:end]
    for begin, after in others:
        gap, piece = text[end:begin], text[begin:after]
        if not gap.isspace():
            raise french_error(f"L'adresse est interrompue par {quoted(gap.strip())}. {_COPY_AGAIN}")
        last = re.split("[&#?]", whole)[-1]
        begins_pair = re.match(f"{_KEY}=", piece)
        is_key = begins_pair and last[:-1] in _KNOWN  # with an empty value
        if last.endswith("=") and not is_key and ("=" in last[:-1] or "=" in piece.partition("&")[0]):
            whole = whole[:-1]  # the sign at the end of a line of quoted-printable, not the key's own
        if begins_pair and not whole.endswith(("&", "#", "?")) and _PAIR.search(whole):
            whole += "&"
        whole, end = whole + piece, after
    return whole


def _fragments(whole: str) -> list[str]:
    """Return what follows each ``#`` (or, without any, the ``?`` or the site's name) of an address."""
    before, *after = re.split(f"#(?=[^#]*{_KEY}=)", whole, flags=re.IGNORECASE)
    if after:
        # "#" before the first key says that nothing is missing in front of it; see ``_values``.
        return [f"#{part}" for part in after]
    host = re.search(r"playground\.tensorflow\.org[/?*]*", before, re.IGNORECASE)
    return [f"#{before[host.end() :]}" if host else before]


# What an address says


def _values(fragment: str) -> dict[str, str]:
    """Read the keys and values of a fragment.

    As on the site, unknown keys are ignored and the last of two equal keys wins.
    """
    if "…" in fragment or ".." in fragment:
        raise french_error(f"L'adresse est abrégée par des points de suspension. {_COPY_AGAIN}")
    segments = [part for part in _SEPARATOR.split(fragment.lstrip("#")) if re.search(r"\w", part)]
    values = {}
    for place, segment in enumerate(segments):
        name, sign, text = segment.partition("=")
        name = re.sub(r"^\W+", "", name.strip()) if place == 0 else name.strip()
        if not sign or not re.fullmatch(r"\w[\w.:-]*", name):
            raise french_error(f"L'adresse est incomplète à {quoted(segment)}. {_COPY_AGAIN}")
        key = _CANONICAL.get(name.lower().replace("_", ""))
        if key is None:
            _refuse_misspelt(name)
        if place == 0 and key != "activation" and not fragment.startswith("#"):
            raise french_error(f"Le début de l'adresse manque, avant {quoted(segment)}. {_COPY_AGAIN}")
        is_last = place == len(segments) - 1
        text = _value(key, text, is_last)
        if "=" in text and _hides_a_pair(key, segment, text):
            raise french_error(f"Dans {quoted(segment)}, il manque un signe & entre deux clés. {_COPY_AGAIN}")
        if key:
            values[key] = text
    _refuse_cut(values)
    return values


def _hides_a_pair(key: str | None, segment: str, text: str) -> bool:
    """Whether a value with a sign "=" is more than one that nobody reads, such as another link's base64."""
    if key is None:
        return bool(re.search(r"=\w", text)) or segment.replace("=", "") in _KNOWN
    return key not in IGNORED or bool(_GLUED_PAIR.search(text))


def _value(key: str | None, text: str, is_last: bool) -> str:
    """Mend the text of a value; the last one of an address may have caught some punctuation."""
    if key != "seed":  # which is literal; mail and chat programs escape the commas of others
        text = unquote(text)
    text = text.strip()
    if is_last:
        text = re.sub(r"[\W_]+$", "", text)
    return _with_point(text) if key == "seed" else text


def _with_point(text: str) -> str:
    return re.sub(r"^0,(?=\d+$)", "0.", text)  # a decimal comma


def _refuse_misspelt(name: str) -> None:
    """Refuse an unknown key that is nearly a known one; the site would ignore it."""
    close = difflib.get_close_matches(name, _KNOWN, 1, 0.8)
    if close:
        raise french_error(f"Clé inconnue : {quoted(name)}. Est-ce {close[0]} ? {_COPY_AGAIN}")


def _refuse_cut(values: Mapping[str, str]) -> None:
    """Refuse what a program has written, not a hand, without what a program always writes."""
    keys = values.keys()
    both_data = {"dataset", "regDataset"} <= keys
    if not both_data and keys.isdisjoint(("cosX", "cosY", "collectStats")):
        return
    expected = ["activation", "sinY", "problem"]
    if "cosY" in keys and not keys.isdisjoint(OURS):
        expected.append("hideText")  # the end of what we write; the site's first edition lacked it
    missing = [key for key in expected if key not in keys]
    missing += [key for key, text in values.items() if not text and key != "networkShape"]
    if missing:
        raise french_error(f"L'adresse est coupée : il y manque {listed(missing)}. {_COPY_AGAIN}")


def _disagreement(readings: list[Mapping[str, str]]) -> str:
    first, second = readings[0], readings[1]
    keys = [key for key in _KNOWN if first.get(key) != second.get(key)]
    shown = listed(f"{key}={first.get(key, '')} ou {second.get(key, '')}" for key in keys[:3])
    return f"Ce texte se lit de plusieurs façons ({shown}). Collez une seule adresse, d'un seul tenant."
