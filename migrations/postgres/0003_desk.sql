-- +goose Up
-- The staff's side of claims. Rows that say who did what are kept as written:
-- triggers refuse to change or delete them, except that what is sealed may be
-- emptied, so that a person can be forgotten.

-- btree_gist lets an exclusion compare texts; whoever may create objects in the
-- database may install it, from PostgreSQL 13 on.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- +goose StatementBegin
CREATE FUNCTION keep_as_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'kept_as_written: %', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;
-- +goose StatementEnd

ALTER TABLE keys ADD COLUMN person text COLLATE "C" NOT NULL DEFAULT '';
UPDATE keys SET person = id;

ALTER TABLE claimants ADD COLUMN account_changed bigint;

ALTER TABLE outlets ADD COLUMN platform_sealed bytea CHECK (octet_length(platform_sealed) >= 29);

DROP INDEX claims_live;
DROP INDEX claims_incident;
ALTER TABLE claims DROP CONSTRAINT claims_state_check;
ALTER TABLE claims ADD CHECK (state IN ('draft', 'submitted', 'in_review',
    'information_requested', 'on_hold', 'awaiting_approval', 'decided', 'appealed', 'closed', 'withdrawn'));

ALTER TABLE claims ADD COLUMN filed_person text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN sector text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN region text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN unit bytea CHECK (octet_length(unit) = 16);
ALTER TABLE claims ADD COLUMN score bigint NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN assigned_to text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE claims ADD COLUMN lease_until bigint;
ALTER TABLE claims ADD COLUMN rank bigint NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN stake bigint NOT NULL DEFAULT 0 CHECK (stake >= 0);
ALTER TABLE claims ADD COLUMN state_since bigint NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN promised_at bigint;
ALTER TABLE claims ADD COLUMN waited bigint NOT NULL DEFAULT 0 CHECK (waited >= 0); -- microseconds
ALTER TABLE claims ADD COLUMN due_at bigint;
ALTER TABLE claims ADD COLUMN assessed bigint CHECK (assessed >= 0);
ALTER TABLE claims ADD COLUMN awarded bigint CHECK (awarded >= 0 AND awarded <= assessed);
ALTER TABLE claims ADD COLUMN decisions bigint NOT NULL DEFAULT 0 CHECK (decisions >= 0);
ALTER TABLE claims ADD COLUMN standing bigint NOT NULL DEFAULT 0 CHECK (standing >= 0 AND standing <= decisions);
ALTER TABLE claims ADD COLUMN verdict text COLLATE "C" NOT NULL DEFAULT '' CHECK (verdict IN ('', 'approved', 'partly_approved', 'refused', 'rejected'));
ALTER TABLE claims ADD COLUMN decided_at bigint;
ALTER TABLE claims ADD COLUMN automatic bigint NOT NULL DEFAULT 0 CHECK (automatic IN (0, 1));
ALTER TABLE claims ADD COLUMN human_asked bigint NOT NULL DEFAULT 0 CHECK (human_asked IN (0, 1));
ALTER TABLE claims ADD COLUMN appeal_open bigint NOT NULL DEFAULT 0 CHECK (appeal_open IN (0, 1));
ALTER TABLE claims ADD COLUMN address_index bytea CHECK (octet_length(address_index) = 16);

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
CREATE TRIGGER claims_promise BEFORE UPDATE OF promised_at ON claims FOR EACH ROW
    WHEN (OLD.promised_at IS NOT NULL AND NEW.promised_at IS DISTINCT FROM OLD.promised_at) EXECUTE FUNCTION keep_as_written();

-- The desk policy and the catalogue of reasons.
CREATE TABLE rulebooks (
    kind            text COLLATE "C" NOT NULL CHECK (kind IN ('desk_policy', 'reason_catalogue')),
    version         bigint NOT NULL CHECK (version >= 1),
    bytes           bytea NOT NULL,
    hash            text COLLATE "C" NOT NULL,
    created_by      text COLLATE "C" NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (kind, version)
);

CREATE TABLE checks (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    round           bigint NOT NULL,
    code            text COLLATE "C" NOT NULL,
    service         text COLLATE "C" NOT NULL,
    result          text COLLATE "C" NOT NULL CHECK (result IN ('passed', 'flagged', 'not_applicable')),
    points          bigint NOT NULL CHECK (points >= 0),
    detail          text COLLATE "C" NOT NULL,
    remedy          text COLLATE "C" NOT NULL,
    facts           text COLLATE "C" NOT NULL,
    PRIMARY KEY (claim_id, round, code, service)
);

