-- +goose Up
-- What is published: snapshots of the claims of an incident, releases made from
-- them, corrections, and samples for accountants.

-- A check cannot be widened in place; the table is made anew.
ALTER TABLE rulebooks RENAME TO rulebooks_before;
CREATE TABLE rulebooks (
    kind            TEXT NOT NULL CHECK (kind IN ('desk_policy', 'reason_catalogue', 'disclosure_rule', 'model')),
    version         INTEGER NOT NULL CHECK (version >= 1),
    bytes           BLOB NOT NULL,
    hash            TEXT NOT NULL,
    created_by      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (kind, version)
) STRICT;
INSERT INTO rulebooks SELECT kind, version, bytes, hash, created_by, created_at FROM rulebooks_before;
DROP TRIGGER rulebooks_deleted;
DROP TRIGGER rulebooks_changed;
DROP TABLE rulebooks_before;

-- The services that a claim is about, sorted, as in "hair+taxi".
ALTER TABLE claims ADD COLUMN services TEXT NOT NULL DEFAULT '';
-- What every start looks for, to fill it in.
CREATE INDEX claims_unserviced ON claims (id) WHERE services = '' AND submitted_at IS NOT NULL;

-- By claim, so that the times a claim was in a state stand together and statistics
-- add them up without sorting.
DROP INDEX stages_finished;
CREATE INDEX stages_finished ON stages (incident_id, state, claim_id, entered_at, left_at) WHERE left_at IS NOT NULL;

-- Accountants read the files of samples that name them: their person, who is
-- named, is stated and is not the key itself.
ALTER TABLE keys RENAME TO keys_before;
DROP INDEX keys_newest;
DROP INDEX keys_claimant;
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
    person          TEXT NOT NULL DEFAULT '',
    CHECK (role IN ('admin', 'platform', 'reviewer', 'senior', 'payer', 'auditor', 'accountant', 'claimant', 'delegate')),
    CHECK ((role IN ('claimant', 'delegate')) = (claimant_id IS NOT NULL)),
    CHECK (role <> 'accountant' OR person NOT IN ('', id))
) STRICT;
INSERT INTO keys SELECT id, role, label, claimant_id, issued_by, hash, created_at, expires_at, revoked_at, person FROM keys_before;
DROP TABLE keys_before;
CREATE INDEX keys_newest ON keys (created_at DESC, id DESC);
CREATE INDEX keys_claimant ON keys (claimant_id) WHERE claimant_id IS NOT NULL;
CREATE INDEX keys_person ON keys (person, role);

-- What statistics need of the newest estimate that was made from a claim's
-- histories, apart from the estimate, which is long: the placebo windows, and of
-- these how many were inside the 90 % interval; the share of the outlet's revenue
-- that goes through the failed services, in basis points, where it is known; and
-- what was expected through them in the outage. Claims before this have no row.
CREATE TABLE estimate_records (
    claim_id        TEXT NOT NULL PRIMARY KEY REFERENCES claims (id),
    windows         INTEGER NOT NULL CHECK (windows >= 0),
    inside          INTEGER NOT NULL CHECK (inside BETWEEN 0 AND windows),
    share           INTEGER CHECK (share BETWEEN 0 AND 10000),
    expected        INTEGER NOT NULL CHECK (expected >= 0)
) STRICT;

-- The secret by which the claims of an incident are called in its snapshots.
CREATE TABLE snapshot_salts (
    incident_id     TEXT NOT NULL PRIMARY KEY REFERENCES incidents (id),
    salt_sealed     BLOB NOT NULL CHECK (length(salt_sealed) >= 29)
) STRICT;

CREATE TABLE snapshots (
    incident_id     TEXT NOT NULL REFERENCES incidents (id),
    n               INTEGER NOT NULL CHECK (n >= 1),
    id              TEXT NOT NULL UNIQUE,
    taken_at        INTEGER NOT NULL,
    sealed_by       TEXT NOT NULL,
    root            BLOB NOT NULL CHECK (length(root) = 32),
    claims          INTEGER NOT NULL CHECK (claims >= 0),
    claimed         INTEGER NOT NULL CHECK (claimed >= 0),
    estimated       INTEGER NOT NULL CHECK (estimated >= 0),
    awarded         INTEGER NOT NULL CHECK (awarded >= 0),
    paid            INTEGER NOT NULL CHECK (paid >= 0),
    rule_version    INTEGER NOT NULL CHECK (rule_version >= 1),
    statistics      BLOB NOT NULL,
    statistics_hash TEXT NOT NULL,
    entry_id        TEXT NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n)
) STRICT;

-- The leaves of a snapshot in their order: lines of the leaf list, compressed with
-- gzip, some thousand to a row. They are stored before their snapshot is.
CREATE TABLE snapshot_leaves (
    snapshot_id     TEXT NOT NULL,
    part            INTEGER NOT NULL CHECK (part >= 0),
    lines           BLOB NOT NULL,
    PRIMARY KEY (snapshot_id, part)
) STRICT;

CREATE TABLE releases (
    incident_id     TEXT NOT NULL,
    n               INTEGER NOT NULL CHECK (n >= 1),
    snapshot        INTEGER NOT NULL,
    bytes           BLOB NOT NULL,
    hash            TEXT NOT NULL,
    released_at     INTEGER NOT NULL,
    released_by     TEXT NOT NULL,
    entry_id        TEXT NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n),
    UNIQUE (incident_id, snapshot),
    FOREIGN KEY (incident_id, snapshot) REFERENCES snapshots (incident_id, n)
) STRICT;

