"""Settings: CARDPIPE_* read once into a frozen value. Nothing else in the program looks at the environment."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error

_ROOT = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """``designs/`` and ``fonts/``: beside the package in a checkout, inside it in a wheel."""
    beside = _ROOT.parent / name
    return beside if beside.is_dir() else _ROOT / name


class Settings(BaseSettings):
    """Where things are and how many hands work. ``data`` is the data folder: one local disk, one supervisor."""

    model_config = SettingsConfigDict(env_prefix="CARDPIPE_", frozen=True, extra="ignore")

    data: Path = Path("cardpipe-data")
    designs: Path = Field(default_factory=lambda: _shipped("designs"))
    fonts: Path = Field(default_factory=lambda: _shipped("fonts"))
    database_url: str = ""
    broker_url: str = ""
    artifacts_url: str = ""
    press: str = "digital-coated"
    carrier: str = "usps"
    tenant: str = "local"
    workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=256)
    lease_seconds: float = Field(default=60, gt=0)
    hint_seconds: float = Field(default=20, gt=0)
    window: int = Field(default=64, ge=1, le=5000)
    contact: str = "whoever delivered this batch"

    @field_validator("data", "designs", "fonts")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("data")
    @classmethod
    def _plain(cls, value: Path) -> Path:
        if set("?#%") & set(str(value)):
            raise ValueError("must not hold '?', '#' or '%': the database's address could not name it")
        return value

    @field_validator("artifacts_url")
    @classmethod
    def _only_folders(cls, value: str) -> str:
        if value and not value.startswith("file://"):
            raise ValueError("only file:///FOLDER is built; S3 comes with the cluster release")
        return value

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the database: SQLite in the data folder unless another is set."""
        return self.database_url or f"sqlite:///{self.data / 'cardpipe.db'}"

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts."""
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