CREATE TABLE decisions (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    n               bigint NOT NULL CHECK (n >= 1),
    kind            text COLLATE "C" NOT NULL CHECK (kind IN ('decision', 'automatic', 'amendment', 'appeal')),
    verdict         text COLLATE "C" NOT NULL CHECK (verdict IN ('approved', 'partly_approved', 'refused', 'rejected')),
    claimed         bigint NOT NULL CHECK (claimed >= 0),
    estimated       bigint CHECK (estimated >= 0),
    assessed        bigint NOT NULL CHECK (assessed >= 0),
    awarded         bigint NOT NULL CHECK (awarded >= 0 AND awarded <= assessed),
    estimate        bigint NOT NULL,
    reason_code     text COLLATE "C" NOT NULL,
    reason_version  bigint NOT NULL,
    error_code      text COLLATE "C" NOT NULL,
    override        text COLLATE "C" NOT NULL,
    note_sealed     bytea CHECK (octet_length(note_sealed) >= 29),
    evidence        text COLLATE "C" NOT NULL,
    criteria        text COLLATE "C" NOT NULL,
    policy          bigint NOT NULL,
    from_state      text COLLATE "C" NOT NULL CHECK (from_state IN ('', 'draft', 'submitted', 'in_review',
        'information_requested', 'on_hold', 'awaiting_approval', 'decided', 'appealed', 'closed')),
    made_by         text COLLATE "C" NOT NULL CHECK (made_by <> ''),
    made_role       text COLLATE "C" NOT NULL,
    made_at         bigint NOT NULL,
    not_by          text COLLATE "C" NOT NULL,
    needs           bigint NOT NULL CHECK (needs IN (0, 1)),
    PRIMARY KEY (claim_id, n),
    UNIQUE (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (made_by <> not_by),
    CHECK (kind <> 'appeal' OR not_by <> '')
);

-- The second person: maker is the decision's, and nobody checks their own.
CREATE TABLE approvals (
    claim_id        text COLLATE "C" NOT NULL,
    decision        bigint NOT NULL,
    maker           text COLLATE "C" NOT NULL,
    approved        bigint NOT NULL CHECK (approved IN (0, 1)),
    checked_by      text COLLATE "C" NOT NULL CHECK (checked_by <> ''),
    checked_role    text COLLATE "C" NOT NULL,
    note_sealed     bytea CHECK (octet_length(note_sealed) >= 29),
    checked_at      bigint NOT NULL,
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision, maker) REFERENCES decisions (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (maker <> checked_by)
);

CREATE TABLE letters (
    claim_id        text COLLATE "C" NOT NULL,
    decision        bigint NOT NULL,
    text_sealed     bytea CHECK (octet_length(text_sealed) >= 29),
    pdf_sealed      bytea CHECK (octet_length(pdf_sealed) >= 29),
    text_hash       text COLLATE "C" NOT NULL,
    pdf_hash        text COLLATE "C" NOT NULL,
    made_at         bigint NOT NULL,
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n)
);

CREATE TABLE information_requests (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    n               bigint NOT NULL CHECK (n >= 1),
    items_sealed    bytea CHECK (octet_length(items_sealed) >= 29),
    message_sealed  bytea CHECK (octet_length(message_sealed) >= 29),
    asked_by        text COLLATE "C" NOT NULL,
    asked_at        bigint NOT NULL,
    due_at          bigint NOT NULL,
    ended_at        bigint,
    ended_as        text COLLATE "C" NOT NULL CHECK (ended_as IN ('', 'answered', 'lapsed', 'recalled')),
    PRIMARY KEY (claim_id, n),
    CHECK ((ended_at IS NULL) = (ended_as = ''))
);
CREATE UNIQUE INDEX information_requests_open ON information_requests (claim_id) WHERE ended_at IS NULL;

