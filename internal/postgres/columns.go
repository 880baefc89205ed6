package postgres

import (
	"fmt"
	"regexp"
	"strings"
)

// Column is a column of rows that a set-based statement takes as arrays: one parameter per column, whatever the number of rows.
type Column[R any] struct {
	name, kind string
	values     func([]R) any
}

// ColumnOf makes a column: its name and type in the statement, and its value in a row. Rows of many columns are pointers: a value is
// taken from each row once per column.
func ColumnOf[R, V any](name, kind string, value func(R) V) Column[R] {
	return Column[R]{name, kind, func(rows []R) any {
		all := make([]V, len(rows))
		for i := range rows {
			all[i] = value(rows[i])
		}
		return all
	}}
}

// Columns are the columns of rows in the order of their parameters. The name, the type and the value of each stand in one place, so
// the text of a statement and its arguments cannot disagree.
type Columns[R any] []Column[R]

// Arrays is the argument list of unnest, whose first parameter is $first: "$1::int[], $2::bigint[]".
func (c Columns[R]) Arrays(first int) string {
	all := make([]string, len(c))
	for i, column := range c {
		all[i] = fmt.Sprintf("$%d::%s[]", first+i, column.kind)
	}
	return strings.Join(all, ", ")
}

// Names is the list of the names: "merchant, id".
func (c Columns[R]) Names() string {
	all := make([]string, len(c))
	for i, column := range c {
		all[i] = column.name
	}
	return strings.Join(all, ", ")
}

// Unnest is a table of the rows: "unnest($1::int[], $2::bigint[]) AS alias (merchant, id)".
func (c Columns[R]) Unnest(alias string, first int) string {
	return "unnest(" + c.Arrays(first) + ") AS " + alias + " (" + c.Names() + ")"
}

// Args are the parameters of the rows, followed by more.
func (c Columns[R]) Args(rows []R, more ...any) []any {
	all := make([]any, 0, len(c)+len(more))
	for _, column := range c {
		all = append(all, column.values(rows))
	}
	return append(all, more...)
}

var named = regexp.MustCompile(`@[a-z_]+`)

// Statement gives the named parameters of a statement their numbers behind those of the columns, and their types: what is given as
// "at timestamptz" is written @at in the text. A name that is not given is left as it is, for the server to refuse.
func (c Columns[R]) Statement(sql string, parameters ...string) string {
	numbers := make(map[string]string, len(parameters))
	for i, p := range parameters {
		name, kind, _ := strings.Cut(p, " ")
		numbers["@"+name] = fmt.Sprintf("$%d::%s", len(c)+1+i, kind)
	}
	return named.ReplaceAllStringFunc(sql, func(name string) string {
		if number, ok := numbers[name]; ok {
			return number
		}
		return name
	})
}
