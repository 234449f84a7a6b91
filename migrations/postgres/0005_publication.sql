-- +goose Up
-- What is published: snapshots of the claims of an incident, releases made from
-- them, corrections, and samples for accountants.

ALTER TABLE rulebooks DROP CONSTRAINT rulebooks_kind_check;
ALTER TABLE rulebooks ADD CHECK (kind IN ('desk_policy', 'reason_catalogue', 'disclosure_rule', 'model'));

-- The services that a claim is about, sorted, as in "hair+taxi".
ALTER TABLE claims ADD COLUMN services text COLLATE "C" NOT NULL DEFAULT '';
-- What every start looks for, to fill it in.
CREATE INDEX claims_unserviced ON claims (id) WHERE services = '' AND submitted_at IS NOT NULL;

-- By claim, so that the times a claim was in a state stand together and statistics
-- add them up without sorting.
DROP INDEX stages_finished;
CREATE INDEX stages_finished ON stages (incident_id, state, claim_id, entered_at, left_at) WHERE left_at IS NOT NULL;

-- Accountants read the files of samples that name them: their person, who is
-- named, is stated and is not the key itself.
ALTER TABLE keys DROP CONSTRAINT keys_role_check;
ALTER TABLE keys ADD CONSTRAINT keys_role_check
    CHECK (role IN ('admin', 'platform', 'reviewer', 'senior', 'payer', 'auditor', 'accountant', 'claimant', 'delegate'));
ALTER TABLE keys ADD CHECK (role <> 'accountant' OR person NOT IN ('', id));
CREATE INDEX keys_person ON keys (person, role);

-- What statistics need of the newest estimate that was made from a claim's
-- histories, apart from the estimate, which is long: the placebo windows, and of
-- these how many were inside the 90 % interval; the share of the outlet's revenue
-- that goes through the failed services, in basis points, where it is known; and
-- what was expected through them in the outage. Claims before this have no row.
CREATE TABLE estimate_records (
    claim_id        text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES claims (id),
    windows         bigint NOT NULL CHECK (windows >= 0),
    inside          bigint NOT NULL CHECK (inside BETWEEN 0 AND windows),
    share           bigint CHECK (share BETWEEN 0 AND 10000),
    expected        bigint NOT NULL CHECK (expected >= 0)
);

-- The secret by which the claims of an incident are called in its snapshots.
CREATE TABLE snapshot_salts (
    incident_id     text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES incidents (id),
    salt_sealed     bytea NOT NULL CHECK (octet_length(salt_sealed) >= 29)
);

CREATE TABLE snapshots (
    incident_id     text COLLATE "C" NOT NULL REFERENCES incidents (id),
    n               bigint NOT NULL CHECK (n >= 1),
    id              text COLLATE "C" NOT NULL UNIQUE,
    taken_at        bigint NOT NULL,
    sealed_by       text COLLATE "C" NOT NULL,
    root            bytea NOT NULL CHECK (octet_length(root) = 32),
    claims          bigint NOT NULL CHECK (claims >= 0),
    claimed         bigint NOT NULL CHECK (claimed >= 0),
    estimated       bigint NOT NULL CHECK (estimated >= 0),
    awarded         bigint NOT NULL CHECK (awarded >= 0),
    paid            bigint NOT NULL CHECK (paid >= 0),
    rule_version    bigint NOT NULL CHECK (rule_version >= 1),
    statistics      bytea NOT NULL,
    statistics_hash text COLLATE "C" NOT NULL,
    entry_id        text COLLATE "C" NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n)
);

-- The leaves of a snapshot in their order: lines of the leaf list, compressed with
-- gzip, some thousand to a row. They are stored before their snapshot is.
CREATE TABLE snapshot_leaves (
    snapshot_id     text COLLATE "C" NOT NULL,
    part            bigint NOT NULL CHECK (part >= 0),
    lines           bytea NOT NULL,
    PRIMARY KEY (snapshot_id, part)
);

CREATE TABLE releases (
    incident_id     text COLLATE "C" NOT NULL,
    n               bigint NOT NULL CHECK (n >= 1),
    snapshot        bigint NOT NULL,
    bytes           bytea NOT NULL,
    hash            text COLLATE "C" NOT NULL,
    released_at     bigint NOT NULL,
    released_by     text COLLATE "C" NOT NULL,
    entry_id        text COLLATE "C" NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n),
    UNIQUE (incident_id, snapshot),
    FOREIGN KEY (incident_id, snapshot) REFERENCES snapshots (incident_id, n)
);

CREATE TABLE restatements (
    incident_id     text COLLATE "C" NOT NULL,
    n               bigint NOT NULL CHECK (n >= 1),
    bytes           bytea NOT NULL,
    made_at         bigint NOT NULL,
    made_by         text COLLATE "C" NOT NULL,
    entry_id        text COLLATE "C" NOT NULL UNIQUE,
    PRIMARY KEY (incident_id, n)
);

