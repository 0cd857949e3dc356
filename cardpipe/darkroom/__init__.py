"""Adapter for the port Darkroom: pictures from strangers are decoded in a child process that may do nothing else."""

from cardpipe.darkroom.limited import LimitedDarkroom, Limits, PictureKilled

__all__ = ["LimitedDarkroom", "Limits", "PictureKilled"]
