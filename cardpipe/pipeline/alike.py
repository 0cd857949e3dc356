"""Why two batches that look alike by name are two: something that is pinned with their pieces differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cardpipe.model.batch import Batch, Group
from cardpipe.model.order import Scope
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop

LET_PASS = "photos that an operator let pass"


def apart(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """By group, of which the spec of one piece is given: what sets it apart from another one of its kind, in words.
    Photos that somebody let pass, and settings with their values. Nothing of a group where the others are what is
    special, and of one that is the only one of its kind."""
    kinds: dict[Group, list[str]] = {}
    for group in specs:
        kinds.setdefault(Group.read(group).kind, []).append(group)
    found: dict[str, str] = {}
    for groups in kinds.values():
        settings = {group: _settings(specs[group]) for group in groups}
        names = dict.fromkeys(name for each in settings.values() for name in each)
        differing = [name for name in names if len({repr(each.get(name)) for each in settings.values()}) > 1]
        for group, each in settings.items():
            said = [LET_PASS] if _let_pass(specs[group]) and len(groups) > 1 else []
            said += [_said(name, each.get(name)) for name in differing]
            found |= {group: ", ".join(said)} if said else {}
    return found


def why(house: Shop, scope: Scope, batches: Iterable[Batch]) -> dict[str, str]:
    """By id, what sets those of these batches apart of which there are several of one mail date and kind. A piece of
    each of them is read, and of no other batch."""
    alike: dict[tuple[str, Group], dict[str, list[Batch]]] = {}
    for batch in batches:
        alike.setdefault((batch.mail_on, Group.read(batch.group).kind), {}).setdefault(batch.group, []).append(batch)
    found: dict[str, str] = {}
    for groups in alike.values():
        if len(groups) > 1:
            ones = {group: _one(house, scope, members) for group, members in groups.items()}
            for group, said in apart({group: spec for group, spec in ones.items() if spec is not None}).items():
                found.update({batch.id: said for batch in groups[group]})
    return found


def of_group(batches: Iterable[Batch]) -> dict[str, tuple[int, int]]:
    """By id, the place of each of these batches among those of its mail date and group, and how many they are; of a
    group that is in one batch nothing."""
    groups: dict[tuple[str, str], list[str]] = {}
    for batch in batches:
        groups.setdefault((batch.mail_on, batch.group), []).append(batch.id)
    return {one: (place, len(ids)) for ids in groups.values() if len(ids) > 1 for place, one in enumerate(ids, 1)}


def _one(house: Shop, scope: Scope, batches: Iterable[Batch]) -> Mapping[str, Any] | None:
    """The spec of any piece in these; None where all were taken out, or nothing is kept of them any more."""
    for batch in batches:
        for piece in house.store.page_of_members(scope, batch.id, limit=1):
            return piece.spec if "photos" in piece.spec else None
    return None


def _let_pass(spec: Mapping[str, Any]) -> bool:
    return "photo_minimum_ppi" in spec


def _settings(spec: Mapping[str, Any]) -> dict[str, object]:
    """What a group's pieces share (see ``pipeline.desk.group``) by name; the sharpness that was asked before somebody
    let a photo pass."""
    pinned_ = dict(spec)
    press = pinned.press(pinned_)
    found: dict[str, object] = {f"press {name}": getattr(press, name) for name in type(press).model_fields}
    if _let_pass(spec):
        found["press photo_minimum_ppi"] = spec["photo_minimum_ppi"]
    mailing = pinned.mailing(pinned_)
    found |= {f"mailing {name}": getattr(mailing, name) for name in type(mailing).model_fields}
    found |= {f"format {name}": value for name, value in spec["format"].items()}
    return found | {"colour profile": spec.get("profile", "")}


def _said(name: str, value: object) -> str:
    """A setting with its value, where that is one figure or word."""
    short = isinstance(value, int | float | str) and name != "colour profile"
    return f"{name} {value}" if short else f"another {name}"
