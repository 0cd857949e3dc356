"""Boxes, routes and the military's own forms: what Publication 28 writes in one way, however people write it."""

from __future__ import annotations

import re

_MARK = r"(?:# ?|NO |NUMBER )?"
_ID = rf" ?{_MARK}((?:(?<= )[A-Z])?\d[\dA-Z/-]*|(?<= )[A-Z]{{1,2}})"
_ROUTE, _AT = r"(\d+[A-Z]{0,2})", r"([\dA-Z/-]+(?: [A-Z])?)"  # Box 103 A
_RURAL = r"RURAL (?:ROUTE|RTE|RT|RR)|RFD(?: ROUTE| RTE?| RR)?|R ?F ?D|RD (?:ROUTE|RTE?)|R ?R"
_HIGHWAY = r"(?:HIGHWAY|HWY) CONTRACT(?: ROUTE| RTE?)?|STAR (?:ROUTE|RTE?)|H ?C ?R|H ?C(?: ROUTE| RTE?)?"
#: Publication 28, 24 (rural routes), 25 (highway contract routes), 28 (PO boxes), 234.5 and 36 (military).
_FORMS = (
    (re.compile(rf"(?:(?:P ?O|POST OFFICE) ?(?:LOCK ?)?BO?X|P ?O ?B|POST BOX){_ID}"), "PO BOX {}"),
    (re.compile(rf"(?:P ?O|POST OFFICE) (?:DRAWER|CALLER|BIN){_ID}"), "PO BOX {}"),
    (re.compile(rf"(?:{_RURAL}) ?{_MARK}{_ROUTE} (?:BO?X ?{_MARK}|# ?){_AT}"), "RR {} BOX {}"),
    (re.compile(rf"(?:RTE?|ROUTE|RD) {_MARK}{_ROUTE} BO?X ?{_MARK}{_AT}"), "RR {} BOX {}"),
    (re.compile(rf"(?:{_HIGHWAY}) ?{_MARK}{_ROUTE} (?:BO?X ?{_MARK}|# ?){_AT}"), "HC {} BOX {}"),
    (re.compile(rf"P ?S ?C {_MARK}(\d+) BO?X ?{_MARK}([\dA-Z-]+)"), "PSC {} BOX {}"),
    (re.compile(rf"C ?M ?R {_MARK}(\d+) BO?X ?{_MARK}([\dA-Z-]+)"), "CMR {} BOX {}"),
    (re.compile(rf"UNIT {_MARK}(\d+) BO?X ?{_MARK}([\dA-Z-]+)"), "UNIT {} BOX {}"),
    (re.compile(rf"BO?X{_ID}"), "BOX {}"),
    (re.compile(r"P ?S ?C (\d+)"), "PSC {}"),
    (re.compile(r"C ?M ?R (\d+)"), "CMR {}"),
    (re.compile(r"GEN(?:ERAL)? DEL(?:IVERY)?"), "GENERAL DELIVERY"),
)  # fmt: skip
#: What is a box by itself and may be a part of one: as it was given. And a box with something of the box's behind it.
_PLAIN = re.compile(rf"(?:LOCK ?BOX|DRAWER|BIN|(?:FIRM )?CALLER){_ID}")
_LONGER = re.compile(rf"(?:P ?O|POST OFFICE) BOX{_ID} (.+)")
#: The first half of a form whose box stands behind a comma or in the second line.
_OPEN = re.compile(rf"(?:{_RURAL}|{_HIGHWAY}|RTE?|ROUTE|P ?S ?C|C ?M ?R) {_MARK}\d+[A-Z]?|P ?O|POST OFFICE")
_OPEN_UNIT = re.compile(rf"UNIT {_MARK}\d+")  # of the army: anybody else's unit is a flat
_BOX = re.compile(r"BO?X ?(?:# ?)?[\dA-Z/-]+")
#: A box or a route behind something else, without a comma: 12 Main St PO Box 7.
_BEHIND = re.compile(rf"(.+\S) ((?:(?:P ?O|POST OFFICE) BOX|R ?R {_MARK}\d+ BOX|H ?C {_MARK}\d+ BOX){_ID})$")
_INITIALS = re.compile(r"\b(?:P\.O|U\.S|[NS]\.[EW]|R\.R|H\.C|R\.D|P\.S\.C|C\.M\.R)\.")


def standard(text: str) -> str | None:
    """A box, a route or general delivery as it is printed; None where this is none, or none for certain."""
    for form, written in _FORMS:
        if match := form.fullmatch(text):
            return written.format(*match.groups())
    if match := _LONGER.fullmatch(text):
        return "PO BOX {} {}".format(*match.groups())
    words = text.split()
    for form, written in _FORMS[2:5] if words[0] == "BOX" else ():  # Box 18 RR 2
        if match := form.fullmatch(" ".join(words[2:] + words[:2])):
            return written.format(*match.groups())
    return text if _PLAIN.fullmatch(text) else None


def halves(first: str, second: str, *, military: bool) -> bool:
    """Whether the second half of a form stands behind the first: Rural Route 2 and Box 18."""
    opens = _OPEN.fullmatch(first) or (military and _OPEN_UNIT.fullmatch(first))
    return bool(opens and _BOX.fullmatch(second))


def parted(text: str) -> list[str]:
    """A box or a route that stands behind something else, apart from it."""
    return _BEHIND.sub(r"\1,\2", text).split(",")


def undotted(text: str) -> str:
    """Initials of the post's own words without their points: PO for P.O., NW for N.W."""
    return _INITIALS.sub(lambda match: match[0].replace(".", "") + " ", text)
