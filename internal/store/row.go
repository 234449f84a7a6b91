package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"

	"redress/internal/claims"
	"redress/internal/fault"
)

// absent turns "no row" into the fault that callers know.
func absent(err error, what, id string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return claims.NotFound(what, id)
	}
	if err != nil {
		return fmt.Errorf("find %s %s: %w", what, id, err)
	}
	return nil
}

// conflict turns a broken uniqueness into the fault that says which.
func conflict(err error, refusal *fault.Error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return refusal.Because(err)
	}
	return err
}

// breaks reports whether an error is that of the constraint of this name, or of
// the trigger that stands in for it on SQLite.
func breaks(err error, constraint string) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName == constraint
	}
	var lite sqlite3.Error
	return errors.As(err, &lite) && lite.Code == sqlite3.ErrConstraint && strings.Contains(lite.Error(), constraint)
}

// changed checks that an update found the version it was made for.
func changed(rows int, err error, what, id string) error {
	if err != nil {
		return fmt.Errorf("update %s %s: %w", what, id, err)
	}
	if rows == 0 {
		return fault.New(fault.Stale, "version_stale",
			"The resource changed meanwhile. Read it again and repeat the change.", "그 사이 내용이 바뀌었습니다. 다시 읽고 변경하십시오.")
	}
	return nil
}

// sealJSON seals a value as JSON; openJSON reads it back.
func (r reader) sealJSON(context string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", context, err)
	}
	return r.vault.Seal(context, b), nil
}

func (r reader) openJSON(context string, sealed []byte, into any) error {
	b, err := r.vault.Open(context, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", context, err)
	}
	return nil
}

// jsonText writes a value into a column that no query looks into; fromJSONText
// reads it back.
func jsonText(what string, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", what, err)
	}
	return string(b), nil
}

func fromJSONText(what, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// openText opens a sealed text; nothing sealed is the empty text.
func (r reader) openText(context string, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	b, err := r.vault.Open(context, sealed)
	return string(b), err
}

// sealText seals a text and makes its blind index; the empty text is neither.
func (r reader) sealText(context, text string) []byte {
	if text == "" {
		return nil
	}
	return r.vault.Seal(context, []byte(text))
}

func (r reader) index(purpose, normalised string) []byte {
	if normalised == "" {
		return nil
	}
	return r.vault.Index(purpose, normalised)
}