-- A claim has one appeal.
CREATE TABLE appeals (
    claim_id        text COLLATE "C" NOT NULL PRIMARY KEY,
    decision        bigint NOT NULL,
    grounds_sealed  bytea CHECK (octet_length(grounds_sealed) >= 29),
    files           text COLLATE "C" NOT NULL,
    filed_at        bigint NOT NULL,
    ended_at        bigint,
    withdrawn       bigint NOT NULL CHECK (withdrawn IN (0, 1)),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n),
    CHECK (withdrawn = 0 OR ended_at IS NOT NULL)
);

CREATE TABLE evidence_files (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    claimant_id     text COLLATE "C" NOT NULL REFERENCES claimants (id),
    slot            text COLLATE "C" NOT NULL,
    name_sealed     bytea CHECK (octet_length(name_sealed) >= 29),
    type            text COLLATE "C" NOT NULL,
    size            bigint NOT NULL CHECK (size >= 0),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    scan            text COLLATE "C" NOT NULL,
    uploaded_by     text COLLATE "C" NOT NULL,
    uploaded_at     bigint NOT NULL
);
CREATE INDEX evidence_files_claim ON evidence_files (claim_id, id);
CREATE INDEX evidence_files_claimant ON evidence_files (claimant_id, size);
CREATE INDEX evidence_files_same ON evidence_files (sha256, claim_id);

-- Who of the staff looked at whose data, and why.
CREATE TABLE reads (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    claim_id        text COLLATE "C" NOT NULL,
    claimant_id     text COLLATE "C" NOT NULL,
    what            text COLLATE "C" NOT NULL CHECK (what IN ('claim', 'evidence', 'letter', 'claimant')),
    item            text COLLATE "C" NOT NULL,
    purpose_sealed  bytea CHECK (octet_length(purpose_sealed) >= 29),
    person          text COLLATE "C" NOT NULL,
    role            text COLLATE "C" NOT NULL,
    at              bigint NOT NULL
);
CREATE INDEX reads_claimant ON reads (claimant_id, id DESC);

CREATE TABLE exclusions (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    person          text COLLATE "C" NOT NULL,
    why             text COLLATE "C" NOT NULL CHECK (why IN ('filed', 'recused', 'decided', 'approved')),
    PRIMARY KEY (claim_id, person, why)
);
CREATE INDEX exclusions_person ON exclusions (person, claim_id);

CREATE TABLE stages (
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    n               bigint NOT NULL,
    incident_id     text COLLATE "C" NOT NULL,
    state           text COLLATE "C" NOT NULL,
    entered_at      bigint NOT NULL,
    left_at         bigint,
    PRIMARY KEY (claim_id, n)
);
CREATE UNIQUE INDEX stages_current ON stages (claim_id) WHERE left_at IS NULL;
CREATE INDEX stages_finished ON stages (incident_id, state, entered_at, left_at) WHERE left_at IS NOT NULL;
INSERT INTO stages (claim_id, n, incident_id, state, entered_at)
    SELECT id, version, incident_id, state, state_since FROM claims;

-- What is compensated: half-open intervals of a service in which a unit's loss
-- is paid by one claim.
CREATE TABLE covers (
    incident_id     text COLLATE "C" NOT NULL REFERENCES incidents (id),
    service         text COLLATE "C" NOT NULL,
    unit            bytea NOT NULL CHECK (octet_length(unit) = 16),
    start_at        bigint NOT NULL,
    end_at          bigint NOT NULL,
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    PRIMARY KEY (incident_id, service, unit, start_at, claim_id),
    CHECK (start_at < end_at),
    CONSTRAINT covers_once EXCLUDE USING gist (incident_id WITH =, service WITH =, unit WITH =,
        int8range(start_at, end_at) WITH &&, claim_id WITH <>)
);
CREATE INDEX covers_claim ON covers (claim_id);

-- Keyed hashes of weeks of claimants' histories.
CREATE TABLE marks (
    mark            bigint NOT NULL,
    claimant_id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (mark, claimant_id)
);

CREATE TABLE views (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    person          text COLLATE "C" NOT NULL,
    name_sealed     bytea CHECK (octet_length(name_sealed) >= 29),
    filter          text COLLATE "C" NOT NULL
);
CREATE INDEX views_person ON views (person, id);

