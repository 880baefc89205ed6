// Package stored writes the stored values of typed constants into statements, which name them as @Name: no statement spells a state.
//
// They are no parameters, because the planner uses a partial index only where it reads the index's predicate in the statement. Each
// package of the books names its own constants, and the words by which people read them.
package stored