CREATE TABLE restatements (
    incident_id     TEXT NOT NULL,
    n               INTEGER NOT NULL CHECK (n >= 1),
    bytes           BLOB NOT NULL,
    made_at         INTEGER NOT NULL,
    made_by         TEXT NOT NULL,
    entry_id        TEXT NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n)
) STRICT;

-- The samples of a snapshot count from 1 without a gap, so that one that is left out
-- shows. Results are empty until the accountant has looked at every claim that was
-- drawn.
CREATE TABLE samples (
    id              TEXT NOT NULL PRIMARY KEY,
    incident_id     TEXT NOT NULL,
    snapshot        INTEGER NOT NULL,
    n               INTEGER NOT NULL CHECK (n >= 1),
    nonce           BLOB NOT NULL CHECK (length(nonce) BETWEEN 16 AND 64),
    drawn           BLOB NOT NULL,
    drawn_hash      TEXT NOT NULL,
    drawn_by        TEXT NOT NULL CHECK (drawn_by <> ''),
    drawn_at        INTEGER NOT NULL,
    accountant      TEXT NOT NULL,
    results         BLOB,
    results_hash    TEXT NOT NULL DEFAULT '',
    ended_at        INTEGER,
    entry_id        TEXT NOT NULL UNIQUE,
    ended_entry_id  TEXT UNIQUE,
    CONSTRAINT own_sample CHECK (accountant <> '' AND accountant <> drawn_by),
    FOREIGN KEY (incident_id, snapshot) REFERENCES snapshots (incident_id, n),
    CHECK ((results IS NULL) = (ended_at IS NULL) AND (results IS NULL) = (ended_entry_id IS NULL) AND (results IS NULL) = (results_hash = ''))
) STRICT;
CREATE INDEX samples_snapshot ON samples (incident_id, snapshot, id);
CREATE INDEX samples_accountant ON samples (accountant, id);
CREATE UNIQUE INDEX samples_nonce ON samples (incident_id, snapshot, nonce);
CREATE UNIQUE INDEX samples_number ON samples (incident_id, snapshot, n);

-- Which claim a leaf of a sample is, for the accountant's reading alone: what was
-- drawn names claims by their salted ids.
CREATE TABLE sample_claims (
    sample_id       TEXT NOT NULL REFERENCES samples (id),
    leaf            INTEGER NOT NULL CHECK (leaf >= 0),
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    PRIMARY KEY (sample_id, leaf)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER rulebooks_deleted BEFORE DELETE ON rulebooks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: rulebooks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER rulebooks_changed BEFORE UPDATE ON rulebooks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: rulebooks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_salts_deleted BEFORE DELETE ON snapshot_salts
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshot_salts'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_salts_changed BEFORE UPDATE ON snapshot_salts
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshot_salts'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshots_deleted BEFORE DELETE ON snapshots
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshots'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshots_changed BEFORE UPDATE ON snapshots
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshots'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_deleted BEFORE DELETE ON releases
BEGIN SELECT RAISE(ABORT, 'kept_as_written: releases'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_changed BEFORE UPDATE ON releases
BEGIN SELECT RAISE(ABORT, 'kept_as_written: releases'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER restatements_deleted BEFORE DELETE ON restatements
BEGIN SELECT RAISE(ABORT, 'kept_as_written: restatements'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER restatements_changed BEFORE UPDATE ON restatements
BEGIN SELECT RAISE(ABORT, 'kept_as_written: restatements'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_leaves_changed BEFORE UPDATE ON snapshot_leaves
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshot_leaves'); END;
-- +goose StatementEnd
-- Leaves whose snapshot never came to be may go.
-- +goose StatementBegin
CREATE TRIGGER snapshot_leaves_deleted BEFORE DELETE ON snapshot_leaves
    WHEN EXISTS (SELECT 1 FROM snapshots WHERE id = OLD.snapshot_id)
BEGIN SELECT RAISE(ABORT, 'kept_as_written: snapshot_leaves'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sample_claims_deleted BEFORE DELETE ON sample_claims
BEGIN SELECT RAISE(ABORT, 'kept_as_written: sample_claims'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sample_claims_changed BEFORE UPDATE ON sample_claims
BEGIN SELECT RAISE(ABORT, 'kept_as_written: sample_claims'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER samples_deleted BEFORE DELETE ON samples
BEGIN SELECT RAISE(ABORT, 'kept_as_written: samples'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER samples_changed BEFORE UPDATE ON samples
    WHEN OLD.results IS NOT NULL OR (NEW.id, NEW.incident_id, NEW.snapshot, NEW.n, NEW.nonce, NEW.drawn, NEW.drawn_hash, NEW.drawn_by, NEW.drawn_at, NEW.accountant, NEW.entry_id)
        IS NOT (OLD.id, OLD.incident_id, OLD.snapshot, OLD.n, OLD.nonce, OLD.drawn, OLD.drawn_hash, OLD.drawn_by, OLD.drawn_at, OLD.accountant, OLD.entry_id)
BEGIN SELECT RAISE(ABORT, 'kept_as_written: samples'); END;
-- +goose StatementEnd

-- All uploads of a claimant, for fsck.
CREATE INDEX revenue_uploads_claimant ON revenue_uploads (claimant_id);

-- When a person was erased: what says who they are is gone from these rows.
ALTER TABLE claimants ADD COLUMN erased_at INTEGER;
ALTER TABLE claims ADD COLUMN erased_at INTEGER;

-- How staff were told of an appeal that they filed on a claimant's behalf, and in
-- which role they did; empty where the claimant appealed.
ALTER TABLE appeals ADD COLUMN channel TEXT NOT NULL DEFAULT '' CHECK (channel IN ('', 'phone', 'paper'));
ALTER TABLE appeals ADD COLUMN filed_by TEXT NOT NULL DEFAULT '';
