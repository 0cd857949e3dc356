"""The one place where adapters are chosen."""

from __future__ import annotations

import datetime as dt
from functools import cached_property, lru_cache

from cardpipe.catalog.shelf import Catalog
from cardpipe.darkroom.limited import LimitedDarkroom
from cardpipe.delivery.folder import FolderDelivery
from cardpipe.delivery.target import SftpTarget, parse
from cardpipe.model.errors import Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.ports import Delivery
from cardpipe.settings import Settings, settings
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.storage.store import SqlStore


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> dt.datetime:
        """Now."""
        return dt.datetime.now(dt.UTC)


class Shop:
    """The adapters of this process, each made when first used: nothing is opened before a worker has forked."""

    def __init__(self, config: Settings) -> None:
        self.settings = config
        self.press = config.press
        self.carrier = config.carrier
        self.contact = config.contact
        self.lease_seconds = config.lease_seconds
        self.clock = SystemClock()

    @property
    def scope(self) -> Scope:
        """Whose data the command line works on."""
        return Scope(self.settings.tenant, "live")

    @cached_property
    def store(self) -> SqlStore:
        """The database, migrated to today's tables."""
        try:
            self.settings.data.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            what = f"cannot be made: {problem.strerror}"
            remedy = "name a folder that can be written in CARDPIPE_DATA"
            found = error("settings.data", "CARDPIPE_DATA", f"{self.settings.data} {what}", remedy)
            raise Unavailable(f"the data folder {what}", [found]) from None
        store = SqlStore(self.settings.database, self.clock)
        store.migrate()
        return store

    @cached_property
    def artifacts(self) -> FolderArtifacts:
        """The folder of artifacts."""
        return FolderArtifacts(self.settings.artifacts)

    @cached_property
    def catalog(self) -> Catalog:
        """Designs, fonts, presses, carriers."""
        return Catalog(self.settings.designs, self.settings.fonts, self.settings.shop)

    @cached_property
    def darkroom(self) -> LimitedDarkroom:
        """The limited child for pictures."""
        return LimitedDarkroom()

    def delivery(self, target: str = "") -> Delivery:
        """The place of that address, or CARDPIPE_DELIVERY's. Nothing is opened or called yet. Raises Refused for an
        address that is none."""
        place = parse(target or self.settings.delivery)
        if not isinstance(place, SftpTarget):
            return FolderDelivery(place)
        from cardpipe.delivery.connect import Login  # the SSH library is loaded where it is used
        from cardpipe.delivery.sftp import SftpDelivery

        ours = self.settings
        return SftpDelivery(place, Login(ours.sftp_key, ours.sftp_known_hosts, ours.sftp_passphrase.get_secret_value()))

    def warm(self) -> None:
        """What a worker opens before its first piece."""
        _ = self.store, self.artifacts, self.catalog.fonts

    def close(self) -> None:
        """End what this process started."""
        if "darkroom" in self.__dict__:
            self.darkroom.close()


@lru_cache(maxsize=1)
def shop() -> Shop:
    """The shop of this process."""
    return Shop(settings())
