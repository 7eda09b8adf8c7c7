-- From now on a hold claims no seat here: the inventory says who holds what, and a payment claims its seats. Holds of
-- before lapse by themselves.
DELETE FROM seat_claims WHERE reservation_id IN (SELECT id FROM reservations WHERE state = 'held');

-- What an event has held and sold is loaded into the inventory, compared with it, and counted.
CREATE INDEX reservations_live ON reservations (event_id) WHERE state IN ('held', 'paying', 'confirmed');

-- When an event was loaded into the inventory last, and when it had to be loaded again because that was lost.
CREATE TABLE inventory_loads (
    event_id  TEXT    NOT NULL PRIMARY KEY REFERENCES events (id),
    loaded_at INTEGER NOT NULL,
    lost_at   INTEGER
) STRICT;
