"""cardpipe: card orders in, print-ready cards and envelopes out."""

__version__ = "0.1.0"
