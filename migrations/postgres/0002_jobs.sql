-- +goose Up
-- Background work. attempts counts how often a job was taken and fences it:
-- whoever was taken over finds another number and writes nothing.
CREATE TABLE jobs (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    kind            text COLLATE "C" NOT NULL,
    incident_id     text COLLATE "C" NOT NULL REFERENCES incidents (id),
    same            text COLLATE "C" NOT NULL,
    arguments       bytea NOT NULL,
    created_by      text COLLATE "C" NOT NULL,
    state           text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts        bigint NOT NULL CHECK (attempts >= 0),
    run_at          bigint NOT NULL,
    lease_until     bigint,
    done            bigint NOT NULL CHECK (done >= 0),
    total           bigint NOT NULL CHECK (total >= 0),
    result          bytea NOT NULL,
    failure         text COLLATE "C" NOT NULL,
    created_at      bigint NOT NULL,
    ended_at        bigint,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
);
-- What is asked for twice runs once at a time.
CREATE UNIQUE INDEX jobs_same ON jobs (same) WHERE ended_at IS NULL;
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE ended_at IS NULL;
