"""A person's name by which two spellings of it are known to be one, for finding cards that would be sent twice.

Nothing here is ever printed. Case, accents, punctuation, titles before a name, degrees behind it and initials in its
middle do not count: CRMs write them or leave them out as they like. What tells a father from his son (Jr, Sr, II, III)
counts always, and so does every other word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: Letters that are no letter with an accent, and that many programs write in another way.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
#: No word that is also a first name (Don, Judge, Pastor), nor the French M., which looks like an initial.
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "mx", "mister", "madam", "sir", "dr", "prof", "professor", "rev", "reverend", "fr",
    "father", "rabbi", "hon", "capt", "captain", "col", "maj", "sgt", "lt", "herr", "frau", "mme", "mlle", "monsieur",
    "madame", "sr", "sra", "srta",
})  # fmt: skip
#: Behind a name; ``do``, ``ma`` and ``ba`` are not here: they are surnames.
_DEGREES = frozenset({
    "esq", "esquire", "md", "phd", "dds", "dmd", "dvm", "jd", "cpa", "mba", "rn", "edd", "dmin",
})  # fmt: skip
_GENERATIONS = {
    "jr": "jr", "junior": "jr", "jnr": "jr", "sr": "sr", "senior": "sr", "snr": "sr", "ii": "ii", "2nd": "ii",
    "2d": "ii", "iii": "iii", "3rd": "iii", "3d": "iii", "iv": "iv", "4th": "iv", "v": "v", "5th": "v",
}  # fmt: skip
_FIRMS = frozenset({"inc", "llc", "ltd", "co", "corp", "lp", "llp", "pc", "pllc", "plc", "gmbh", "ag", "sa"})
_AND = "and"


def plain(text: str) -> str:
    """Lower case without accents; of everything else than letters, figures and what writes vowels, one blank is left.
    An apostrophe leaves none (O'Brien, OBrien), and ``&`` and ``+`` are words."""
    flat = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    flat = re.sub("[\u0300-\u036f'’‘`´ʼ′]", "", flat)  # other scripts' marks are no accents: か is not が
    flat = re.sub("[&+]", f" {_AND} ", flat)
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in flat)
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def name_key(name: str) -> str:
    """The name as it is compared: ``Smith, Dr. John Q., Jr.`` and ``john smith jr`` are one. Never empty for a name
    that has a letter or a figure. Two people named together are another addressee than either of them."""
    parts = [words for part in _undotted(name).split(",") if (words := plain(part).split())]
    behind: list[str] = []
    while len(parts) > 1 and all(word in _DEGREES or word in _GENERATIONS for word in parts[-1]):
        if len(parts) == 2 and len(_untitled(parts[0])) == 1 and not set(parts[1]) & set(_GENERATIONS):
            parts[1] = list("".join(parts[1]))  # Salinger, J.D.: no doctor of laws, but initials
            break
        behind = [*parts.pop(), *behind]
    if len(parts) == 2 and not _FIRMS & set(parts[1]):  # Smith, John; Smith, John Jr
        own = [parts[1].pop()] if len(parts[1]) > 1 and parts[1][-1] in _GENERATIONS else []
        parts = [parts[1], parts[0], own]
    return " ".join(_told(_untitled([word for part in parts for word in part]), behind))


def _undotted(name: str) -> str:
    """Degrees in one word (Ph.D., M.D.), other points as blanks (J.R. Smith is no junior)."""

    def one(match: re.Match[str]) -> str:
        joined = match.group().replace(".", "").replace(" ", "")
        return f" {joined} " if match.start() and joined.casefold() in _DEGREES else match.group()

    return re.sub(r"\b(?:[A-Za-z]{1,2}\. ?){1,3}[A-Za-z]?\b\.?", one, name).replace(".", " ")


def _untitled(words: Sequence[str], least: int = 2) -> list[str]:
    """Without titles, where a first and a last name are left behind them: Mr Smith is not Mrs Smith, and Mr and Mrs
    John Smith are not John Smith. Of two people the first may have left the last name to the second."""
    if _AND in words:
        at = words.index(_AND)
        if at == 0 or words[at - 1] in _TITLES:
            return list(words)
        return [*_untitled(words[:at], 1), _AND, *_untitled(words[at + 1 :])]
    rest = list(words)
    while len(rest) > least and rest[0] in _TITLES:
        rest = rest[1:]
    return rest


def _told(words: list[str], behind: Sequence[str]) -> list[str]:
    """Without degrees and the initials in the middle, the generation last and in one spelling. Where the first name is
    an initial itself, J. R. is not J. B."""
    generation = next((_GENERATIONS[word] for word in behind if word in _GENERATIONS), None)
    while len(words) > 2 and (words[-1] in _DEGREES or words[-1] in _GENERATIONS):
        generation = generation or _GENERATIONS.get(words[-1])
        words = words[:-1]
    if words and len(words[0]) > 1 and _AND not in words:
        words = [word for at, word in enumerate(words) if at in (0, len(words) - 1) or len(word) > 1]
    return [*words, generation] if generation else words
