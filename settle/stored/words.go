package stored

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
)

// Words are the typed constants, numbers or texts, that a package's statements name, by their names without the @.
type Words map[string]any

var nameInStatement = regexp.MustCompile(`@[A-Z]\w*`)

// In writes the stored values into a statement where it names them. A name that is not among the words panics when the program
// starts.
func (w Words) In(statement string) string {
	return nameInStatement.ReplaceAllStringFunc(statement, func(name string) string {
		v := reflect.ValueOf(w[name[1:]])
		switch {
		case v.IsValid() && v.CanInt():
			return fmt.Sprint(v.Int())
		case v.IsValid() && v.Kind() == reflect.String:
			return "'" + v.String() + "'"
		}
		panic("stored: a statement names " + name + ", which is not stored")
	})
}

// Word returns the word of a stored number, or the number itself.
func Word[T ~int16](words map[T]string, n T) string {
	if w, ok := words[n]; ok {
		return w
	}
	return strconv.Itoa(int(n))
}
