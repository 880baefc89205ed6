package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

var errShared = fmt.Errorf("%w that is this merchant's alone, but one that an alias shares: edit the file", ErrKey)

// MerchantKeys lists the settings that Set takes, in order of the file: "page.timeout", "routes[N].mdr_bps".
func MerchantKeys() []string { return settingsBelow("", reflect.TypeFor[MerchantFile]()) }

func settingsBelow(at string, t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		name, field := at+keyOf(t.Field(i)), t.Field(i).Type
		switch {
		case field.Kind() == reflect.Struct:
			out = append(out, settingsBelow(name+".", field)...)
		case field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct:
			out = append(out, settingsBelow(name+"[N].", field.Elem())...)
		default:
			out = append(out, name)
		}
	}
	return out
}

func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

var stepForm = regexp.MustCompile(`^([a-z0-9_]+)(?:\[([0-9]{1,4})\])?$`)

// Set gives a setting of a merchant a value: a word, or a list with commas. An empty value takes the setting away. An index
// one beyond the last begins a new entry of a list. The errors wrap ErrNoMerchant, ErrKey and ErrValue.
func (e *Edit) Set(merchant int32, key, value string) error {
	node, err := e.merchant(merchant)
	if err != nil {
		return err
	}
	if key == "id" {
		return fmt.Errorf("%w: the id of a merchant cannot be changed: its orders have it", ErrKey)
	}
	var at place
	for step := range strings.SplitSeq(key, ".") {
		m := stepForm.FindStringSubmatch(step)
		if m == nil {
			return fmt.Errorf("%w: %q", ErrKey, key)
		}
		if at = append(at, m[1]); m[2] != "" {
			index, _ := strconv.Atoi(m[2])
			at = append(at, index)
		}
	}
	if err := assign(node, reflect.TypeFor[MerchantFile](), at, value); err != nil {
		return fmt.Errorf("%w: %q", err, key)
	}
	return nil
}

// assign walks to the place below node, which is of type t, and sets it.
func assign(node *yaml.Node, t reflect.Type, at place, value string) error {
	switch step := at[0].(type) {
	case int:
		return assignEntry(node, t, step, at[1:], value)
	case string:
		return assignKey(node, t, step, at[1:], value)
	}
	return ErrKey
}

func assignEntry(list *yaml.Node, t reflect.Type, index int, rest place, value string) error {
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Struct || index > len(list.Content) {
		return ErrKey
	}
	if len(rest) == 0 {
		if value != "" || index == len(list.Content) {
			return ErrKey
		}
		list.Content = append(list.Content[:index:index], list.Content[index+1:]...)
		return nil
	}
	if index == len(list.Content) {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.MappingNode})
	}
	if list.Content[index].Kind == yaml.AliasNode {
		return errShared
	}
	return assign(list.Content[index], t.Elem(), rest, value)
}

func assignKey(mapping *yaml.Node, t reflect.Type, key string, rest place, value string) error {
	field, ok := fieldOf(t, key)
	if !ok || mapping.Kind != yaml.MappingNode {
		return ErrKey
	}
	if len(rest) == 0 {
		return assignValue(mapping, t, key, field, value)
	}
	inner := child(mapping, key)
	if inner == nil {
		if inner = empty(field); inner == nil {
			return ErrKey
		}
		put(mapping, t, key, inner)
	}
	if inner.Kind == yaml.AliasNode {
		return errShared
	}
	return assign(inner, field, rest, value)
}

// assignValue sets or removes a key that holds no other keys.
func assignValue(mapping *yaml.Node, t reflect.Type, key string, field reflect.Type, value string) error {
	if value == "" {
		remove(mapping, key)
		return nil
	}
	fresh, err := valueNode(field, value)
	if err != nil {
		return err
	}
	old := child(mapping, key)
	if old == nil || old.Kind == yaml.AliasNode {
		remove(mapping, key)
		put(mapping, t, key, fresh)
		return nil
	}
	fresh.HeadComment, fresh.LineComment, fresh.FootComment = old.HeadComment, old.LineComment, old.FootComment
	if old.Kind == yaml.ScalarNode && old.ShortTag() == fresh.ShortTag() {
		fresh.Style = old.Style
	}
	*old = *fresh
	return nil
}

func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		if keyOf(t.Field(i)) == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// empty is a mapping or a list, as the type needs; nil for what holds no keys.
func empty(t reflect.Type) *yaml.Node {
	switch {
	case t.Kind() == reflect.Struct:
		return &yaml.Node{Kind: yaml.MappingNode}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return &yaml.Node{Kind: yaml.SequenceNode}
	}
	return nil
}

// valueNode writes a value as the type wants it.
func valueNode(t reflect.Type, value string) (*yaml.Node, error) {
	var err error
	tag := "!!str"
	switch {
	case t == reflect.TypeFor[time.Duration]():
		_, err = time.ParseDuration(value)
	case t.Kind() == reflect.Bool:
		tag = "!!bool"
		if value != "true" && value != "false" {
			err = ErrValue
		}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		tag = "!!int"
		_, err = strconv.ParseInt(value, 10, t.Bits())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return wordList(value), nil
	case t.Kind() != reflect.String:
		return nil, ErrKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrValue, value)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}, nil
}

func wordList(value string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for word := range strings.SplitSeq(value, ",") {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(word)})
	}
	return list
}

// put inserts a key where the order of the type wants it: before the first key that comes later.
func put(mapping *yaml.Node, t reflect.Type, key string, value *yaml.Node) {
	rank := map[string]int{}
	for i := range t.NumField() {
		rank[keyOf(t.Field(i))] = i
	}
	at := 0
	for at < len(mapping.Content) && rank[mapping.Content[at].Value] < rank[key] {
		at += 2
	}
	name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
	mapping.Content = append(mapping.Content[:at:at], append([]*yaml.Node{name, value}, mapping.Content[at:]...)...)
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
			return
		}
	}
}
