package config

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// TestLayOutKeepsWhatDidNotChange edits random files: the text says what the tree says, and without a change it is the very
// text.
func TestLayOutKeepsWhatDidNotChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		keys := rapid.IntRange(1, 12).Draw(t, "keys")
		for i := range keys {
			b.WriteString(strings.Repeat("\n", rapid.IntRange(0, 2).Draw(t, "blank")))
			if rapid.Bool().Draw(t, "comment") {
				fmt.Fprintf(&b, "# about %d\n", i)
			}
			fmt.Fprintf(&b, "k%d:%s%s\n", i, strings.Repeat(" ", rapid.IntRange(1, 3).Draw(t, "spaces")),
				rapid.SampledFrom([]string{"word", `"7"`, "7", "[a,  b]", "{x: 1}", "'2026-01-01'"}).Draw(t, "value"))
		}
		text := []byte(b.String())
		var tree yaml.Node
		if err := yaml.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		e := &Edit{old: text, tree: &tree}
		if got, err := e.text(); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("unchanged it became %v\n%s\nfrom\n%s", err, got, text)
		}
		at := rapid.IntRange(0, keys-1).Draw(t, "changed")
		value := tree.Content[0].Content[2*at+1]
		*value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: rapid.SampledFrom([]string{"word", "7", "new", "# no comment"}).Draw(t, "new value")}
		got, err := e.text()
		var again yaml.Node
		if err != nil || yaml.Unmarshal(got, &again) != nil || !same(&again, &tree) {
			t.Fatalf("it says something else: %v\n%s", err, got)
		}
		if was := bytes.Count(text, []byte("#")); bytes.Count(got, []byte("# about")) != was {
			t.Fatalf("a comment is lost:\n%s", got)
		}
	})
}
