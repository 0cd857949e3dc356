"""What the house wrote back: ``NAME.ack`` and ``NAME.nak``, beside the bundle's folder or in it."""

from __future__ import annotations

import unicodedata

from cardpipe.delivery.place import Kind, Place, read_some
from cardpipe.model.batch import Bundle
from cardpipe.ports import Reply

MOST_CHARACTERS = 2000
_ENDINGS = {".ack": True, ".nak": False}


def answers(root: Place, bundle: Bundle) -> list[Reply]:
    """Every answer to a bundle, from both places; one that lies in both with the same words counts once. A link, a
    folder or a pipe under such a name is no answer."""
    found = _in(root, bundle)
    seen = root.look(bundle.name)
    if seen and seen.kind is Kind.FOLDER:
        with root.enter(bundle.name) as folder:
            found += _in(folder, bundle)
    return list(dict.fromkeys(found))


def _in(place: Place, bundle: Bundle) -> list[Reply]:
    found = []
    wanted = {(bundle.name + ending).lower(): ok for ending, ok in _ENDINGS.items()}
    for name in sorted(place.names()):
        ok = wanted.get(name.lower())  # other systems write .ACK
        if ok is None:
            continue
        seen = place.look(name)
        if seen and seen.kind is Kind.FILE:
            found.append(Reply(bundle.name, ok, clean(read_some(place, name, 4 * MOST_CHARACTERS))))
    return found


def clean(data: bytes) -> str:
    """A stranger's words, fit for a log and a screen: UTF-8 with what is not replaced, without control characters,
    at most 2,000 characters."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\t", " ")
    kept = (sign for sign in text if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return "".join(kept)[:MOST_CHARACTERS].strip()
