"""What is written down: JSON lines, and neither key nor secret in them, wherever it came from."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.apikey import ENTROPY, mint, read
from cardpipe.model.webhook import shown
from cardpipe.worker.journal import masked, open_journal

KEYS = [mint(mode, secrets.token_bytes(ENTROPY)).secret_text for mode in ("live", "test")]
SECRETS = [shown(secrets.token_bytes(size)) for size in (24, 32, 33, 64)] + [shown(b"\xff" * 32), shown(b"\xfb" * 32)]


class Talkative:
    """An object that says too much of itself."""

    def __repr__(self) -> str:
        return f"<client with {KEYS[0]} and {SECRETS[0]}>"


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    kept = structlog.get_config()
    open_journal()
    yield
    structlog.configure(**kept)


@pytest.mark.parametrize("text", [*KEYS, *SECRETS], ids=[str(n) for n in range(len(KEYS) + len(SECRETS))])
def test_no_key_and_no_secret_is_written_down(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = [text, text[:-1], text[-40:]]
    log = structlog.get_logger("cardpipe.test").bind(bound=f"Bearer {text}")
    log.warning(f"it failed for {text}", header=f'"{text}"', nested={"a": [text, {text: (text,)}]}, data=text.encode(),
                thing=Talkative(), problem=ValueError(f"{text}\n{text}"), cut=text[:-3])  # fmt: skip
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    told = json.loads(line)
    assert told["level"] == "warning" and told["event"].startswith("it failed for ")
    for part in (*hidden, *KEYS, *SECRETS):
        assert part not in line
    assert told["header"].startswith('"') and told["header"].endswith('…"'), "the rest of the line stays as it was"


def test_what_may_be_shown_of_a_key_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger().info("used", key=KEYS[1])
    mine = read(KEYS[1])
    assert mine is not None and json.loads(capsys.readouterr().err)["key"] == f"cp_test_{mine.id}_…"


@given(before=st.text(max_size=20), after=st.text(max_size=20), text=st.sampled_from([*KEYS, *SECRETS]))
def test_whatever_stands_around_it(before: str, after: str, text: str) -> None:
    line = json.dumps({"said": before + text + after})
    found = masked(line)
    assert text not in found
    assert isinstance(json.loads(found)["said"], str), "still JSON"


@given(text=st.text(max_size=60).filter(lambda text: "cp_" not in text and "whsec_" not in text))
def test_all_else_stays(text: str) -> None:
    assert masked(text) == text


def test_a_journal_that_cannot_be_written_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", Full())
    structlog.get_logger().warning("lost")
