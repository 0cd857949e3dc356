"""What the collections of addresses share: a score, and the words that are compared."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

NAME = "Jo Ek"


@dataclass
class Score:
    """Cases of one group: how many of them came out right, which were left out, and what the others look like."""

    passed: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return self.passed + len(self.failed)


def words(text: object) -> list[str]:
    """Letters and figures alone, without case and accents: what is compared."""
    dotted = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", str(text))  # P.O., N.W.
    flat = unicodedata.normalize("NFKD", dotted.casefold())
    return "".join(c if c.isalnum() else " " for c in flat.replace("ı", "i") if not unicodedata.combining(c)).split()


#: What a box's or a route's form may say in other words (Publication 28, 24 to 28).
FORM = frozenset(words(
    "p o po pob post office box bx lock lockbox drawer caller bin rural route rte rt rr r rfd rd hc hcr h c "
    "highway hwy contract star no number psc cmr general gen delivery del"
))  # fmt: skip


def same_words(given: Iterable[str], ours: Iterable[str], form: bool = False) -> bool:
    """Whether each word is there, as it was given or as an abbreviation of itself, and none besides. It knows nothing
    of our tables: an abbreviation is the word's own letters in their order (and Publication 28's XING and XRD)."""

    def split(texts: Iterable[str]) -> Counter[str]:
        text = " ".join(texts)
        return Counter(words(re.sub(r"([A-Za-z])(\d)", r"\1 \2", text) if form else text))  # RR2

    left = split(given), split(ours)
    short = [word for word in (left[0] - left[1]).elements() if word != "no" and not (form and word in FORM)]
    made = [word for word in (left[1] - left[0]).elements() if not (form and word in FORM)]
    for word in short:
        found = next((one for one in made if _abbreviates(*sorted((one, word), key=len))), None)
        if found is None:
            return False
        made.remove(found)
    return not made


def _abbreviates(short: str, word: str) -> bool:
    if short[:1] == "x" and word.startswith("cross"):
        return True
    letters = iter(word)
    return short[:1] == word[:1] and not any(map(str.isdigit, word)) and all(letter in letters for letter in short)
