"""Many orders at once, composed already, by two statements of the database itself."""

from __future__ import annotations

ORDERS = """
    INSERT INTO orders (tenant, mode, id, reference, state, request_digest, request, occasion, design, mail_on, findings,
                        accepted_at)
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :many)
    SELECT 'local', 'live', 'ord_' || (1000000 + n), 'ref-' || n, 'accepted', 'd', '{}', 'birthday', 'fern',
           '2026-11-25', '[]', '2026-11-21' FROM counted
"""
PIECES = """
    INSERT INTO pieces (tenant, mode, id, order_id, copy, reference, state, mail_on, group_key, sort_key, spec,
                        composed_findings, findings, card, envelope)
    SELECT tenant, mode, 'pce' || id, id, 1, reference, 'composed', mail_on, 'A7|digital|usps', id, :spec, '[]', '[]',
           'c', 'e' FROM orders
"""
