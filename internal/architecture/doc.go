// Package architecture holds no code: its tests read the source of the whole module and enforce how it is put together.
// Which package may import which, what the pure packages must not touch, and what nobody may use.
package architecture
