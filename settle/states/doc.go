// Package states lists every state machine of the books and the night as data: what may follow what, on which trigger, and
// what is posted. docs/states.md is drawn from it. The order's own steps come from package order, which also enforces them;
// the others are enforced where they happen, by guarded updates and constraints, and a test compares the states listed here
// with those that the code and the database know.
package states
