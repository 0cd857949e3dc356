"""The gallery, the hands, and designs that are tried: drawn behind the pages, judged as orders, kept by nobody."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator

import pytest
from httpx import Response
from PIL import Image

from cardpipe.console.drawing import Drawn, Easel
from cardpipe.console.trying import Trial, Wall, attempt
from cardpipe.model.finding import error
from cardpipe.model.user import Role
from tests.console.conftest import Browser, browser
from tests.console.floor import employ
from tests.pipeline.shopfloor import House, picture

DESIGN = "congratulations-bravo"
WORDS = "Dear {first_name},\n\nYou did it, and the paper says so.\n\nJune"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One shop for all: what was drawn once is kept."""
    from tests.console.floor import open_house

    made = open_house(tmp_path_factory.mktemp("designs") / "data")
    for name in ("vic", "ada"):
        employ(made, name, Role.VIEWER)
    yield made
    made.close()
    made.store.close()


@pytest.fixture(scope="module")
def viewer(house: House) -> Browser:
    return browser(house, "vic")


def waited(someone: Browser, path: str, seconds: float = 180.0) -> Response:
    """The answer, once it is drawn."""
    over = time.monotonic() + seconds
    while (answer := someone.get(path)).status_code == 503 and time.monotonic() < over:
        time.sleep(0.2)
    return answer


def opened(answer: Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_the_gallery_shows_every_design_and_waits_for_none(house: House, viewer: Browser) -> None:
    page = viewer.get("/designs")
    names = house.catalog.designs()
    assert page.status_code == 200 and len(names) >= 20
    for name in names:
        assert f'href="/designs/{name}"' in page.text, name
    assert 'hx-trigger="load delay' in page.text, "what is not drawn yet is asked for again"
    assert opened(viewer.get(f"/designs/{DESIGN}/picture/thumbnail")).format == "PNG"


def test_a_design_is_drawn_once_behind_the_page(house: House) -> None:
    easel, source = Easel(house), house.catalog.design(DESIGN)
    assert easel.design(source) is None
    over = time.monotonic() + 180
    while (drawn := easel.design(source)) is None and time.monotonic() < over:
        time.sleep(0.1)
    assert drawn is not None and set(drawn.pictures) == {"front", "inside", "back"}
    assert drawn.facts["characters"] > 100 and "caveat" in drawn.facts["hands"]
    assert easel.design(source) is drawn
    kind, data = drawn.pictures["inside"]
    inside = Image.open(io.BytesIO(data))
    assert kind == "image/jpeg" and inside.size == drawn.facts["sizes"]["inside"] and inside.width > inside.height / 2


def test_the_page_of_a_hand_tells_what_it_writes(viewer: Browser) -> None:
    page = viewer.get("/hands/zeyada")
    assert page.status_code == 200 and "Airy and tall." in page.text and "Latin-1" in page.text
    letters = opened(waited(viewer, "/hands/zeyada/picture/letters"))
    assert letters.width > letters.height * 0.7
    assert opened(viewer.get("/hands/zeyada/picture/line")).width > 500
    listed = viewer.get("/hands").text
    assert 'src="/hands/zeyada/picture/line' in listed
    for word in (" she ", " he ", "woman", "feminine", "masculine"):
        assert word not in listed.lower()


@pytest.mark.parametrize("path", ["/designs/none", "/designs/..%2fsecret", "/hands/none", "/designs/none/picture/front",
                                  "/designs/none/entry", "/hands/arimo"])  # fmt: skip
def test_what_is_no_design_and_no_hand_is_unknown(viewer: Browser, path: str) -> None:
    assert viewer.get(path).status_code == 404


def tried(someone: Browser, design: str = DESIGN, files: dict[str, tuple[str, bytes]] | None = None,
          **form: str) -> Response:  # fmt: skip
    said = {"message": WORDS, "recipient": "Zoë Łukasz", **form}
    return someone.send_form(f"/designs/{design}/try", said, files=files, headers={"hx-request": "true"})


def test_a_design_is_tried_with_ones_own_words_and_photo(house: House, viewer: Browser) -> None:
    digests = list(house.artifacts.digests(house.scope))
    answer = tried(viewer, files={f"photo:{_frame(house)}": ("me.jpg", picture(2400, 1800))}, hand="caveat")
    sides = re.findall(r'src="(/tried/[\w-]+/\w+)"', answer.text)
    assert answer.status_code == 200 and len(sides) == 2 and "try.placeholder" not in answer.text
    proof = opened(viewer.get(sides[0]))
    assert max(proof.size) <= 10.5 * 150, "never enough to print from"
    other = browser(house, "ada")
    assert other.get(sides[0]).status_code == 404, "for who tried it alone"
    assert viewer.get("/tried/invented/outside").status_code == 404
    assert list(house.artifacts.digests(house.scope)) == digests and house.store.find(house.scope, "Łukasz") == []
    assert [entry for entry in house.store.audited("local", 10) if "Łukasz" in repr(entry)] == []


def _frame(house: House) -> str:
    return house.catalog.design(DESIGN).design.photos[0].photo


def test_without_a_photo_a_placeholder_stands_and_that_is_said(house: House) -> None:
    pages, findings = attempt(house, house.catalog.design(DESIGN), Trial(WORDS, "Zoë Łukasz"))
    assert len(pages) == 2 and {finding.code for finding in findings} == {"try.placeholder"}


@pytest.mark.parametrize(
    "form, code",
    [({"message": "word " * 700}, "message."), ({"message": ""}, "form.missing"), ({"message": "Dear {nobody},"}, "message."),
     ({"hand": "nobody"}, "order.hand"), ({"ink": "gold-leaf"}, "order.ink"), ({"strength": "wild"}, "order.invalid"),
     ({"recipient": ""}, "form.missing")],
)  # fmt: skip
def test_what_cannot_be_printed_is_said_beside_its_field(viewer: Browser, form: dict[str, str], code: str) -> None:
    answer = tried(viewer, **form)
    assert answer.status_code == 200 and code in answer.text and "/tried/" not in answer.text
    assert "It cannot be printed so" in answer.text


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"GIF89a", b"\x00" * 2000, b"%PDF-1.7"])
def test_a_hostile_picture_is_judged_in_the_darkroom(house: House, viewer: Browser, data: bytes) -> None:
    answer = tried(viewer, files={f"photo:{_frame(house)}": ("me.jpg", data)})
    assert answer.status_code == 200 and "/tried/" not in answer.text and "photo." in answer.text


