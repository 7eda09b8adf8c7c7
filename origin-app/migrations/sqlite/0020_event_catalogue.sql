-- An event is edited before and after it is on sale. `version` counts its changes: a change names the version that it
-- was made from, and one made from an older version is refused. Events from before are on sale.
ALTER TABLE events ADD COLUMN status TEXT NOT NULL DEFAULT 'published'
    CHECK (status IN ('draft', 'published', 'called_off'));
ALTER TABLE events ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE events ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE events SET updated_at = created_at;

-- What a search looks through, in small letters: the databases do not agree about small letters beyond ASCII, so the shop
-- writes it.
ALTER TABLE events ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE events SET search_text = lower(name || ' ' || venue);

-- The list and the search read published events by their start, page by page.
CREATE INDEX events_published ON events (starts_at, id) WHERE status = 'published';
