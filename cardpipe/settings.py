"""Settings: CARDPIPE_* read once into a frozen value. Nothing else in the program looks at the environment."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error

_ROOT = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """``designs/`` and ``fonts/``: beside the package in a checkout, inside it in a wheel."""
    beside = _ROOT.parent / name
    return beside if beside.is_dir() else _ROOT / name


class Settings(BaseSettings):
    """Where things are and how many hands work. ``data`` is the data folder: one local disk, one supervisor; ``shop``
    the shop's own folder of formats, presses, carriers, way of posting and inserts, where it has one."""

    model_config = SettingsConfigDict(env_prefix="CARDPIPE_", frozen=True, extra="ignore")

    data: Path = Path("cardpipe-data")
    designs: Path = Field(default_factory=lambda: _shipped("designs"))
    fonts: Path = Field(default_factory=lambda: _shipped("fonts"))
    shop: Path | None = None
    database_url: str = ""
    broker_url: str = ""
    artifacts_url: str = ""
    press: str = "digital-coated"
    carrier: str = "usps"
    tenant: str = "local"
    workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=256)
    lease_seconds: float = Field(default=60, gt=0)
    hint_seconds: float = Field(default=20, gt=0)
    window: int = Field(default_factory=lambda: max(16, 8 * (os.cpu_count() or 1)), ge=1, le=5000)  # hints in flight
    queues: str = ""  # the queues that this machine's workers serve; all unless some are named
    contact: str = "whoever delivered this batch"
    delivery: str = ""  # where a batch goes if nothing else is said: file:///FOLDER or sftp://USER@HOST/FOLDER
    sftp_key: Path | None = None  # our private key
    sftp_passphrase: SecretStr = SecretStr("")  # what opens it, if anything does
    sftp_known_hosts: Path | None = None  # the houses' host keys, as OpenSSH writes them
    secret: SecretStr = SecretStr("")  # of keyed hashes, webhooks, links; DATA/secret on one machine, else needed
    photo_urls: bool = False  # whether orders may name photos by URL, which workers then fetch
    outbound_allow: str = ""  # host:port, …: addresses of our own network that photos and webhooks may reach
    backlog: int = Field(default=200_000, ge=1)  # steps still to be done beyond which the API takes no more orders

    @field_validator("data", "designs", "fonts")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("shop", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return value or None

    @field_validator("shop")
    @classmethod
    def _a_folder(cls, value: Path | None) -> Path | None:
        found = value.expanduser().resolve() if value else None
        if found and not found.is_dir():
            raise ValueError("is no folder; make it, or leave the setting away")
        return found

    @field_validator("data")
    @classmethod
    def _plain(cls, value: Path) -> Path:
        if set("?#%") & set(str(value)):
            raise ValueError("must not hold '?', '#' or '%': the database's address could not name it")
        return value

    @field_validator("artifacts_url")
    @classmethod
    def _a_folder_or_bucket(cls, value: str) -> str:
        """What is wrong at first sight; the adapter reads it in full. The value itself is never repeated."""
        if value and not value.startswith(("file:///", "s3://")):
            raise ValueError("must be file:///FOLDER or s3://BUCKET/PREFIX")
        if value.startswith("s3://") and "@" in value.removeprefix("s3://").partition("/")[0]:
            raise ValueError("must not hold a user or a password; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return value

    @field_validator("delivery")
    @classmethod
    def _a_place(cls, value: str) -> str:
        """What is wrong at first sight; the adapter reads it in full. The value itself is never repeated."""
        try:
            parts = urlsplit(value)
        except ValueError:
            raise ValueError("cannot be read as an address") from None
        if value and (parts.scheme not in ("file", "sftp") or not value.startswith(f"{parts.scheme}://")):
            raise ValueError("must be file:///FOLDER or sftp://USER@HOST/FOLDER")
        if parts.password is not None:
            raise ValueError("must not hold a password; set CARDPIPE_SFTP_KEY to a private key")
        return value

    @field_validator("sftp_key", "sftp_known_hosts", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("sftp_key", "sftp_known_hosts")
    @classmethod
    def _whole_path(cls, value: Path | None) -> Path | None:
        return value and value.expanduser().absolute()

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < 32:
            raise ValueError("must have 32 characters or more; make one with: openssl rand -hex 32")
        return value

    @property
    def outbound(self) -> frozenset[str]:
        """Addresses (host:port) of our own network that photos and webhooks may reach all the same."""
        return frozenset(part.strip() for part in self.outbound_allow.split(",") if part.strip())

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the database: SQLite in the data folder unless another is set."""
        return self.database_url or f"sqlite:///{self.data / 'cardpipe.db'}"

    @property
    def artifacts(self) -> Path | None:
        """The folder of the artifacts; None where they lie in a bucket."""
        if self.artifacts_url.startswith("s3://"):
            return None
        return Path(self.artifacts_url.removeprefix("file://")) if self.artifacts_url else self.data / "artifacts"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises Refused with every wrong one at once."""
    try:
        return Settings()
    except ValidationError as problem:
        findings = [
            error(
                "settings.invalid",
                f"CARDPIPE_{'_'.join(str(part) for part in item['loc']).upper()}",
                item["msg"].removeprefix("Value error, "),
                "mend the environment variable",
            )
            for item in problem.errors()
        ]
        raise Refused("the settings cannot be used", findings) from None
