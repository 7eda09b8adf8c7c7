-- What was answered to a request with an `Idempotency-Key`, so that asking again is no second order. The key is kept as a
-- hash, together with who asked.
CREATE TABLE idempotent_answers (
    key_hash     TEXT    NOT NULL PRIMARY KEY,
    -- Of method, address and body: the same key with another request is a mistake.
    request_hash TEXT    NOT NULL,
    -- Null while the first request is being answered.
    status       INTEGER,
    headers      TEXT,
    body         TEXT,
    -- While it is being answered: when it counts as cut off. Later: when it is forgotten.
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotent_answers_by_end ON idempotent_answers (expires_at);
