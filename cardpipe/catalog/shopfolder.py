"""The shop's own folder (CARDPIPE_SHOP): its formats, presses, houses, carriers, way of posting and inserts, as TOML.

Each file is optional; what it holds adds to what ships with cardpipe, or replaces it. The whole folder is judged at
once: whoever sets a shop up sees every mistake of every file together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cardpipe.catalog.carriers import BUILT_IN, build_carriers
from cardpipe.catalog.houses import HOUSES, build_houses
from cardpipe.catalog.mailing import INSERTS, MAILING, build_inserts, read_mailing
from cardpipe.catalog.press import FORMATS, PRESSES, build_formats, build_presses
from cardpipe.catalog.profiles import Profiles
from cardpipe.catalog.tables import Tables, read_tables
from cardpipe.lettershop.carrier import Carrier
from cardpipe.lettershop.house import House
from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.prepress.format import Format
from cardpipe.prepress.press import Press

CARRIERS = BUILT_IN.name
FILES = (FORMATS, PRESSES, HOUSES, CARRIERS, MAILING, INSERTS)


@dataclass(frozen=True, slots=True)
class ShopData:
    """Everything that is data and no design and no font, by name."""

    formats: Mapping[str, Format]
    presses: Mapping[str, Press]
    houses: Mapping[str, House]
    carriers: Mapping[str, Carrier]
    mailing: Mailing
    inserts: Mapping[str, Insert]
    profiles: Profiles = field(compare=False)


def read_shop(folder: Path | None = None) -> ShopData:
    """What ships with cardpipe and what the folder adds. Raises Refused with every finding of every file at once."""
    findings = _judge_folder(folder) if folder else []
    layers: dict[str, list[tuple[str, Tables]]] = {name: [] for name in FILES}
    for name in (FORMATS, PRESSES, HOUSES, CARRIERS, INSERTS):
        read = read_tables(folder / name) if folder else {}
        if isinstance(read, list):
            findings += read
        elif read:
            layers[name].append((name, read))
    formats, found = build_formats(*layers[FORMATS])
    findings += found
    presses, found = build_presses(*layers[PRESSES])
    findings += found
    carriers, found = build_carriers(*layers[CARRIERS])
    findings += found
    inserts, found = build_inserts(*layers[INSERTS])
    findings += found
    mailing = read_mailing(folder / MAILING) if folder else Mailing()
    if isinstance(mailing, list):
        findings += mailing
        mailing = Mailing()
    houses, found = build_houses(presses, formats, mailing, *layers[HOUSES])
    findings += found
    profiles = Profiles(folder)
    findings += profiles.judge({f"{PRESSES} {press.name}.profile": press.profile for press in presses.values()})
    if findings:
        raise Refused(f"{len(findings)} mistakes in the shop's own folder {folder}", findings)
    return ShopData(formats, presses, houses, carriers, mailing, inserts, profiles)


def _judge_folder(folder: Path) -> list[Finding]:
    if not folder.is_dir():
        return [error("shop.folder", "CARDPIPE_SHOP", f"{folder} is no folder", "name the shop's own folder, or none")]
    known = ", ".join(FILES)
    return [
        error(
            "shop.file", path.name, "is none of the files that are read here", f"rename or remove it; read are {known}"
        )
        for path in sorted(folder.glob("*.toml"))
        if path.name not in FILES
    ]