-- The samples of a snapshot count from 1 without a gap, so that one that is left out
-- shows. Results are empty until the accountant has looked at every claim that was
-- drawn.
CREATE TABLE samples (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    incident_id     text COLLATE "C" NOT NULL,
    snapshot        bigint NOT NULL,
    n               bigint NOT NULL CHECK (n >= 1),
    nonce           bytea NOT NULL CHECK (octet_length(nonce) BETWEEN 16 AND 64),
    drawn           bytea NOT NULL,
    drawn_hash      text COLLATE "C" NOT NULL,
    drawn_by        text COLLATE "C" NOT NULL CHECK (drawn_by <> ''),
    drawn_at        bigint NOT NULL,
    accountant      text COLLATE "C" NOT NULL,
    results         bytea,
    results_hash    text COLLATE "C" NOT NULL DEFAULT '',
    ended_at        bigint,
    entry_id        text COLLATE "C" NOT NULL UNIQUE,
    ended_entry_id  text COLLATE "C" UNIQUE,
    CONSTRAINT own_sample CHECK (accountant <> '' AND accountant <> drawn_by),
    FOREIGN KEY (incident_id, snapshot) REFERENCES snapshots (incident_id, n),
    CHECK ((results IS NULL) = (ended_at IS NULL) AND (results IS NULL) = (ended_entry_id IS NULL) AND (results IS NULL) = (results_hash = ''))
);
CREATE INDEX samples_snapshot ON samples (incident_id, snapshot, id);
CREATE INDEX samples_accountant ON samples (accountant, id);
CREATE UNIQUE INDEX samples_nonce ON samples (incident_id, snapshot, nonce);
CREATE UNIQUE INDEX samples_number ON samples (incident_id, snapshot, n);

-- Which claim a leaf of a sample is, for the accountant's reading alone: what was
-- drawn names claims by their salted ids.
CREATE TABLE sample_claims (
    sample_id       text COLLATE "C" NOT NULL REFERENCES samples (id),
    leaf            bigint NOT NULL CHECK (leaf >= 0),
    claim_id        text COLLATE "C" NOT NULL REFERENCES claims (id),
    PRIMARY KEY (sample_id, leaf)
);

CREATE TRIGGER snapshot_salts_changed BEFORE UPDATE OR DELETE ON snapshot_salts FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER snapshots_changed BEFORE UPDATE OR DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER snapshot_leaves_changed BEFORE UPDATE ON snapshot_leaves FOR EACH ROW EXECUTE FUNCTION keep_as_written();
-- Leaves whose snapshot never came to be may go.
-- +goose StatementBegin
CREATE FUNCTION keep_sealed_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM snapshots WHERE id = OLD.snapshot_id) THEN
        RAISE EXCEPTION 'kept_as_written: snapshot_leaves' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER snapshot_leaves_deleted BEFORE DELETE ON snapshot_leaves FOR EACH ROW EXECUTE FUNCTION keep_sealed_leaves();
CREATE TRIGGER releases_changed BEFORE UPDATE OR DELETE ON releases FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER restatements_changed BEFORE UPDATE OR DELETE ON restatements FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER sample_claims_changed BEFORE UPDATE OR DELETE ON sample_claims FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER samples_deleted BEFORE DELETE ON samples FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER samples_changed BEFORE UPDATE ON samples FOR EACH ROW
    WHEN (OLD.results IS NOT NULL OR (NEW.id, NEW.incident_id, NEW.snapshot, NEW.n, NEW.nonce, NEW.drawn, NEW.drawn_hash, NEW.drawn_by, NEW.drawn_at, NEW.accountant, NEW.entry_id)
        IS DISTINCT FROM (OLD.id, OLD.incident_id, OLD.snapshot, OLD.n, OLD.nonce, OLD.drawn, OLD.drawn_hash, OLD.drawn_by, OLD.drawn_at, OLD.accountant, OLD.entry_id))
    EXECUTE FUNCTION keep_as_written();

-- All uploads of a claimant, for fsck.
CREATE INDEX revenue_uploads_claimant ON revenue_uploads (claimant_id);

-- When a person was erased: what says who they are is gone from these rows.
ALTER TABLE claimants ADD COLUMN erased_at bigint;
ALTER TABLE claims ADD COLUMN erased_at bigint;

-- How staff were told of an appeal that they filed on a claimant's behalf, and in
-- which role they did; empty where the claimant appealed.
ALTER TABLE appeals ADD COLUMN channel text COLLATE "C" NOT NULL DEFAULT '' CHECK (channel IN ('', 'phone', 'paper'));
ALTER TABLE appeals ADD COLUMN filed_by text COLLATE "C" NOT NULL DEFAULT '';
