-- One row for each attempt of a fan to get seats; the row stays when the attempt is over.
CREATE TABLE reservations (
    id           TEXT    NOT NULL PRIMARY KEY,
    event_id     TEXT    NOT NULL REFERENCES events (id),
    fan_id       TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN
                     ('held', 'paying', 'confirmed', 'released', 'expired', 'refund_due', 'refunded')),
    amount_cents INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- The payment under way, or the last one: how often payment was begun, with which card, and the charge.
    attempt      INTEGER NOT NULL DEFAULT 0,
    card         TEXT,
    charge_id    TEXT
) STRICT;

CREATE INDEX reservations_by_fan ON reservations (fan_id, created_at);

-- The sweep looks for holds by their end.
CREATE INDEX reservations_held ON reservations (expires_at) WHERE state = 'held';

-- At start, and every few seconds, what is left unsettled is taken up again.
CREATE INDEX reservations_unsettled ON reservations (updated_at) WHERE state IN ('paying', 'refund_due');

-- Which seats the reservation was made for, at which price; stays when the claims are gone.
CREATE TABLE reservation_seats (
    reservation_id TEXT    NOT NULL REFERENCES reservations (id),
    seat_id        TEXT    NOT NULL,
    place          INTEGER NOT NULL,
    price_cents    INTEGER NOT NULL,
    PRIMARY KEY (reservation_id, seat_id)
) STRICT, WITHOUT ROWID;

-- Who has a seat now, as a hold or for good. The primary key is the last word: no seat has two claims.
CREATE TABLE seat_claims (
    event_id       TEXT NOT NULL,
    seat_id        TEXT NOT NULL,
    reservation_id TEXT NOT NULL REFERENCES reservations (id),
    PRIMARY KEY (event_id, seat_id),
    FOREIGN KEY (event_id, seat_id) REFERENCES seats (event_id, seat_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX seat_claims_by_reservation ON seat_claims (reservation_id);

-- A seat has one ticket at most.
CREATE TABLE tickets (
    code           TEXT    NOT NULL PRIMARY KEY,
    reservation_id TEXT    NOT NULL REFERENCES reservations (id),
    event_id       TEXT    NOT NULL,
    seat_id        TEXT    NOT NULL,
    issued_at      INTEGER NOT NULL,
    UNIQUE (event_id, seat_id),
    FOREIGN KEY (event_id, seat_id) REFERENCES seats (event_id, seat_id)
) STRICT;

CREATE INDEX tickets_by_reservation ON tickets (reservation_id);
