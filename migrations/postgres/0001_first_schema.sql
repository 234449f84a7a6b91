-- +goose Up
-- Instants are microseconds since 1970-01-01T00:00Z. Columns named *_sealed are
-- encrypted; the checks refuse anything shorter than a sealed value.

-- One known text, sealed: whoever comes with another field key is told at once.
CREATE TABLE field_key (
    id              bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    proof_sealed    bytea NOT NULL CHECK (octet_length(proof_sealed) >= 29)
);

CREATE TABLE keys (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    role            text COLLATE "C" NOT NULL,
    label           text COLLATE "C" NOT NULL,
    claimant_id     text COLLATE "C",
    issued_by       text COLLATE "C" NOT NULL,
    hash            bytea NOT NULL,
    created_at      bigint NOT NULL,
    expires_at      bigint NOT NULL,
    revoked_at      bigint,
    CHECK (role IN ('admin', 'platform', 'reviewer', 'senior', 'payer', 'auditor', 'claimant', 'delegate')),
    CHECK ((role IN ('claimant', 'delegate')) = (claimant_id IS NOT NULL))
);
CREATE INDEX keys_newest ON keys (created_at DESC, id DESC);
CREATE INDEX keys_claimant ON keys (claimant_id) WHERE claimant_id IS NOT NULL;

CREATE TABLE incidents (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    platform        text COLLATE "C" NOT NULL,
    state           text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'open', 'closed')),
    body            text COLLATE "C" NOT NULL,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL
);

CREATE TABLE schemes (
    id              text COLLATE "C" NOT NULL,
    version         bigint NOT NULL CHECK (version >= 1),
    title_ko        text COLLATE "C" NOT NULL,
    title_en        text COLLATE "C" NOT NULL,
    hash            text COLLATE "C" NOT NULL,
    bytes           bytea NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE claimants (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    kind            text COLLATE "C" NOT NULL CHECK (kind IN ('merchant', 'driver')),
    name_sealed     bytea NOT NULL CHECK (octet_length(name_sealed) >= 29),
    phone_sealed    bytea NOT NULL CHECK (octet_length(phone_sealed) >= 29),
    phone_index     bytea NOT NULL,
    business_sealed bytea CHECK (octet_length(business_sealed) >= 29),
    business_index  bytea UNIQUE,
    driver_sealed   bytea CHECK (octet_length(driver_sealed) >= 29),
    driver_index    bytea UNIQUE,
    bank_sealed     bytea CHECK (octet_length(bank_sealed) >= 29),
    account_index   bytea,
    zone            text COLLATE "C" NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    annual_revenue  bigint,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL
);
CREATE INDEX claimants_phone ON claimants (phone_index);
CREATE INDEX claimants_account ON claimants (account_index) WHERE account_index IS NOT NULL;

CREATE TABLE outlets (
    claimant_id     text COLLATE "C" NOT NULL REFERENCES claimants (id),
    code            text COLLATE "C" NOT NULL,
    position        bigint NOT NULL,
    name_sealed     bytea NOT NULL CHECK (octet_length(name_sealed) >= 29),
    sector          text COLLATE "C" NOT NULL,
    region          text COLLATE "C" NOT NULL,
    PRIMARY KEY (claimant_id, code)
);

CREATE TABLE revenue_uploads (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    claimant_id     text COLLATE "C" NOT NULL REFERENCES claimants (id),
    outlet          text COLLATE "C" NOT NULL,
    service         text COLLATE "C" NOT NULL,
    source          text COLLATE "C" NOT NULL CHECK (source IN ('platform', 'claimant')),
    is_current      bigint NOT NULL CHECK (is_current IN (0, 1)),
    digest          text COLLATE "C" NOT NULL,
    summary         text COLLATE "C" NOT NULL,
    weeks           bigint NOT NULL,
    uploaded_by     text COLLATE "C" NOT NULL,
    uploaded_at     bigint NOT NULL
);
CREATE UNIQUE INDEX revenue_uploads_current ON revenue_uploads (claimant_id, outlet, service, source) WHERE is_current = 1;

-- One packed week of an upload; week_start is Monday midnight in minutes of the
-- claimant's wall clock since 1970-01-01.
CREATE TABLE revenue_weeks (
    claimant_id     text COLLATE "C" NOT NULL,
    upload_id       text COLLATE "C" NOT NULL REFERENCES revenue_uploads (id),
    week_start      bigint NOT NULL,
    data            bytea NOT NULL,
    PRIMARY KEY (claimant_id, upload_id, week_start)
);

CREATE TABLE claims (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    reference       text COLLATE "C" NOT NULL UNIQUE,
    incident_id     text COLLATE "C" NOT NULL REFERENCES incidents (id),
    claimant_id     text COLLATE "C" NOT NULL REFERENCES claimants (id),
    outlet          text COLLATE "C" NOT NULL,
    channel         text COLLATE "C" NOT NULL CHECK (channel IN ('api', 'web', 'phone', 'paper')),
    state           text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'submitted', 'withdrawn')),
    late            bigint NOT NULL CHECK (late IN (0, 1)),
    currency        text COLLATE "C" NOT NULL,
    content_sealed  bytea NOT NULL CHECK (octet_length(content_sealed) >= 29),
    claimed         bigint NOT NULL CHECK (claimed >= 0),
    estimated       bigint CHECK (estimated >= 0),
    outcome         text COLLATE "C" NOT NULL,
    estimates       bigint NOT NULL,
    filed_by        text COLLATE "C" NOT NULL,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    submitted_at    bigint
);
-- One live claim for each incident, claimant and outlet.
CREATE UNIQUE INDEX claims_live ON claims (incident_id, claimant_id, outlet) WHERE state <> 'withdrawn';
CREATE INDEX claims_claimant ON claims (claimant_id, id DESC);
CREATE INDEX claims_incident ON claims (incident_id, state, id DESC);

