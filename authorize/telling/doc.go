// Package telling writes what the books hold of orders and operations into the fields of answers and notifications. It reads what it
// is given, asks nobody, and knows no service: which fields are told is the layout's business.
package telling
