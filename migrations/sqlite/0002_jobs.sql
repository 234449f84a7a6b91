-- +goose Up
-- Background work. attempts counts how often a job was taken and fences it:
-- whoever was taken over finds another number and writes nothing.
CREATE TABLE jobs (
    id              TEXT NOT NULL PRIMARY KEY,
    kind            TEXT NOT NULL,
    incident_id     TEXT NOT NULL REFERENCES incidents (id),
    same            TEXT NOT NULL,
    arguments       BLOB NOT NULL,
    created_by      TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    run_at          INTEGER NOT NULL,
    lease_until     INTEGER,
    done            INTEGER NOT NULL CHECK (done >= 0),
    total           INTEGER NOT NULL CHECK (total >= 0),
    result          BLOB NOT NULL,
    failure         TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
) STRICT;
-- What is asked for twice runs once at a time.
CREATE UNIQUE INDEX jobs_same ON jobs (same) WHERE ended_at IS NULL;
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE ended_at IS NULL;
