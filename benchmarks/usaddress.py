"""usaddress' labelled sets: street lines of the USA, each word with its role."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from corpora import NAME, Score, same_words

from cardpipe.lettershop import pub28
from cardpipe.lettershop.addressing import normalised
from cardpipe.lettershop.pub28 import Kind
from cardpipe.model.address import Address

PLACES = {"PlaceName", "StateName", "ZipCode", "ZipPlus4", "CountryName"}
UNIT = {"OccupancyType", "OccupancyIdentifier", "SubaddressType", "SubaddressIdentifier"}
NUMBER = {"AddressNumber", "AddressNumberPrefix", "AddressNumberSuffix"}
SETS = ("training/labeled.xml", "training/us50_train_tagged.xml", "training/us50_messiest_manual_label.xml",
        "training/multi_word_state_addresses.xml", "training/synthetic_osm_data_xml.xml",
        "measure_performance/test_data/labeled.xml", "measure_performance/test_data/us50_test_tagged.xml",
        "measure_performance/test_data/simple_address_patterns.xml",
        "measure_performance/test_data/synthetic_osm_data.xml")  # fmt: skip


def usaddress(folder: Path) -> dict[str, Score]:
    """Every labelled street: number, street, unit and box in the right roles, and no word of it lost."""
    scores: dict[str, Score] = {}
    for name in SETS:
        if not (folder / name).is_file():
            continue
        score = scores.setdefault(name, Score())
        for entry in ElementTree.fromstring((folder / name).read_bytes()):
            _one_label(score, [(token.tag, token.text or "") for token in entry])
    return scores


def _one_label(score: Score, labels: list[tuple[str, str]]) -> None:
    tokens = [(tag, text) for tag, text in labels if tag not in PLACES]
    tags = {tag for tag, _ in tokens}
    if not tokens or not any(any(map(str.isalnum, text)) for _, text in tokens):
        score.skipped["no street in it"] += 1
        return
    if tags & {"NotAddress", "IntersectionSeparator", "CornerOf", "suffix"}:
        score.skipped["a crossing, or no address"] += 1
        return
    own = [(tag, text) for tag, text in tokens if tag not in ("Recipient",)]
    if not own:
        score.skipped["no street in it"] += 1
        return
    state = " ".join(text for tag, text in labels if tag == "StateName").strip(" ,.")
    given = " ".join(" ".join(text for _, text in own).split()).strip(" ,")
    address = normalised(Address(name=NAME, street=given, state=state))
    printed = pub28.standard(address)
    parts = pub28.parse(given, address.state)
    boxed = any(part.kind is Kind.BOX for part in parts)
    ours = {
        "number": [part.number for part in parts],
        "unit": [unit for part in parts for unit in ([part.name] if part.kind is Kind.UNIT else part.units)],
        "box": [part.name for part in parts if part.kind is Kind.BOX],
    }
    wanted = {role: [text for tag, text in own if tag in tags] for role, tags in ROLES.items()}
    wrong = [role for role in ours if not same_words(wanted[role], ours[role], role == "box")]
    if same_words([given], printed, boxed):
        score.kept += 1
    else:
        wrong.insert(0, "LOST")
    if not wrong:
        score.passed += 1
    else:
        score.failed.append(f"{' '.join(wrong)}: {' '.join(f'{text}/{tag}' for tag, text in own)} -> {printed}")


ROLES = {"number": NUMBER, "unit": UNIT,
         "box": {"USPSBoxType", "USPSBoxID", "USPSBoxGroupType", "USPSBoxGroupID"}}  # fmt: skip
