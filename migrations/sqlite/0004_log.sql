-- +goose Up
-- The log: entries become leaves of a tree, in batches, by one integrator at a
-- time. Leaves and hashes stay for ever. Of an entry, salt and body may be
-- emptied together, so that a person can be forgotten: its commitment stays, and
-- with it every proof.

-- A NOT NULL cannot be taken back in place; the columns are made anew.
ALTER TABLE entries RENAME COLUMN salt TO salt_before;
ALTER TABLE entries RENAME COLUMN body TO body_before;
ALTER TABLE entries ADD COLUMN salt BLOB CHECK (length(salt) = 32);
ALTER TABLE entries ADD COLUMN body BLOB CHECK ((body IS NULL) = (salt IS NULL));
UPDATE entries SET salt = salt_before, body = body_before;
ALTER TABLE entries DROP COLUMN salt_before;
ALTER TABLE entries DROP COLUMN body_before;

-- What waits to become a leaf. The trigger lets no entry be forgotten, and no
-- two writers meet here.
CREATE TABLE entries_pending (
    entry_id        TEXT NOT NULL PRIMARY KEY,
    commitment      BLOB NOT NULL CHECK (length(commitment) = 32)
) STRICT, WITHOUT ROWID;
INSERT INTO entries_pending (entry_id, commitment) SELECT id, commitment FROM entries;
-- +goose StatementBegin
CREATE TRIGGER entries_wait AFTER INSERT ON entries
BEGIN INSERT INTO entries_pending (entry_id, commitment) VALUES (NEW.id, NEW.commitment); END;
-- +goose StatementEnd

-- entry_id is empty for a leaf whose entry was lost with an older database and
-- which was taken over from what was published.
CREATE TABLE leaves (
    idx             INTEGER NOT NULL PRIMARY KEY CHECK (idx >= 0),
    commitment      BLOB NOT NULL CHECK (length(commitment) = 32),
    entry_id        TEXT UNIQUE
) STRICT;

-- The hashes of the tree by their dense index: a leaf's, then those of the
-- subtrees that it completes.
CREATE TABLE log_hashes (
    idx             INTEGER NOT NULL PRIMARY KEY CHECK (idx >= 0),
    hash            BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Where the log stands. checkpoint is the signed note of this size; cosigned the
-- newest that witnesses have signed, too.
CREATE TABLE log_head (
    id              INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size            INTEGER NOT NULL CHECK (size >= 0),
    root            BLOB NOT NULL CHECK (length(root) = 32),
    checkpoint      BLOB,
    cosigned        BLOB
) STRICT;
INSERT INTO log_head (id, size, root) VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

-- +goose StatementBegin
CREATE TRIGGER entries_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'kept_as_written: entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_changed BEFORE UPDATE OF id, type, subject, at, commitment ON entries
BEGIN SELECT RAISE(ABORT, 'kept_as_written: entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_resalted BEFORE UPDATE OF salt, body ON entries
WHEN NEW.salt IS NOT NULL OR NEW.body IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'kept_as_written: entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_deleted BEFORE DELETE ON leaves
BEGIN SELECT RAISE(ABORT, 'kept_as_written: leaves'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_changed BEFORE UPDATE ON leaves
BEGIN SELECT RAISE(ABORT, 'kept_as_written: leaves'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hashes_deleted BEFORE DELETE ON log_hashes
BEGIN SELECT RAISE(ABORT, 'kept_as_written: log_hashes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hashes_changed BEFORE UPDATE ON log_hashes
BEGIN SELECT RAISE(ABORT, 'kept_as_written: log_hashes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_deleted BEFORE DELETE ON log_head
BEGIN SELECT RAISE(ABORT, 'kept_as_written: log_head'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_shrunk BEFORE UPDATE OF size ON log_head
WHEN NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'kept_as_written: log_head'); END;
-- +goose StatementEnd
