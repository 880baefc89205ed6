// Package states holds no code: its tests list every state machine of the books and the night as data, draw docs/states.md from it,
// and compare the states with those that the code and the database know. The order's own steps come from package order, which
// also enforces them; the others are enforced where they happen, by guarded updates and constraints.
package states
