"""The one place where adapters are chosen."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from cardpipe.darkroom.limited import LimitedDarkroom
from cardpipe.delivery.download import DownloadDelivery
from cardpipe.delivery.folder import FolderDelivery
from cardpipe.delivery.target import SftpTarget, parse
from cardpipe.model.batch import BY_DOWNLOAD
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.outbox import Answer
from cardpipe.ports import Delivery
from cardpipe.settings import Settings, settings
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.storage.secret import own_secret
from cardpipe.storage.store import SqlStore

if TYPE_CHECKING:
    from cardpipe.catalog.shelf import Catalog
    from cardpipe.lettershop.house import House
    from cardpipe.storage.bucket import BucketArtifacts


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
    def artifacts(self) -> FolderArtifacts | BucketArtifacts:
        """The folder of artifacts, or the bucket. Raises Refused for an address of a bucket that is none."""
        if (folder := self.settings.artifacts) is not None:
            return FolderArtifacts(folder)
        from cardpipe.storage.bucket import BucketArtifacts  # the S3 library is loaded where it is used

        return BucketArtifacts(self.settings.artifacts_url, self.settings.data)

    @cached_property
    def catalog(self) -> Catalog:
        """Designs, fonts, presses, houses, carriers."""
        from cardpipe.catalog.shelf import Catalog  # numbers and letters are loaded where something is set

        ours = self.settings
        return Catalog(ours.designs, ours.fonts, ours.shop, lambda data, order: self.darkroom.art(data, order))

    @property
    def houses(self) -> Sequence[House]:
        """The print and mail houses of ``houses.toml``."""
        return self.catalog.houses()

    @cached_property
    def darkroom(self) -> LimitedDarkroom:
        """The limited child for pictures."""
        return LimitedDarkroom()

    def delivery(self, target: str = "") -> Delivery:
        """The place of that address, or CARDPIPE_DELIVERY's. Nothing is opened or called yet. Raises Refused for an
        address that is none."""
        if target == BY_DOWNLOAD:
            return DownloadDelivery()
        place = parse(target or self.settings.delivery)
        if not isinstance(place, SftpTarget):
            return FolderDelivery(place)
        from cardpipe.delivery.connect import Login  # the SSH library is loaded where it is used
        from cardpipe.delivery.sftp import SftpDelivery

        ours = self.settings
        return SftpDelivery(place, Login(ours.sftp_key, ours.sftp_known_hosts, ours.sftp_passphrase.get_secret_value()))

    @cached_property
    def secret(self) -> bytes:
        """What keyed hashes and signatures are made with. Raises Refused where several machines share a database and
        CARDPIPE_SECRET is not set, Conflict where the database was written with another one."""
        ours = self.settings
        if given := ours.secret.get_secret_value():
            found = given.encode()
        elif ours.database.startswith("sqlite"):
            found = own_secret(ours.data)
        else:
            remedy = "set it to the same value on each machine; make one with: openssl rand -hex 32"
            wrong = error("settings.secret", "CARDPIPE_SECRET", "is needed where a server holds the database", remedy)
            raise Refused("CARDPIPE_SECRET is not set", [wrong])
        self.store.check_secret(hashlib.sha256(b"cardpipe secret\0" + found).hexdigest()[:16])
        return found

    def fetch_picture(self, url: str, where: str) -> bytes:
        """The bytes behind a ``photo_url``. Raises Refused, Unavailable."""
        if not self.settings.photo_urls:
            raise Refused("photos by URL are switched off", self.judge_photo_url(url, where))
        from cardpipe.delivery.fetch import fetch_picture

        return fetch_picture(url, where, allow=self.settings.outbound)

    def judge_photo_url(self, url: str, where: str) -> list[Finding]:
        """What is wrong with a ``photo_url`` as far as its text tells: at first, that they are switched off."""
        if self.settings.photo_urls:
            return self.judge_url(url, where)
        remedy = "upload the picture and name its digest; or ask the operator to set CARDPIPE_PHOTO_URLS=1"
        return [error("picture.url_off", where, "names a photo by URL, which is switched off here", remedy)]

    def judge_url(self, url: str, where: str) -> list[Finding]:
        """What is wrong with the URL of a photo or a webhook, as far as its text tells; nobody is asked."""
        from cardpipe.delivery.reach import target_of

        try:
            target_of(url, where, allow=self.settings.outbound)
        except Refused as problem:
            return list(problem.findings)
        return []

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Tell somebody else's server; whatever it says or does not say is an answer."""
        from cardpipe.delivery.webhook import post

        return post(url, headers, body, allow=self.settings.outbound)

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
