package settle

import (
	"strings"
	"testing"
)

func TestStatementsAreSpelled(t *testing.T) {
	if have, want := spelled("kind = @Refund AND state = @RejectAbandoned"), "kind = 5 AND state = 'abandoned'"; have != want {
		t.Errorf("%q, not %q", have, want)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "@Nobody") {
			t.Errorf("a name that is not stored: %q", text)
		}
	}()
	spelled("kind = @Nobody")
}
