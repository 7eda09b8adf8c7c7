-- When the payment under way began, and until when its seats are kept while the provider does not answer: with the second
-- a reservation that is 'paying' is delayed.
ALTER TABLE reservations ADD COLUMN begun_at BIGINT;
ALTER TABLE reservations ADD COLUMN keep_until BIGINT;
UPDATE reservations SET begun_at = updated_at WHERE state = 'paying';

-- Why money goes back.
ALTER TABLE reservations ADD COLUMN refund_reason TEXT
    CHECK (refund_reason IN ('no_seats', 'too_late', 'cancelled', 'organiser', 'called_off'));
UPDATE reservations SET refund_reason = 'no_seats' WHERE state IN ('refund_due', 'refunded');

-- Tickets that were given back or taken back. Their seats may be sold again, their codes open nothing any more.
CREATE TABLE void_tickets (
    code           TEXT    NOT NULL PRIMARY KEY,
    reservation_id TEXT    NOT NULL REFERENCES reservations (id),
    event_id       TEXT    NOT NULL REFERENCES events (id),
    seat_id        TEXT    NOT NULL,
    issued_at      BIGINT NOT NULL,
    voided_at      BIGINT NOT NULL
);

CREATE INDEX void_tickets_by_event ON void_tickets (event_id);

-- What is paid for an event is found when it is called off.
CREATE INDEX reservations_paid ON reservations (event_id) WHERE state = 'confirmed';
