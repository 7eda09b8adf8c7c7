-- What a place costs, and what that is called.
CREATE TABLE price_classes (
    event_id    TEXT   NOT NULL REFERENCES events (id),
    class_id    TEXT   NOT NULL,
    place       INTEGER NOT NULL,
    name        TEXT   NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    PRIMARY KEY (event_id, class_id)
) STRICT, WITHOUT ROWID;

-- The parts of a house. In a general one nobody sits: its places are seats too, numbered from 1 to its capacity, so that
-- the primary key of `seat_claims` has the last word on them as on any other.
CREATE TABLE sections (
    event_id   TEXT   NOT NULL REFERENCES events (id),
    section_id TEXT   NOT NULL,
    place      INTEGER NOT NULL,
    name       TEXT   NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('numbered', 'general')),
    capacity   INTEGER NOT NULL CHECK (capacity > 0),
    -- Where its middle and its front are on the seat map, in widths of a seat; null where the map decides.
    map_x      INTEGER,
    map_y      INTEGER,
    PRIMARY KEY (event_id, section_id)
) STRICT, WITHOUT ROWID;

-- Events from before are one section, and have a class for each of their prices.
INSERT INTO sections (event_id, section_id, place, name, kind, capacity)
SELECT id, 'main', 1, '', 'numbered', seats_total FROM events;
INSERT INTO price_classes (event_id, class_id, place, name, price_cents)
SELECT DISTINCT event_id, 'p' || price_cents, price_cents, '', price_cents FROM seats;

ALTER TABLE seats ADD COLUMN section_id TEXT NOT NULL DEFAULT 'main';
ALTER TABLE seats ADD COLUMN class_id TEXT NOT NULL DEFAULT '';
UPDATE seats SET class_id = 'p' || price_cents;

-- The seat map and the warm-up read a section's seats in the order of the map.
CREATE INDEX seats_by_section ON seats (event_id, section_id, place);
