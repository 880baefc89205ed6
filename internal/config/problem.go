package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrInvalid is matched by every [Problems].
var ErrInvalid = errors.New("config: invalid")

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	File  string
	Line  int    // from 1; 0 when it is about the file as a whole
	Place string // such as "centers[0].clearing.windows[1].cutoff"; empty when the text itself is malformed
	Why   string
}

// String returns "file:line: place: why".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Place != "" {
		b.WriteString(": " + p.Place)
	}
	return b.String() + ": " + p.Why
}

// Problems are everything that is wrong with a configuration file, in order of their lines.
type Problems []Problem

// Error returns one problem per line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, one := range p {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// Is reports a match with ErrInvalid.
func (p Problems) Is(target error) bool { return target == ErrInvalid }

// place is where something stands in the file: keys (string) and positions in lists (int).
type place []any

func (p place) at(steps ...any) place { return append(p[:len(p):len(p)], steps...) }

// under is the place of a key below p, such as "sftp.host_keys[0]"; empty: p itself.
func (p place) under(key string) place {
	for step := range strings.SplitSeq(strings.ReplaceAll(key, "[", ".["), ".") {
		if index, ok := strings.CutPrefix(step, "["); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(index, "]"))
			p = p.at(n)
		} else if step != "" {
			p = p.at(step)
		}
	}
	return p
}

// String returns "centers[0].clearing".
func (p place) String() string {
	var b strings.Builder
	for i, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

// line returns the line of the place below root, or of the nearest thing above it that exists.
func (p place) line(root *yaml.Node) int {
	node := root
	for _, step := range p {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return node.Line
}

func child(node *yaml.Node, step any) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch step := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step]
		}
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

var lineInError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// syntaxProblems translates an error of the YAML decoder.
func syntaxProblems(file string, err error) Problems {
	texts := []string{err.Error()}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		texts = wrong.Errors
	}
	var out Problems
	for _, text := range texts {
		m := lineInError.FindStringSubmatch(strings.ReplaceAll(text, "\n", " "))
		line, _ := strconv.Atoi(m[1])
		out = append(out, Problem{File: file, Line: line, Why: plain(m[2])})
	}
	return out
}

var goTypes = regexp.MustCompile(`(?:field (\S+) not found in type \S+)|(?:into (?:config\.|clearing\.|online\.)?(\S+))$`)

// plain takes the names of our types out of what the decoder says.
func plain(text string) string {
	return goTypes.ReplaceAllStringFunc(text, func(s string) string {
		m := goTypes.FindStringSubmatch(s)
		if m[1] != "" {
			return fmt.Sprintf("unknown key %q", m[1])
		}
		return "as " + m[2]
	})
}
