"""Planted words: nobody else's name, street or sentence, so that one of them found anywhere is a leak and no chance."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

DEMO = Path(__file__).parent.parent / "demo"

#: Of the recipient, the sender and the message; ASCII, since addresses are. The envelope writes them in capitals.
NAME, SURNAME, STREET, SENDER, WORD = "Quenby", "Vosskuhl", "Zephyrglade", "Oddfellowe", "xylofern"
WORDS = (NAME, SURNAME, STREET, SENDER, WORD)
#: What a CRM says of its own order and is shown again. Not personal by its contract, so not looked for.
LABEL = "spring-campaign"

_GPS = {1: "N", 2: (52.0, 31.0, 12.3456), 3: "E", 4: (13.0, 24.0, 18.9)}
#: What the photo's EXIF says beside the place.
CAMERA, PHOTOGRAPHER = "Plantaflex 7", "Wilhelmina Spottedowl"


def person(number: int = 0) -> dict[str, str]:
    """The planted recipient, in house ``number``."""
    return {
        "name": f"{NAME} {SURNAME}", "street": f"{number + 77} {STREET} Lane", "city": "Portland", "state": "OR",
        "postcode": "97201",
    }  # fmt: skip


def asked(reference: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """An order to the planted recipient that every check passes; each number is another card."""
    return {
        "reference": reference, "occasion": "new-home", "design": "home-row", "recipient": person(number),
        "sender": {"name": f"Bo {SENDER}", "street": "1 Main Street", "city": "Salem", "state": "OR", "postcode": "97301"},
        "message": f"Dear {{first_name}},\n\nthank you for the {WORD} by the door.\n\nBo", "metadata": {"plan": LABEL},
        **changes,
    }  # fmt: skip


def photo(seed: int = 7, width: int = 1400, height: int = 1100) -> bytes:
    """A JPEG as a phone makes it: detail in the pixels, and in its EXIF the place, the camera and a name."""
    dice = random.Random(seed)
    small = Image.frombytes("RGB", (width // 10, height // 10), dice.randbytes(width // 10 * (height // 10) * 3))
    exif = Image.Exif()
    exif[0x0110], exif[0x013B], exif[0x0112] = CAMERA, PHOTOGRAPHER, 1
    exif.get_ifd(0x8825).update(_GPS)
    out = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85, exif=exif)
    return out.getvalue()


def signature() -> bytes:
    """The demo's: ink on paper, as a phone photographs it."""
    return (DEMO / "signatures" / "june-abara.jpg").read_bytes()


def said_in(data: bytes | str, words: Iterable[str] = WORDS) -> list[str]:
    """Which of the words stand in this, in whatever capitals, as text or as UTF-16."""
    raw = data.encode() if isinstance(data, str) else data
    low = raw.lower()
    return [word for word in words if any(word.lower().encode(code) in low for code in ("utf-8", "utf-16-le"))]


def slices(data: bytes, count: int = 40, length: int = 24, seed: int = 1) -> list[bytes]:
    """Pieces out of the middle of a file's bytes, by which any part of it is known again. None of them is plain."""
    dice = random.Random(seed)
    taken: list[bytes] = []
    while len(taken) < count:
        at = dice.randrange(len(data) // 20, len(data) - length)
        if len(set(data[at : at + length])) > length // 2:
            taken.append(data[at : at + length])
    return taken


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, whatever it is called."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def found_below(folder: Path, needles: Iterable[bytes]) -> dict[str, set[bytes]]:
    """Which bytes stand in which file below a folder; letters in whatever capitals. One pass over each file."""
    sought = re.compile(b"|".join(re.escape(needle) for needle in needles), re.IGNORECASE)
    seen: dict[str, set[bytes]] = {}
    for path in files(folder):
        if hits := {hit.group().lower() for hit in sought.finditer(path.read_bytes())}:
            seen[str(path.relative_to(folder))] = hits
    return seen


def spelled(words: Iterable[str] = WORDS) -> list[bytes]:
    """The words as bytes, in both spellings in which programs write text."""
    return [word.encode(code) for word in words for code in ("utf-8", "utf-16-le")]
