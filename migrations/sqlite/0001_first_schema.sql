-- +goose Up
-- Instants are microseconds since 1970-01-01T00:00Z. Columns named *_sealed are
-- encrypted; the checks refuse anything shorter than a sealed value.

-- One known text, sealed: whoever comes with another field key is told at once.
CREATE TABLE field_key (
    id              INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    proof_sealed    BLOB NOT NULL CHECK (length(proof_sealed) >= 29)
) STRICT;

CREATE TABLE keys (
    id              TEXT NOT NULL PRIMARY KEY,
    role            TEXT NOT NULL,
    label           TEXT NOT NULL,
    claimant_id     TEXT,
    issued_by       TEXT NOT NULL,
    hash            BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    CHECK (role IN ('admin', 'platform', 'reviewer', 'senior', 'payer', 'auditor', 'claimant', 'delegate')),
    CHECK ((role IN ('claimant', 'delegate')) = (claimant_id IS NOT NULL))
) STRICT;
CREATE INDEX keys_newest ON keys (created_at DESC, id DESC);
CREATE INDEX keys_claimant ON keys (claimant_id) WHERE claimant_id IS NOT NULL;

CREATE TABLE incidents (
    id              TEXT NOT NULL PRIMARY KEY,
    platform        TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('draft', 'open', 'closed')),
    body            TEXT NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE schemes (
    id              TEXT NOT NULL,
    version         INTEGER NOT NULL CHECK (version >= 1),
    title_ko        TEXT NOT NULL,
    title_en        TEXT NOT NULL,
    hash            TEXT NOT NULL,
    bytes           BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;

CREATE TABLE claimants (
    id              TEXT NOT NULL PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('merchant', 'driver')),
    name_sealed     BLOB NOT NULL CHECK (length(name_sealed) >= 29),
    phone_sealed    BLOB NOT NULL CHECK (length(phone_sealed) >= 29),
    phone_index     BLOB NOT NULL,
    business_sealed BLOB CHECK (length(business_sealed) >= 29),
    business_index  BLOB UNIQUE,
    driver_sealed   BLOB CHECK (length(driver_sealed) >= 29),
    driver_index    BLOB UNIQUE,
    bank_sealed     BLOB CHECK (length(bank_sealed) >= 29),
    account_index   BLOB,
    zone            TEXT NOT NULL,
    currency        TEXT NOT NULL,
    annual_revenue  INTEGER,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX claimants_phone ON claimants (phone_index);
CREATE INDEX claimants_account ON claimants (account_index) WHERE account_index IS NOT NULL;

CREATE TABLE outlets (
    claimant_id     TEXT NOT NULL REFERENCES claimants (id),
    code            TEXT NOT NULL,
    position        INTEGER NOT NULL,
    name_sealed     BLOB NOT NULL CHECK (length(name_sealed) >= 29),
    sector          TEXT NOT NULL,
    region          TEXT NOT NULL,
    PRIMARY KEY (claimant_id, code)
) STRICT;

CREATE TABLE revenue_uploads (
    id              TEXT NOT NULL PRIMARY KEY,
    claimant_id     TEXT NOT NULL REFERENCES claimants (id),
    outlet          TEXT NOT NULL,
    service         TEXT NOT NULL,
    source          TEXT NOT NULL CHECK (source IN ('platform', 'claimant')),
    is_current      INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    digest          TEXT NOT NULL,
    summary         TEXT NOT NULL,
    weeks           INTEGER NOT NULL,
    uploaded_by     TEXT NOT NULL,
    uploaded_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX revenue_uploads_current ON revenue_uploads (claimant_id, outlet, service, source) WHERE is_current = 1;

-- One packed week of an upload; week_start is Monday midnight in minutes of the
-- claimant's wall clock since 1970-01-01.
CREATE TABLE revenue_weeks (
    claimant_id     TEXT NOT NULL,
    upload_id       TEXT NOT NULL REFERENCES revenue_uploads (id),
    week_start      INTEGER NOT NULL,
    data            BLOB NOT NULL,
    PRIMARY KEY (claimant_id, upload_id, week_start)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    id              TEXT NOT NULL PRIMARY KEY,
    reference       TEXT NOT NULL UNIQUE,
    incident_id     TEXT NOT NULL REFERENCES incidents (id),
    claimant_id     TEXT NOT NULL REFERENCES claimants (id),
    outlet          TEXT NOT NULL,
    channel         TEXT NOT NULL CHECK (channel IN ('api', 'web', 'phone', 'paper')),
    state           TEXT NOT NULL CHECK (state IN ('draft', 'submitted', 'withdrawn')),
    late            INTEGER NOT NULL CHECK (late IN (0, 1)),
    currency        TEXT NOT NULL,
    content_sealed  BLOB NOT NULL CHECK (length(content_sealed) >= 29),
    claimed         INTEGER NOT NULL CHECK (claimed >= 0),
    estimated       INTEGER CHECK (estimated >= 0),
    outcome         TEXT NOT NULL,
    estimates       INTEGER NOT NULL,
    filed_by        TEXT NOT NULL,
    version         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    submitted_at    INTEGER
) STRICT;
-- One live claim for each incident, claimant and outlet.
CREATE UNIQUE INDEX claims_live ON claims (incident_id, claimant_id, outlet) WHERE state <> 'withdrawn';
CREATE INDEX claims_claimant ON claims (claimant_id, id DESC);
CREATE INDEX claims_incident ON claims (incident_id, state, id DESC);

CREATE TABLE estimates (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    n               INTEGER NOT NULL CHECK (n >= 1),
    bytes           BLOB NOT NULL,
    hash            TEXT NOT NULL,
    inputs          BLOB NOT NULL,
    input_hash      TEXT NOT NULL,
    model           TEXT NOT NULL,
    scheme_id       TEXT NOT NULL,
    scheme_version  INTEGER NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount >= 0),
    outcome         TEXT NOT NULL,
    made_at         INTEGER NOT NULL,
    PRIMARY KEY (claim_id, n),
    FOREIGN KEY (scheme_id, scheme_version) REFERENCES schemes (id, version)
) STRICT;

-- The log's entries: written with the change they are about, never changed.
CREATE TABLE entries (
    id              TEXT NOT NULL PRIMARY KEY,
    type            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    salt            BLOB NOT NULL CHECK (length(salt) = 32),
    body            BLOB NOT NULL,
    commitment      BLOB NOT NULL CHECK (length(commitment) = 32)
) STRICT;
CREATE INDEX entries_subject ON entries (subject, id);

CREATE TABLE events (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    n               INTEGER NOT NULL,
    type            TEXT NOT NULL,
    at              INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    key_id          TEXT NOT NULL,
    data            TEXT NOT NULL,
    entry_id        TEXT NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (claim_id, n)
) STRICT;

CREATE TABLE idempotency_keys (
    caller          TEXT NOT NULL,
    key             TEXT NOT NULL,
    request         BLOB NOT NULL,
    answer_sealed   BLOB CHECK (length(answer_sealed) >= 29),
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
