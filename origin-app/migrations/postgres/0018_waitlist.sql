-- Who waits for a seat of a sold-out event to come back, in the order in which they came. Whom it is offered to has a hold
-- for a while; whoever lets it lapse is done, and may wait anew.
CREATE TABLE waitlist (
    event_id       TEXT    NOT NULL REFERENCES events (id),
    fan_id         TEXT    NOT NULL,
    quantity       BIGINT  NOT NULL CHECK (quantity > 0),
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'offered', 'done')),
    joined_at      BIGINT  NOT NULL,
    reservation_id TEXT,
    offered_until  BIGINT ,
    PRIMARY KEY (event_id, fan_id)
);

-- The next of an event, and which events there are.
CREATE INDEX waitlist_waiting ON waitlist (event_id, joined_at, fan_id) WHERE state = 'waiting';
CREATE INDEX waitlist_offered ON waitlist (offered_until) WHERE state = 'offered';
