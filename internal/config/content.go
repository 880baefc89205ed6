package config

import (
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Content is what a configuration says: every key with its value, and what stands in the files that it names. Two configurations with the
// same content are one, however they are written.
type Content struct {
	settings []setting
	byPlace  map[string]int
	sum      [sha256.Size]byte
}

// setting is a key and its value, or the presence of a section or an entry of a list, whose key is empty.
type setting struct {
	place   string // with names: "merchants[7].page.timeout"
	section string // with none: "merchants[].page"
	key     string
	value   string
	file    [sha256.Size]byte // of what stands in the file that the value names
	secret  bool
}

// Sum tells contents apart. It is of secrets, too: whoever has it can try guesses at them, so it is not to be shown.
func (c *Content) Sum() [sha256.Size]byte { return c.sum }

// contentOf reads what a file says.
func contentOf(f *File, resolve func(string) string) *Content {
	c := &Content{byPlace: map[string]int{}}
	c.section("", "", reflect.ValueOf(f).Elem())
	sum := sha256.New()
	for i := range c.settings {
		s := &c.settings[i]
		if namesFile(s.key) && s.value != "" {
			text, _ := os.ReadFile(resolve(s.value)) // one that cannot be read is told by the check of its key
			s.file = sha256.Sum256(text)
			clear(text)
		}
		c.byPlace[s.place] = i
		fmt.Fprintf(sum, "%q %q %x\n", s.place, s.value, s.file)
	}
	sum.Sum(c.sum[:0])
	return c
}

func (c *Content) section(place, section string, v reflect.Value) {
	for i := range v.NumField() {
		key := keyOf(v.Type().Field(i))
		c.value(join(place, key), join(section, key), section, key, v.Field(i))
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// value notes a value by its kind. Sections that may be missing, and entries of lists, are noted themselves.
func (c *Content) value(place, below, section, key string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		c.present(place, below)
		c.section(place, below, v.Elem())
	case v.Kind() == reflect.Pointer:
	case v.Kind() == reflect.Struct:
		c.section(place, below, v)
	case v.Kind() == reflect.Map:
		c.named(place, below, section, key, v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			entry := fmt.Sprintf("%s[%s]", place, identity(v.Index(i), i))
			c.present(entry, below+"[]")
			c.section(entry, below+"[]", v.Index(i))
		}
	default:
		c.settings = append(c.settings, setting{place: place, section: section, key: key, value: textOf(v), secret: slices.Contains(secrets, key)})
	}
}

func (c *Content) present(place, section string) {
	c.settings = append(c.settings, setting{place: place, section: section})
}

// named notes the entries of a map in the order of their names: sections, or values of one key.
func (c *Content) named(place, below, section, key string, v reflect.Value) {
	names := v.MapKeys()
	slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, name := range names {
		at, entry := place+"."+name.String(), v.MapIndex(name)
		if entry.Kind() != reflect.Struct {
			c.settings = append(c.settings, setting{place: at, section: section, key: key, value: textOf(entry)})
			continue
		}
		c.present(at, below+".NAME")
		c.section(at, below+".NAME", entry)
	}
}

// identity is what an entry of a list is known by, however many stand before it: else its place.
func identity(v reflect.Value, i int) string {
	switch e := v.Interface().(type) {
	case CenterFile:
		return e.Name
	case MerchantFile:
		return fmt.Sprint(e.ID)
	case RateFile:
		if e.ValidFrom != "" {
			return fmt.Sprintf("%s to %s from %s", e.From, e.To, e.ValidFrom)
		}
		return fmt.Sprintf("%s to %s", e.From, e.To)
	}
	return fmt.Sprint(i)
}

// textOf is a value as a person reads it.
func textOf(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		words := make([]string, v.Len())
		for i := range words {
			words[i] = fmt.Sprint(v.Index(i).Interface())
		}
		return strings.Join(words, ", ")
	}
	if d, ok := v.Interface().(time.Duration); ok && d == 0 {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
