-- What is on sale. Times are milliseconds since the Unix epoch, money is in the currency's smallest unit.
CREATE TABLE events (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    venue        TEXT    NOT NULL,
    starts_at    INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    waiting_room TEXT,
    seats_total  INTEGER NOT NULL CHECK (seats_total > 0),
    created_at   INTEGER NOT NULL
) STRICT;

-- The list of events is read in this order, page by page.
CREATE INDEX events_by_start ON events (starts_at, id);

-- `place` is the seat's place in the seat map, so that row B follows row A whatever they are called.
CREATE TABLE seats (
    event_id    TEXT    NOT NULL REFERENCES events (id),
    seat_id     TEXT    NOT NULL,
    place       INTEGER NOT NULL,
    row_name    TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    PRIMARY KEY (event_id, seat_id)
) STRICT, WITHOUT ROWID;
