-- +goose Up
-- The staff's side of claims. Rows that say who did what are kept as written:
-- triggers refuse to change or delete them, except that what is sealed may be
-- emptied, so that a person can be forgotten.

ALTER TABLE keys ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE keys SET person = id;

ALTER TABLE claimants ADD COLUMN account_changed INTEGER;

ALTER TABLE outlets ADD COLUMN platform_sealed BLOB CHECK (length(platform_sealed) >= 29);

-- A check cannot be widened in place; the column is made anew.
DROP INDEX claims_live;
DROP INDEX claims_incident;
ALTER TABLE claims RENAME COLUMN state TO state_before;
ALTER TABLE claims ADD COLUMN state TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'submitted', 'in_review',
    'information_requested', 'on_hold', 'awaiting_approval', 'decided', 'appealed', 'closed', 'withdrawn'));
UPDATE claims SET state = state_before;
ALTER TABLE claims DROP COLUMN state_before;

ALTER TABLE claims ADD COLUMN filed_person TEXT NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN sector TEXT NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN unit BLOB CHECK (length(unit) = 16);
ALTER TABLE claims ADD COLUMN score INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN assigned_to TEXT NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN lease_until INTEGER;
ALTER TABLE claims ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN stake INTEGER NOT NULL DEFAULT 0 CHECK (stake >= 0);
ALTER TABLE claims ADD COLUMN state_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN promised_at INTEGER;
ALTER TABLE claims ADD COLUMN waited INTEGER NOT NULL DEFAULT 0 CHECK (waited >= 0); -- microseconds
ALTER TABLE claims ADD COLUMN due_at INTEGER;
ALTER TABLE claims ADD COLUMN assessed INTEGER CHECK (assessed >= 0);
ALTER TABLE claims ADD COLUMN awarded INTEGER CHECK (awarded >= 0 AND awarded <= assessed);
ALTER TABLE claims ADD COLUMN decisions INTEGER NOT NULL DEFAULT 0 CHECK (decisions >= 0);
ALTER TABLE claims ADD COLUMN standing INTEGER NOT NULL DEFAULT 0 CHECK (standing >= 0 AND standing <= decisions);
ALTER TABLE claims ADD COLUMN verdict TEXT NOT NULL DEFAULT '' CHECK (verdict IN ('', 'approved', 'partly_approved', 'refused', 'rejected'));
ALTER TABLE claims ADD COLUMN decided_at INTEGER;
ALTER TABLE claims ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0 CHECK (automatic IN (0, 1));
ALTER TABLE claims ADD COLUMN human_asked INTEGER NOT NULL DEFAULT 0 CHECK (human_asked IN (0, 1));
ALTER TABLE claims ADD COLUMN appeal_open INTEGER NOT NULL DEFAULT 0 CHECK (appeal_open IN (0, 1));
ALTER TABLE claims ADD COLUMN address_index BLOB CHECK (length(address_index) = 16);

-- What was submitted before there was a desk queues by when it was submitted.
UPDATE claims SET
    sector = coalesce((SELECT sector FROM outlets WHERE outlets.claimant_id = claims.claimant_id AND outlets.code = claims.outlet), ''),
    region = coalesce((SELECT region FROM outlets WHERE outlets.claimant_id = claims.claimant_id AND outlets.code = claims.outlet), ''),
    stake = CASE WHEN coalesce(estimated, 0) > claimed THEN estimated ELSE claimed END,
    rank = coalesce(submitted_at, created_at),
    state_since = updated_at;

