"""Delivery by download: nothing is brought anywhere, whoever prints fetches the released files from the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from cardpipe.model.batch import BY_DOWNLOAD, Bundle
from cardpipe.ports import Reply


class DownloadDelivery:
    """``ports.Delivery`` to a person. Answers come by word of mouth: there is no place for an ``.ack``."""

    @property
    def address(self) -> str:
        return BY_DOWNLOAD

    def deliver(self, bundle: Bundle, open_file: Callable[[str], BinaryIO]) -> str:
        """See that every file can be opened; who fetches them, and when, stands in the audit log."""
        for file in bundle.files:
            with open_file(file.sha256):
                pass
        return f"{self.address}/{bundle.name}"

    def replies(self, bundle: Bundle) -> list[Reply]:
        return []
