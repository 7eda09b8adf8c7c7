-- Where a fan is reached by mail: an account's address, once it is verified, or what a guest left at the checkout. A fan
-- without a row here gets no mail.
CREATE TABLE contacts (
    fan_id     TEXT    NOT NULL PRIMARY KEY,
    email      TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mail to be sent, written in the same transaction as what it tells of. The key says what it tells of, so that nothing is
-- told twice; it stays when the mail is out, without address and content.
CREATE TABLE outbox (
    message_key TEXT    NOT NULL PRIMARY KEY,
    state       TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),
    recipient   TEXT    CHECK (recipient IS NOT NULL OR state = 'sent'),
    language    TEXT    NOT NULL,
    notice      TEXT    CHECK (notice IS NOT NULL OR state = 'sent'),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- When it may be tried, and until when whoever tries it now has it to themselves.
    next_at     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    settled_at  INTEGER,
    -- Why the last attempt failed; never an address.
    failure     TEXT
) STRICT, WITHOUT ROWID;

-- The sender asks what is due, every second or more often.
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE state = 'waiting';

-- What was sent is forgotten after some weeks; what is dead is listed.
CREATE INDEX outbox_settled ON outbox (state, settled_at) WHERE state <> 'waiting';
