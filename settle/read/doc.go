// Package read is the books for those who only look: commands, the console, reports, the doctor and the demo. None of these reads the
// tables of the books otherwise, so what a list shows is said once, whoever shows it.
//
// # It cannot write
//
// Each look is a transaction of its own that PostgreSQL lets only read, on one snapshot: what is listed, its totals, and everything
// that belongs to an order are of one instant. The package holds no statement that changes anything and gets nothing from package
// settle that would (internal/architecture says both).
//
// # Lists
//
// A list takes a typed filter and a [listing.Range], and gives a part in a fixed order with the key to go on after. What a filter does
// not understand is refused (ErrFilter), never taken for everything. Where the rows are money, the totals of the whole selection come
// along, per currency. The order of each list is that of an index, so that a part costs what it shows, however many rows there are;
// totals cost what they sum up.
//
// # Figures
//
// What counts or sums whole tables (figures.go, money.go) is for reports over a business day or two and for the demo, which compares
// them with what others say. These read everything.
package read
