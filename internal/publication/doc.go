// Package publication makes totals that can be proved and that show nobody.
package publication
