"""Who sends and who receives in the tests of envelopes, and where the ink of a printed line lies."""

from __future__ import annotations

from cardpipe.model.address import Address
from cardpipe.model.units import Box
from cardpipe.prepress.page import Text
from cardpipe.prepress.typeset import Face

SENDER = Address(name="Anna & Tom Kovács", street="48 Orchard Lane", street2="Apt. 3", city="Cambridge", state="MA",
                 postcode="02139")  # fmt: skip
RECIPIENTS = {
    "shortest": Address(name="Bo", street="1 A St", city="Ely", state="NV", postcode="89301"),
    "usual": Address(name="Łukasz Wiśniewski", company="Northwind Traders, Inc.",
                     street="1234 Martin Luther King Jr. Boulevard", street2="Apt 1204", city="San Francisco",
                     state="California", postcode="941031234"),
    "seven lines": Address(name="Nguyễn Thị Ánh", company="Công ty TNHH Một Thành Viên", street="12 Phố Huế",
                           street2="Tầng 5", city="Quận Hai Bà Trưng", state="Hà Nội", postcode="100000",
                           country="VN"),
    "long name": Address(name="Bartholomew-Christopher Featherstonehaugh III", street="100 Elm",
                         city="Truth or Consequences", state="NM", postcode="87901"),
}  # fmt: skip


def text_box(mark: Text, face: Face) -> Box:
    below = face.font.descent * mark.size
    return Box(mark.x, mark.y + below, mark.width, (face.font.ascent - face.font.descent) * mark.size)
