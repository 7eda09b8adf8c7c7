-- Whoever showed that an address is theirs has an account: there is none that waits for it. The fan of an account is known
-- to nobody's browser; what a guest had becomes that fan's when they log in.
CREATE TABLE accounts (
    id            TEXT    NOT NULL PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    fan_id        TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL CHECK (role IN ('fan', 'organiser')),
    language      TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    password_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is logged in. What a browser holds is kept as its hash only: whoever reads this table is nobody.
CREATE TABLE sessions (
    token_hash TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Links that were sent by mail: one opens an account with the password that was given when it was asked for, another sets
-- a new password. Each works once; used ones are gone.
CREATE TABLE account_links (
    token_hash    TEXT    NOT NULL PRIMARY KEY,
    purpose       TEXT    NOT NULL CHECK (purpose IN ('sign_up', 'reset')),
    email         TEXT    NOT NULL,
    password_hash TEXT    CHECK (password_hash IS NOT NULL OR purpose = 'reset'),
    language      TEXT    NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX account_links_by_email ON account_links (email);
CREATE INDEX account_links_by_end ON account_links (expires_at);

-- Which fan of an account a guest became: what is written of the guest later belongs to that fan as well.
CREATE TABLE guests (
    guest_id TEXT    NOT NULL PRIMARY KEY,
    fan_id   TEXT    NOT NULL,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
