// Package publication makes totals that can be proved and that show nobody: the
// leaves of a sealed snapshot and the sum tree over them, the public tables under
// one rule of disclosure control, and samples that nobody could steer. Plain
// functions on plain data: no clock, no database, no randomness; the same input
// gives the same bytes on any machine, so that whoever holds the leaves can
// recompute root, totals, every figure and every withholding.
//
// # What the public is told
//
// The totals of the incident are exact: the number of claims, and what is claimed,
// estimated, awarded and paid. Each measure has one fixed set of tables: by
// service, sector, region, month and status, and by each of the first four
// together with status. A figure is either withheld or rounded down to a step, so
// that the true one lies in [value, value+step). A table has a rest, which is what
// is withheld and what rounding took away, and with it adds up exactly to the
// total. Noise was not chosen: figures that are to be audited have to add up.
//
// # Who must learn nothing
//
// The adversary knows every figure of every release, the rule and this code, which
// rows and columns have no claims, and in which statuses two measures agree. It
// must not be able to bound, by any computation over all of that,
//
//   - a count to a span below the rule's count width,
//   - an amount that the rule withholds (too few claims, dominance, p percent) to
//     within the protection percent of its largest part on either side,
//   - any amount to a span below its largest part, hence no change of a figure
//     between two releases to less than one claim's part.
//
// Totals are exact, and so is the difference of any two. A total is new in a
// release only if it, what it differs by from every total of every earlier release,
// and what two measures differ by, are of enough claims that the rule lets them be
// known; else the measure stays as it was, with all its tables, and says so.
//
// # Why it holds
//
// Within a release the check is constructive. For every figure the audit finds
// other sums, integers and none below zero, that agree with every published figure
// of every table and measure and in which that figure is as much higher, and as
// much lower, as it needs to be; where it finds none it withholds more. The tables
// share status alone, which makes them a tree: sums by service and status and by
// sector and status that agree by status are always those of some list of claims,
// so the tables need no check beyond the status sums that they share.
//
// Across releases nothing ties a figure to its former self but the totals: claims
// come, go, change and are decided. The other sums of one release are therefore
// possible whatever the others say, and the span of a change is at least the span
// of either end. Steps divide each other, so a figure that stays the same is never
// told more finely by two releases than by one. A step is larger than the largest
// part, which tells that part's order of magnitude and no more.
//
// # What it does not promise
//
// A claimant knows their own amount; the p-percent rule is made for that, a group
// of claimants who pool theirs is not. That claims stay in the list once they are
// in it ties releases to each other in a way that the audit does not use: who
// computes with that, too, found one change of an amount within 96 percent of its
// largest part, in one of eight sandboxes. Where all amounts are the same and publicly
// known, an amount tells a count more finely than the count's own step. A row
// shows that its code occurs. That a figure is withheld or held back tells that the
// rule had a reason to. Who holds the leaves holds them all: leaf lists and
// inclusion proofs are for auditors under agreement. And no arithmetic on leaves
// shows that a claim was invented or left out; receipts, bank status files and
// samples do.
package publication