CREATE TABLE batches (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    incident_id     text COLLATE "C" NOT NULL REFERENCES incidents (id),
    sealed_at       bigint NOT NULL,
    digest          text COLLATE "C" NOT NULL,
    size            bigint NOT NULL CHECK (size >= 1),
    seed            bytea CHECK (octet_length(seed) = 32),
    sampled         bigint NOT NULL CHECK (sampled >= 0 AND sampled <= size)
);
CREATE INDEX batches_incident ON batches (incident_id, id DESC);

-- Every decision from when it stands, with the batch that it is in.
CREATE TABLE batch_decisions (
    claim_id        text COLLATE "C" NOT NULL,
    decision        bigint NOT NULL,
    incident_id     text COLLATE "C" NOT NULL,
    stood_at        bigint NOT NULL,
    batch_id        text COLLATE "C" REFERENCES batches (id),
    PRIMARY KEY (claim_id, decision),
    FOREIGN KEY (claim_id, decision) REFERENCES decisions (claim_id, n)
);
CREATE INDEX batch_decisions_unsealed ON batch_decisions (incident_id, stood_at, claim_id) WHERE batch_id IS NULL;
CREATE INDEX batch_decisions_batch ON batch_decisions (batch_id, claim_id) WHERE batch_id IS NOT NULL;

CREATE TABLE quality_reviews (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    batch_id        text COLLATE "C" NOT NULL REFERENCES batches (id),
    incident_id     text COLLATE "C" NOT NULL,
    claim_id        text COLLATE "C" NOT NULL,
    decision        bigint NOT NULL,
    maker           text COLLATE "C" NOT NULL,
    assigned_to     text COLLATE "C" NOT NULL,
    lease_until     bigint,
    agrees          bigint CHECK (agrees IN (0, 1)),
    error_code      text COLLATE "C" NOT NULL,
    note_sealed     bytea CHECK (octet_length(note_sealed) >= 29),
    reviewed_by     text COLLATE "C" NOT NULL,
    reviewed_at     bigint,
    UNIQUE (claim_id, decision),
    FOREIGN KEY (claim_id, decision, maker) REFERENCES decisions (claim_id, n, made_by),
    CONSTRAINT own_decision CHECK (maker <> reviewed_by AND maker <> assigned_to),
    CHECK ((agrees IS NULL) = (reviewed_at IS NULL) AND (agrees IS NULL) = (reviewed_by = ''))
);
CREATE INDEX quality_reviews_incident ON quality_reviews (incident_id, id DESC);
CREATE INDEX quality_reviews_open ON quality_reviews (incident_id, id) WHERE reviewed_at IS NULL;

-- What is kept as written. A letter's text and PDF are emptied together.
CREATE TRIGGER rulebooks_changed BEFORE UPDATE OR DELETE ON rulebooks FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER checks_changed BEFORE UPDATE OR DELETE ON checks FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER decisions_deleted BEFORE DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER decisions_changed BEFORE UPDATE OF claim_id, n, kind, verdict, claimed, estimated, assessed, awarded, estimate,
    reason_code, reason_version, error_code, override, evidence, criteria, policy, from_state, made_by, made_role, made_at, not_by, needs
    ON decisions FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER decisions_resealed BEFORE UPDATE OF note_sealed ON decisions FOR EACH ROW
    WHEN (NEW.note_sealed IS NOT NULL) EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER approvals_deleted BEFORE DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER approvals_changed BEFORE UPDATE OF claim_id, decision, maker, approved, checked_by, checked_role, checked_at
    ON approvals FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER approvals_resealed BEFORE UPDATE OF note_sealed ON approvals FOR EACH ROW
    WHEN (NEW.note_sealed IS NOT NULL) EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER letters_deleted BEFORE DELETE ON letters FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER letters_changed BEFORE UPDATE OF claim_id, decision, text_hash, pdf_hash, made_at
    ON letters FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER letters_resealed BEFORE UPDATE OF text_sealed, pdf_sealed ON letters FOR EACH ROW
    WHEN (NEW.text_sealed IS NOT NULL OR NEW.pdf_sealed IS NOT NULL) EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER reads_deleted BEFORE DELETE ON reads FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER reads_changed BEFORE UPDATE OF id, claim_id, claimant_id, what, item, person, role, at
    ON reads FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER reads_resealed BEFORE UPDATE OF purpose_sealed ON reads FOR EACH ROW
    WHEN (NEW.purpose_sealed IS NOT NULL) EXECUTE FUNCTION keep_as_written();
