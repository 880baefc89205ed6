package stored_test

import (
	"strings"
	"testing"

	"settled/settle/stored"
)

type kind int16

func TestStatementsAreSpelled(t *testing.T) {
	words := stored.Words{"Refund": kind(5), "Abandoned": "abandoned"}
	if have, want := words.In("kind = @Refund AND state = @Abandoned"), "kind = 5 AND state = 'abandoned'"; have != want {
		t.Errorf("%q, not %q", have, want)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "@Nobody") {
			t.Errorf("a name that is not stored: %q", text)
		}
	}()
	words.In("kind = @Nobody")
}
