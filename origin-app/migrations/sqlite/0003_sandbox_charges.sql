-- What the sandbox payment provider remembers: its first answer to a key is its answer for ever. It stands in
-- for the books of a provider elsewhere, so nothing of the shop's own tables refers to it.
CREATE TABLE sandbox_charges (
    idempotency_key TEXT    NOT NULL PRIMARY KEY,
    charge_id       TEXT    NOT NULL,
    reference       TEXT    NOT NULL,
    amount_cents    INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    outcome         TEXT    NOT NULL CHECK (outcome IN ('charged', 'declined')),
    created_at      INTEGER NOT NULL,
    refunded_at     INTEGER
) STRICT;

CREATE INDEX sandbox_charges_by_reference ON sandbox_charges (reference);