CREATE TABLE estimates (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    n               bigint NOT NULL CHECK (n >= 1),
    bytes           bytea NOT NULL,
    hash            text COLLATE "C" NOT NULL,
    inputs          bytea NOT NULL,
    input_hash      text COLLATE "C" NOT NULL,
    model           text COLLATE "C" NOT NULL,
    scheme_id       text COLLATE "C" NOT NULL,
    scheme_version  bigint NOT NULL,
    amount          bigint NOT NULL CHECK (amount >= 0),
    outcome         text COLLATE "C" NOT NULL,
    made_at         bigint NOT NULL,
    PRIMARY KEY (claim_id, n),
    FOREIGN KEY (scheme_id, scheme_version) REFERENCES schemes (id, version)
);

-- The log's entries: written with the change they are about, never changed.
CREATE TABLE entries (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    type            text COLLATE "C" NOT NULL,
    subject         text COLLATE "C" NOT NULL,
    at              bigint NOT NULL,
    salt            bytea NOT NULL CHECK (octet_length(salt) = 32),
    body            bytea NOT NULL,
    commitment      bytea NOT NULL CHECK (octet_length(commitment) = 32)
);
CREATE INDEX entries_subject ON entries (subject, id);

CREATE TABLE events (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    n               bigint NOT NULL,
    type            text COLLATE "C" NOT NULL,
    at              bigint NOT NULL,
    actor           text COLLATE "C" NOT NULL,
    key_id          text COLLATE "C" NOT NULL,
    data            text COLLATE "C" NOT NULL,
    entry_id        text COLLATE "C" NOT NULL UNIQUE REFERENCES entries (id),
    PRIMARY KEY (claim_id, n)
);

CREATE TABLE idempotency_keys (
    caller          text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL,
    request         bytea NOT NULL,
    answer_sealed   bytea CHECK (octet_length(answer_sealed) >= 29),
    expires_at      bigint NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