-- One live claim for each incident, claimant and outlet.
CREATE UNIQUE INDEX claims_live ON claims (incident_id, claimant_id, outlet) WHERE state <> 'withdrawn';
CREATE INDEX claims_incident ON claims (incident_id, state, id DESC);
CREATE INDEX claims_standing ON claims (incident_id, id DESC) WHERE state NOT IN ('draft', 'withdrawn');
-- The columns behind the id let the queue be filtered without a look at the claim.
CREATE INDEX claims_queue ON claims (rank, id, incident_id, sector, region) WHERE state IN ('submitted', 'in_review', 'appealed');
CREATE INDEX claims_assigned ON claims (assigned_to, id DESC) WHERE assigned_to <> '';
CREATE INDEX claims_due ON claims (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX claims_unit ON claims (incident_id, unit) WHERE unit IS NOT NULL;
CREATE INDEX claims_filed ON claims (filed_by, submitted_at) WHERE submitted_at IS NOT NULL;
CREATE INDEX claims_address ON claims (address_index, submitted_at) WHERE address_index IS NOT NULL;
CREATE INDEX claims_similar ON claims (incident_id, sector, estimated, id) WHERE standing > 0;

-- The date promised at first stays.
-- +goose StatementBegin
CREATE TRIGGER claims_promise BEFORE UPDATE OF promised_at ON claims
WHEN OLD.promised_at IS NOT NULL AND NEW.promised_at IS NOT OLD.promised_at
BEGIN SELECT RAISE(ABORT, 'kept_as_written: claims.promised_at'); END;
-- +goose StatementEnd

-- The desk policy and the catalogue of reasons.
CREATE TABLE rulebooks (
    kind            TEXT NOT NULL CHECK (kind IN ('desk_policy', 'reason_catalogue')),
    version         INTEGER NOT NULL CHECK (version >= 1),
    bytes           BLOB NOT NULL,
    hash            TEXT NOT NULL,
    created_by      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (kind, version)
) STRICT;

CREATE TABLE checks (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    round           INTEGER NOT NULL,
    code            TEXT NOT NULL,
    service         TEXT NOT NULL,
    result          TEXT NOT NULL CHECK (result IN ('passed', 'flagged', 'not_applicable')),
    points          INTEGER NOT NULL CHECK (points >= 0),
    detail          TEXT NOT NULL,
    remedy          TEXT NOT NULL,
    facts           TEXT NOT NULL,
    PRIMARY KEY (claim_id, round, code, service)
) STRICT;

CREATE TABLE decisions (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    n               INTEGER NOT NULL CHECK (n >= 1),
    kind            TEXT NOT NULL CHECK (kind IN ('decision', 'automatic', 'amendment', 'appeal')),
    verdict         TEXT NOT NULL CHECK (verdict IN ('approved', 'partly_approved', 'refused', 'rejected')),
    claimed         INTEGER NOT NULL CHECK (claimed >= 0),
    estimated       INTEGER CHECK (estimated >= 0),
    assessed        INTEGER NOT NULL CHECK (assessed >= 0),
    awarded         INTEGER NOT NULL CHECK (awarded >= 0 AND awarded <= assessed),
    estimate        INTEGER NOT NULL,
    reason_code     TEXT NOT NULL,
    reason_version  INTEGER NOT NULL,
    error_code      TEXT NOT NULL,
    override        TEXT NOT NULL,
    note_sealed     BLOB CHECK (length(note_sealed) >= 29),
    evidence        TEXT NOT NULL,
    criteria        TEXT NOT NULL,
    policy          INTEGER NOT NULL,
    from_state      TEXT NOT NULL CHECK (from_state IN ('', 'draft', 'submitted', 'in_review',
        'information_requested', 'on_hold', 'awaiting_approval', 'decided', 'appealed', 'closed')),
    made_by         TEXT NOT NULL CHECK (made_by <> ''),
    made_role       TEXT NOT NULL,
    made_at         INTEGER NOT NULL,
    not_by          TEXT NOT NULL,
    needs           INTEGER NOT NULL CHECK (needs IN (0, 1)),
    PRIMARY KEY (claim_id, n),
    UNIQUE (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (made_by <> not_by),
    CHECK (kind <> 'appeal' OR not_by <> '')
) STRICT;

-- The second person: maker is the decision's, and nobody checks their own.
CREATE TABLE approvals (
    claim_id        TEXT NOT NULL,
    decision        INTEGER NOT NULL,
    maker           TEXT NOT NULL,
    approved        INTEGER NOT NULL CHECK (approved IN (0, 1)),
    checked_by      TEXT NOT NULL CHECK (checked_by <> ''),
    checked_role    TEXT NOT NULL,
    note_sealed     BLOB CHECK (length(note_sealed) >= 29),
    checked_at      INTEGER NOT NULL,
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision, maker) REFERENCES decisions (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (maker <> checked_by)
) STRICT;

CREATE TABLE letters (
    claim_id        TEXT NOT NULL,
    decision        INTEGER NOT NULL,
    text_sealed     BLOB CHECK (length(text_sealed) >= 29),
    pdf_sealed      BLOB CHECK (length(pdf_sealed) >= 29),
    text_hash       TEXT NOT NULL,
    pdf_hash        TEXT NOT NULL,
    made_at         INTEGER NOT NULL,
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n)
) STRICT;

CREATE TABLE information_requests (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    n               INTEGER NOT NULL CHECK (n >= 1),
    items_sealed    BLOB CHECK (length(items_sealed) >= 29),
    message_sealed  BLOB CHECK (length(message_sealed) >= 29),
    asked_by        TEXT NOT NULL,
    asked_at        INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    ended_at        INTEGER,
    ended_as        TEXT NOT NULL CHECK (ended_as IN ('', 'answered', 'lapsed', 'recalled')),
    PRIMARY KEY (claim_id, n),
    CHECK ((ended_at IS NULL) = (ended_as = ''))
) STRICT;
CREATE UNIQUE INDEX information_requests_open ON information_requests (claim_id) WHERE ended_at IS NULL;

-- A claim has one appeal.
CREATE TABLE appeals (
    claim_id        TEXT NOT NULL PRIMARY KEY,
    decision        INTEGER NOT NULL,
    grounds_sealed  BLOB CHECK (length(grounds_sealed) >= 29),
    files           TEXT NOT NULL,
    filed_at        INTEGER NOT NULL,
    ended_at        INTEGER,
    withdrawn       INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n),
    CHECK (withdrawn = 0 OR ended_at IS NOT NULL)
) STRICT;

