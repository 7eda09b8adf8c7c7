-- Where all the money is, in double entry. A posting is written in the same transaction as the step of the reservation
-- that it belongs to, and never changed. Its id, kind and payment, can be there once: no step posts twice.
CREATE TABLE ledger_postings (
    id             TEXT    NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL CHECK (kind IN ('charge', 'tickets', 'return', 'refund')),
    payment        TEXT    NOT NULL,
    reservation_id TEXT    NOT NULL REFERENCES reservations (id),
    event_id       TEXT    NOT NULL REFERENCES events (id),
    currency       TEXT    NOT NULL,
    posted_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_postings_by_event ON ledger_postings (event_id);
CREATE INDEX ledger_postings_by_reservation ON ledger_postings (reservation_id);

-- The entries of a posting add up to nothing.
CREATE TABLE ledger_entries (
    posting_id   TEXT    NOT NULL REFERENCES ledger_postings (id),
    account      TEXT    NOT NULL CHECK (account IN ('provider', 'sales', 'unsettled')),
    amount_cents INTEGER NOT NULL CHECK (amount_cents <> 0),
    PRIMARY KEY (posting_id, account)
) STRICT;

-- What was paid before there was a ledger.
INSERT INTO ledger_postings (id, kind, payment, reservation_id, event_id, currency, posted_at)
SELECT kind || ':' || r.id || '.' || r.attempt, kind, r.id || '.' || r.attempt, r.id, r.event_id, r.currency, r.updated_at
  FROM reservations r
  JOIN (SELECT 'charge' AS kind UNION ALL SELECT 'tickets' UNION ALL SELECT 'refund') AS kinds
    ON (kind = 'charge' AND r.state IN ('confirmed', 'refund_due', 'refunded'))
    OR (kind = 'tickets' AND r.state = 'confirmed')
    OR (kind = 'refund' AND r.state = 'refunded');

INSERT INTO ledger_entries (posting_id, account, amount_cents)
SELECT p.id, s.account, s.sign * r.amount_cents
  FROM ledger_postings p
  JOIN reservations r ON r.id = p.reservation_id
  JOIN (SELECT 'charge' AS kind, 'provider' AS account, 1 AS sign
        UNION ALL SELECT 'charge', 'unsettled', -1
        UNION ALL SELECT 'tickets', 'unsettled', 1
        UNION ALL SELECT 'tickets', 'sales', -1
        UNION ALL SELECT 'refund', 'unsettled', 1
        UNION ALL SELECT 'refund', 'provider', -1) AS s ON s.kind = p.kind;
