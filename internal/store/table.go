package store

import (
	"context"

	"gorm.io/gorm"
)

// table is a query on the rows of one table. gorm's generic interface says the
// same, but each row type costs the compiler a second there; here only what
// needs the type is generic.
type table[T any] struct{ db *gorm.DB }

func from[T any](db *gorm.DB) table[T] { return table[T]{db: db} }

// Where narrows to rows that also match the condition.
func (q table[T]) Where(condition string, args ...any) table[T] {
	return table[T]{db: q.db.Where(condition, args...)}
}

// Order sorts the rows.
func (q table[T]) Order(by string) table[T] { return table[T]{db: q.db.Order(by)} }

// Limit bounds how many rows are found.
func (q table[T]) Limit(n int) table[T] { return table[T]{db: q.db.Limit(n)} }

// Select names the columns to read or write.
func (q table[T]) Select(column string, more ...any) table[T] {
	return table[T]{db: q.db.Select(column, more...)}
}

// Omit names columns not to read or write.
func (q table[T]) Omit(columns ...string) table[T] { return table[T]{db: q.db.Omit(columns...)} }

// First finds the first row by primary key, or gorm.ErrRecordNotFound.
func (q table[T]) First(ctx context.Context) (row T, err error) {
	err = q.db.WithContext(ctx).First(&row).Error
	return row, err
}

// Take finds any row, or gorm.ErrRecordNotFound.
func (q table[T]) Take(ctx context.Context) (row T, err error) {
	err = q.db.WithContext(ctx).Take(&row).Error
	return row, err
}

// Find finds all rows.
func (q table[T]) Find(ctx context.Context) (rows []T, err error) {
	err = q.db.WithContext(ctx).Find(&rows).Error
	return rows, err
}

// Count counts the rows whose column is not null.
func (q table[T]) Count(ctx context.Context, column string) (n int64, err error) {
	err = q.db.WithContext(ctx).Model(new(T)).Select(column).Count(&n).Error
	return n, err
}

// Create inserts a row.
func (q table[T]) Create(ctx context.Context, row *T) error {
	return q.db.WithContext(ctx).Create(row).Error
}

// CreateInBatches inserts rows, so many to a statement.
func (q table[T]) CreateInBatches(ctx context.Context, rows *[]T, size int) error {
	return q.db.WithContext(ctx).CreateInBatches(rows, size).Error
}

// Update sets one column and answers in how many rows.
func (q table[T]) Update(ctx context.Context, column string, value any) (int, error) {
	done := q.db.WithContext(ctx).Model(new(T)).Update(column, value)
	return int(done.RowsAffected), done.Error
}

// Updates sets the columns of Select, or those that are not zero, and answers in
// how many rows.
func (q table[T]) Updates(ctx context.Context, row T) (int, error) {
	done := q.db.WithContext(ctx).Model(new(T)).Updates(row)
	return int(done.RowsAffected), done.Error
}

// Delete removes the rows and answers how many there were.
func (q table[T]) Delete(ctx context.Context) (int, error) {
	done := q.db.WithContext(ctx).Delete(new(T))
	return int(done.RowsAffected), done.Error
}