def test_words_are_shown_as_text(viewer: Browser) -> None:
    answer = viewer.send_form(
        f"/designs/{DESIGN}/try", {"message": "</textarea><script>x</script>", "recipient": '"><b>'}
    )
    assert "<script>x" not in answer.text and '"><b>' not in answer.text


def test_who_opens_a_page_goes_before_the_gallery(house: House) -> None:
    easel, drawn = Easel(house), list[str]()
    first, *others = [house.catalog.design(name) for name in house.catalog.designs()[:4]]
    begun, release = threading.Event(), threading.Event()

    def draw(name: str) -> Drawn:
        begun.set()
        release.wait(60)
        drawn.append(name)
        return Drawn({})

    easel._design = lambda source: draw(source.design.name)  # type: ignore[method-assign]
    assert easel.design(first) is None and begun.wait(60)
    for source in others:
        assert easel.design(source) is None
    assert easel.design(others[-1], urgent=True) is None
    release.set()
    over = time.monotonic() + 60
    while len(drawn) < 4 and time.monotonic() < over:
        time.sleep(0.02)
    names = [source.design.name for source in (first, others[2], others[0], others[1])]
    assert drawn == names, "one is on the easel already"


def test_a_design_that_cannot_be_drawn_is_shown_with_the_reason(
    house: House, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = error("design.specimen", "designs/x specimen short", "the words do not fit")
    refused = Drawn({}, {"characters": 0, "hands": (), "sizes": {}}, (why,))
    monkeypatch.setattr(Easel, "design", lambda self, source, urgent=False: refused)
    monkeypatch.setattr(Easel, "specimens", lambda self, source: Drawn({}, {"sizes": {}}, (why,)))
    for path in (f"/designs/{DESIGN}", "/designs", f"/designs/{DESIGN}/entry"):
        page = viewer.get(path)
        assert page.status_code == 200 and ("the words do not fit" in page.text or "cannot be shown" in page.text)


def test_what_was_tried_is_forgotten() -> None:
    wall = Wall()
    token = wall.hang("ada", {"outside": b"one"})
    assert wall.get(token, "ada", "outside") == b"one" and wall.get(token, "eve", "outside") is None
    assert wall.get(token, "ada", "inside") is None
    for _ in range(wall.MOST):
        wall.hang("ada", {"outside": b"other"})
    assert wall.get(token, "ada", "outside") is None
    short = Wall()
    short.SECONDS = -1.0  # type: ignore[misc]
    assert short.get(short.hang("ada", {"outside": b"one"}), "ada", "outside") is None
