// Package migrations holds the schema of both engines as forward-only SQL
// files: one folder for each dialect, the same file names in both.
package migrations

import "embed"

// FS holds sqlite/*.sql and postgres/*.sql.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
