-- When places can be had: an event without a row here is always on sale. A sale without a room has the event's.
CREATE TABLE sales (
    event_id     TEXT   NOT NULL REFERENCES events (id),
    sale_id      TEXT   NOT NULL,
    place        BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    opens_at     BIGINT NOT NULL,
    closes_at    BIGINT CHECK (closes_at > opens_at),
    waiting_room TEXT,
    PRIMARY KEY (event_id, sale_id)
);

-- Which sections a sale covers; one without a row here covers all of them.
CREATE TABLE sale_sections (
    event_id   TEXT NOT NULL,
    sale_id    TEXT NOT NULL,
    section_id TEXT NOT NULL,
    PRIMARY KEY (event_id, sale_id, section_id),
    FOREIGN KEY (event_id, sale_id) REFERENCES sales (event_id, sale_id) ON DELETE CASCADE,
    FOREIGN KEY (event_id, section_id) REFERENCES sections (event_id, section_id) ON DELETE CASCADE
);

-- The warm-up looks for sales that open soon.
CREATE INDEX sales_by_opening ON sales (opens_at);
