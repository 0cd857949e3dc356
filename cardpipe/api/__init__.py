"""Door for CRMs: pictures and orders in, states and print files out, over HTTP under ``/v1``."""