CREATE TABLE evidence_files (
    id              TEXT NOT NULL PRIMARY KEY,
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    claimant_id     TEXT NOT NULL REFERENCES claimants (id),
    slot            TEXT NOT NULL,
    name_sealed     BLOB CHECK (length(name_sealed) >= 29),
    type            TEXT NOT NULL,
    size            INTEGER NOT NULL CHECK (size >= 0),
    sha256          BLOB NOT NULL CHECK (length(sha256) = 32),
    scan            TEXT NOT NULL,
    uploaded_by     TEXT NOT NULL,
    uploaded_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_files_claim ON evidence_files (claim_id, id);
CREATE INDEX evidence_files_claimant ON evidence_files (claimant_id, size);
CREATE INDEX evidence_files_same ON evidence_files (sha256, claim_id);

-- Who of the staff looked at whose data, and why.
CREATE TABLE reads (
    id              TEXT NOT NULL PRIMARY KEY,
    claim_id        TEXT NOT NULL,
    claimant_id     TEXT NOT NULL,
    what            TEXT NOT NULL CHECK (what IN ('claim', 'evidence', 'letter', 'claimant')),
    item            TEXT NOT NULL,
    purpose_sealed  BLOB CHECK (length(purpose_sealed) >= 29),
    person          TEXT NOT NULL,
    role            TEXT NOT NULL,
    at              INTEGER NOT NULL
) STRICT;
CREATE INDEX reads_claimant ON reads (claimant_id, id DESC);

CREATE TABLE exclusions (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    person          TEXT NOT NULL,
    why             TEXT NOT NULL CHECK (why IN ('filed', 'recused', 'decided', 'approved')),
    PRIMARY KEY (claim_id, person, why)
) STRICT;
CREATE INDEX exclusions_person ON exclusions (person, claim_id);

CREATE TABLE stages (
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    n               INTEGER NOT NULL,
    incident_id     TEXT NOT NULL,
    state           TEXT NOT NULL,
    entered_at      INTEGER NOT NULL,
    left_at         INTEGER,
    PRIMARY KEY (claim_id, n)
) STRICT;
CREATE UNIQUE INDEX stages_current ON stages (claim_id) WHERE left_at IS NULL;
CREATE INDEX stages_finished ON stages (incident_id, state, entered_at, left_at) WHERE left_at IS NOT NULL;
INSERT INTO stages (claim_id, n, incident_id, state, entered_at)
    SELECT id, version, incident_id, state, state_since FROM claims;

-- What is compensated: half-open intervals of a service in which a unit's loss
-- is paid by one claim.
CREATE TABLE covers (
    incident_id     TEXT NOT NULL REFERENCES incidents (id),
    service         TEXT NOT NULL,
    unit            BLOB NOT NULL CHECK (length(unit) = 16),
    start_at        INTEGER NOT NULL,
    end_at          INTEGER NOT NULL,
    claim_id        TEXT NOT NULL REFERENCES claims (id),
    PRIMARY KEY (incident_id, service, unit, start_at, claim_id),
    CHECK (start_at < end_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX covers_claim ON covers (claim_id);
-- +goose StatementBegin
CREATE TRIGGER covers_once BEFORE INSERT ON covers
WHEN EXISTS (SELECT 1 FROM covers c WHERE c.incident_id = NEW.incident_id AND c.service = NEW.service AND c.unit = NEW.unit
    AND c.claim_id <> NEW.claim_id AND c.start_at < NEW.end_at AND c.end_at > NEW.start_at)
BEGIN SELECT RAISE(ABORT, 'covers_once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER covers_moved BEFORE UPDATE ON covers
BEGIN SELECT RAISE(ABORT, 'covers_once: make it anew'); END;
-- +goose StatementEnd

-- Keyed hashes of weeks of claimants' histories.
CREATE TABLE marks (
    mark            INTEGER NOT NULL,
    claimant_id     TEXT NOT NULL,
    PRIMARY KEY (mark, claimant_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE views (
    id              TEXT NOT NULL PRIMARY KEY,
    person          TEXT NOT NULL,
    name_sealed     BLOB CHECK (length(name_sealed) >= 29),
    filter          TEXT NOT NULL
) STRICT;
CREATE INDEX views_person ON views (person, id);

CREATE TABLE batches (
    id              TEXT NOT NULL PRIMARY KEY,
    incident_id     TEXT NOT NULL REFERENCES incidents (id),
    sealed_at       INTEGER NOT NULL,
    digest          TEXT NOT NULL,
    size            INTEGER NOT NULL CHECK (size >= 1),
    seed            BLOB CHECK (length(seed) = 32),
    sampled         INTEGER NOT NULL CHECK (sampled >= 0 AND sampled <= size)
) STRICT;
CREATE INDEX batches_incident ON batches (incident_id, id DESC);

-- Every decision from when it stands, with the batch that it is in.
CREATE TABLE batch_decisions (
    claim_id        TEXT NOT NULL,
    decision        INTEGER NOT NULL,
    incident_id     TEXT NOT NULL,
    stood_at        INTEGER NOT NULL,
    batch_id        TEXT REFERENCES batches (id),
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n)
) STRICT;
CREATE INDEX batch_decisions_unsealed ON batch_decisions (incident_id, stood_at, claim_id) WHERE batch_id IS NULL;
CREATE INDEX batch_decisions_batch ON batch_decisions (batch_id, claim_id) WHERE batch_id IS NOT NULL;

CREATE TABLE quality_reviews (
    id              TEXT NOT NULL PRIMARY KEY,
    batch_id        TEXT NOT NULL REFERENCES batches (id),
    incident_id     TEXT NOT NULL,
    claim_id        TEXT NOT NULL,
    decision        INTEGER NOT NULL,
    maker           TEXT NOT NULL,
    assigned_to     TEXT NOT NULL,
    lease_until     INTEGER,
    agrees          INTEGER CHECK (agrees IN (0, 1)),
    error_code      TEXT NOT NULL,
    note_sealed     BLOB CHECK (length(note_sealed) >= 29),
    reviewed_by     TEXT NOT NULL,
    reviewed_at     INTEGER,
    UNIQUE (claim_id, decision),
    FOREIGN KEY (claim_id, decision, maker) REFERENCES decisions (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (maker <> reviewed_by AND maker <> assigned_to),
    CHECK ((agrees IS NULL) = (reviewed_at IS NULL) AND (agrees IS NULL) = (reviewed_by = ''))
) STRICT;
CREATE INDEX quality_reviews_incident ON quality_reviews (incident_id, id DESC);
CREATE INDEX quality_reviews_open ON quality_reviews (incident_id, id) WHERE reviewed_at IS NULL;

-- What is kept as written. A letter's text and PDF are emptied together.
-- +goose StatementBegin
CREATE TRIGGER rulebooks_deleted BEFORE DELETE ON rulebooks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: rulebooks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER rulebooks_changed BEFORE UPDATE ON rulebooks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: rulebooks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checks_deleted BEFORE DELETE ON checks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: checks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checks_changed BEFORE UPDATE ON checks
BEGIN SELECT RAISE(ABORT, 'kept_as_written: checks'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'kept_as_written: decisions'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_changed BEFORE UPDATE OF claim_id, n, kind, verdict, claimed, estimated, assessed, awarded, estimate,
    reason_code, reason_version, error_code, override, evidence, criteria, policy, from_state, made_by, made_role, made_at, not_by, needs ON decisions
BEGIN SELECT RAISE(ABORT, 'kept_as_written: decisions'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER decisions_resealed BEFORE UPDATE OF note_sealed ON decisions
WHEN NEW.note_sealed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'kept_as_written: decisions'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER approvals_deleted BEFORE DELETE ON approvals
BEGIN SELECT RAISE(ABORT, 'kept_as_written: approvals'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER approvals_changed BEFORE UPDATE OF claim_id, decision, maker, approved, checked_by, checked_role, checked_at ON approvals
BEGIN SELECT RAISE(ABORT, 'kept_as_written: approvals'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER approvals_resealed BEFORE UPDATE OF note_sealed ON approvals
WHEN NEW.note_sealed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'kept_as_written: approvals'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER letters_deleted BEFORE DELETE ON letters
BEGIN SELECT RAISE(ABORT, 'kept_as_written: letters'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER letters_changed BEFORE UPDATE OF claim_id, decision, text_hash, pdf_hash, made_at ON letters
BEGIN SELECT RAISE(ABORT, 'kept_as_written: letters'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER letters_resealed BEFORE UPDATE OF text_sealed, pdf_sealed ON letters
WHEN NEW.text_sealed IS NOT NULL OR NEW.pdf_sealed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'kept_as_written: letters'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reads_deleted BEFORE DELETE ON reads
BEGIN SELECT RAISE(ABORT, 'kept_as_written: reads'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reads_changed BEFORE UPDATE OF id, claim_id, claimant_id, what, item, person, role, at ON reads
BEGIN SELECT RAISE(ABORT, 'kept_as_written: reads'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER reads_resealed BEFORE UPDATE OF purpose_sealed ON reads
WHEN NEW.purpose_sealed IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'kept_as_written: reads'); END;
-- +goose StatementEnd
