-- What the sandbox payment provider remembers of every key: how often it was asked, and what it decided, once and for
-- ever. It stands in for the books of a provider elsewhere, so nothing of the shop's own tables refers to it. It takes the
-- place of sandbox_charges, which stays until no shop of before runs any more.
CREATE TABLE sandbox_payments (
    idempotency_key TEXT    NOT NULL PRIMARY KEY,
    charge_id       TEXT    NOT NULL,
    reference       TEXT    NOT NULL,
    card            TEXT    NOT NULL,
    amount_cents    INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    outcome         TEXT    NOT NULL CHECK (outcome IN ('asked', 'charged', 'declined', 'closed')),
    asked           INTEGER NOT NULL,
    refunds_asked   INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    refunded_at     INTEGER
) STRICT;

CREATE INDEX sandbox_payments_by_reference ON sandbox_payments (reference);

INSERT INTO sandbox_payments
       (idempotency_key, charge_id, reference, card, amount_cents, currency, outcome, asked, created_at, refunded_at)
SELECT idempotency_key, charge_id, reference, 'sandbox-ok', amount_cents, currency, outcome, 1, created_at, refunded_at
  FROM sandbox_charges;
