package listing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Key writes the place of a row in the list of this name: the columns that the list is ordered by, and those that make the place
// unique. It is text of letters, digits and "-:._/" for any shell. A column is a time.Time or an integer.
func Key(list string, columns ...any) string {
	parts := []string{list}
	for _, c := range columns {
		if at, ok := c.(time.Time); ok {
			c = at.UTC().Format(time.RFC3339Nano)
		}
		parts = append(parts, fmt.Sprint(c))
	}
	return strings.Join(parts, "/")
}

// ReadKey reads a key of the list of this name into its columns: *time.Time, *int64, *int32 or *int16. An empty key reads nothing
// and is false. A key of another list, or a text that is none, is ErrKey.
func ReadKey(key, list string, into ...any) (there bool, err error) {
	if key == "" {
		return false, nil
	}
	parts := strings.Split(key, "/")
	if parts[0] != list || len(parts) != 1+len(into) {
		return false, fmt.Errorf("%w: %q", ErrKey, key)
	}
	for i, column := range into {
		if err := readColumn(parts[i+1], column); err != nil {
			return false, fmt.Errorf("%w: %q: %w", ErrKey, key, err)
		}
	}
	return true, nil
}

func readColumn(text string, into any) (err error) {
	switch into := into.(type) {
	case *time.Time:
		*into, err = time.Parse(time.RFC3339Nano, text)
	case *int64:
		*into, err = strconv.ParseInt(text, 10, 64)
	case *int32:
		err = narrow(text, 32, into)
	case *int16:
		err = narrow(text, 16, into)
	default:
		err = fmt.Errorf("no column of a key is a %T", into)
	}
	return err
}

func narrow[T int16 | int32](text string, bits int, into *T) error {
	n, err := strconv.ParseInt(text, 10, bits)
	*into = T(n)
	return err
}
