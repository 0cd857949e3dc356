"""Shapes of the other doors: what can be ordered, imports, events, webhooks, terms."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.api.shapes import FindingShape


class MissingShape(BaseModel):
    """A character that the hand cannot write, by line and column, from 1, of the filled message."""

    character: str
    code: str
    line: int
    column: int


class FitShape(BaseModel):
    """Whether it fits, and how, in millimetres. ``lines`` is how many there are, ``words`` how many stand on each;
    ``x_height_mm`` is the size that it gets."""

    fits: bool
    design: str
    hand: str
    lines: int | None
    words: list[int]
    x_height_mm: float | None
    smallest_mm: float
    largest_mm: float
    height_mm: float | None
    room_mm: float
    missing: list[MissingShape]
    findings: list[FindingShape]


class TenantShape(BaseModel):
    """The terms under which this key orders; ``rate`` is requests a minute and key."""

    name: str
    mode: str
    zone: str
    cut_off: str | None
    next_mail_on: str
    next_cut_off: str | None
    approval: str
    postage_class: str
    retention_days: int | None
    daily_limit: int | None
    rate: int
    photo_urls: bool


class FormatShape(BaseModel):
    """One kind of card, as it is held in the hand."""

    name: str
    title: str
    fold: str
    trim_mm: tuple[float, float]
    envelope: str


class PhotoShape(BaseModel):
    """A photo that an order names under ``photos``. Width and height; with fewer than ``least_pixels`` it is refused,
    from ``best_pixels`` on it prints as sharp as it can."""

    name: str
    panel: str
    required: bool
    fit: str
    size_mm: tuple[float, float]
    least_pixels: tuple[int, int]
    best_pixels: tuple[int, int]


class MessageShape(BaseModel):
    """The room for words: the frame, the largest and smallest x-height. ``proven_characters`` is the longest specimen,
    which fits for certain in the design's own hand; POST /v1/fit tells it for yours."""

    max_characters: int
    proven_characters: int
    largest_mm: float
    smallest_mm: float
    room_mm: tuple[float, float]


class DesignShape(BaseModel):
    """A design, and what an order of it may or must name."""

    name: str
    version: int
    title: str
    occasions: list[str]
    format: FormatShape
    hand: str
    inks: list[str]
    photos: list[PhotoShape]
    signature: bool
    message: MessageShape
    thumbnail: str | None


class DesignsShape(BaseModel):
    """Designs by name."""

    designs: list[DesignShape]
    next: str | None


class HandShape(BaseModel):
    """A handwriting; ``joined``: its letters hang together."""

    name: str
    title: str
    joined: bool


class HandsShape(BaseModel):
    """Hands by name; all on one page."""

    hands: list[HandShape]
    next: str | None = None


class OccasionShape(BaseModel):
    """An occasion; ``design`` is what an order gets that names none."""

    name: str
    design: str
    designs: list[str]


class OccasionsShape(BaseModel):
    """Occasions by name; all on one page."""

    occasions: list[OccasionShape]
    next: str | None = None


class ImportShape(BaseModel):
    """A file of orders. ``counts`` has the rows in each state; ``rows`` is null until the file was read; ``name`` is
    null in the answer to POST, which is kept for those who ask again."""

    id: str
    state: str
    name: str | None
    dry_run: bool
    rows: int | None
    counts: dict[str, int]
    findings: list[FindingShape]
    created_at: str
    finished_at: str | None
    failed: str | None = Field(description="Where the file of refused rows is, once there are any.")


class ImportsShape(BaseModel):
    """Imports, newest first."""

    imports: list[ImportShape]
    next: str | None


class RowShape(BaseModel):
    """A row; ``order`` is the order that it became."""

    line: int
    order: str | None
    reference: str
    state: str
    findings: list[FindingShape]
    at: str


class RowsShape(BaseModel):
    """Rows by line; ``next`` is the ``after`` of the next page."""

    rows: list[RowShape]
    next: int | None


class SuggestedShape(BaseModel):
    """What a column is taken for: ``-`` to be left out, empty to be decided; ``confidence`` known, name or none."""

    header: str
    target: str
    confidence: str


class PreviewShape(BaseModel):
    """A file before it is taken in. ``columns`` can be sent with the import, once what is empty was decided; ``export``
    names the program that it came from, where that is known."""

    header: list[str]
    export: str
    id: str
    suggested: list[SuggestedShape]
    columns: dict[str, str]
    looked_at: int
    findings: list[FindingShape]


class ToldDataShape(BaseModel):
    """Ids, states and codes: what is personal is asked for with a key."""

    model_config = ConfigDict(serialize_by_alias=True)

    event: str
    order: str | None
    reference: str | None
    piece: str | None
    state: str
    shown: str
    reason: str | None
    batch: str | None
    import_id: str | None = Field(default=None, validation_alias="import", serialization_alias="import")


class ToldShape(BaseModel):
    """An event, in the very form in which webhooks are sent."""

    id: str
    type: str
    timestamp: str
    data: ToldDataShape


class ToldsShape(BaseModel):
    """Events, oldest first. ``next`` is where to go on from, null while nothing ever happened."""

    events: list[ToldShape]
    next: str | None


class WebhookShape(BaseModel):
    """An endpoint. No types: it is told of everything."""

    id: str
    url: str
    types: list[str]
    enabled: bool
    disabled_reason: str | None
    pending: int
    failing_since: str | None
    rotated_until: str | None
    created_at: str


class NewWebhookToldShape(WebhookShape):
    """With the secret (``whsec_…``) that the receiver checks signatures with, after Standard Webhooks."""

    secret: str


class WebhooksShape(BaseModel):
    """Endpoints, oldest first; all on one page."""

    webhooks: list[WebhookShape]
    next: str | None = None


class ReplayedShape(BaseModel):
    """How many messages are sent again."""

    messages: int


class AnswerShape(BaseModel):
    """What a receiver said: its status, null where it could not be reached, and the beginning of its words."""

    at: str
    status: int | None
    words: str
    seconds: float


class DeliveryShape(BaseModel):
    """A message with its fate: pending, delivered or given_up; ``next_at`` is its next try."""

    id: str
    event: str
    type: str
    order: str | None
    state: str
    created_at: str
    next_at: str | None
    answers: list[AnswerShape]


class DeliveriesShape(BaseModel):
    """Messages, newest first."""

    deliveries: list[DeliveryShape]
    next: str | None
