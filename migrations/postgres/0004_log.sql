-- +goose Up
-- The log: entries become leaves of a tree, in batches, by one integrator at a
-- time. Leaves and hashes stay for ever. Of an entry, salt and body may be
-- emptied together, so that a person can be forgotten: its commitment stays, and
-- with it every proof.

ALTER TABLE entries ALTER COLUMN salt DROP NOT NULL;
ALTER TABLE entries ALTER COLUMN body DROP NOT NULL;
ALTER TABLE entries ADD CHECK ((body IS NULL) = (salt IS NULL));

-- What waits to become a leaf. The trigger lets no entry be forgotten, and no
-- two writers meet here.
CREATE TABLE entries_pending (
    entry_id        text COLLATE "C" NOT NULL PRIMARY KEY,
    commitment      bytea NOT NULL CHECK (octet_length(commitment) = 32)
);
INSERT INTO entries_pending (entry_id, commitment) SELECT id, commitment FROM entries;
-- +goose StatementBegin
CREATE FUNCTION entries_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries_pending (entry_id, commitment) VALUES (NEW.id, NEW.commitment);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER entries_wait AFTER INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_wait();

-- entry_id is empty for a leaf whose entry was lost with an older database and
-- which was taken over from what was published.
CREATE TABLE leaves (
    idx             bigint NOT NULL PRIMARY KEY CHECK (idx >= 0),
    commitment      bytea NOT NULL CHECK (octet_length(commitment) = 32),
    entry_id        text COLLATE "C" UNIQUE
);

-- The hashes of the tree by their dense index: a leaf's, then those of the
-- subtrees that it completes.
CREATE TABLE log_hashes (
    idx             bigint NOT NULL PRIMARY KEY CHECK (idx >= 0),
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- Where the log stands. checkpoint is the signed note of this size; cosigned the
-- newest that witnesses have signed, too.
CREATE TABLE log_head (
    id              bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    size            bigint NOT NULL CHECK (size >= 0),
    root            bytea NOT NULL CHECK (octet_length(root) = 32),
    checkpoint      bytea,
    cosigned        bytea
);
INSERT INTO log_head (id, size, root) VALUES (1, 0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

CREATE TRIGGER entries_deleted BEFORE DELETE ON entries FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER entries_changed BEFORE UPDATE OF id, type, subject, at, commitment ON entries FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER entries_resalted BEFORE UPDATE OF salt, body ON entries FOR EACH ROW
    WHEN (NEW.salt IS NOT NULL OR NEW.body IS NOT NULL) EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER leaves_changed BEFORE UPDATE OR DELETE ON leaves FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER log_hashes_changed BEFORE UPDATE OR DELETE ON log_hashes FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER log_head_deleted BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION keep_as_written();
CREATE TRIGGER log_head_shrunk BEFORE UPDATE OF size ON log_head FOR EACH ROW
    WHEN (NEW.size < OLD.size) EXECUTE FUNCTION keep_as_written();
