-- Where a guest wants to be told what becomes of one reservation: given at the checkout, before the reservation may have
-- come into the database at all. Forgotten when there is nothing left to tell.
CREATE TABLE reservation_contacts (
    reservation_id TEXT    NOT NULL PRIMARY KEY,
    email          TEXT    NOT NULL,
    language       TEXT    NOT NULL,
    given_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX reservation_contacts_by_age ON reservation_contacts (given_at);
