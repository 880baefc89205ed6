package read_test

import (
	"strings"
	"testing"
	"time"

	"settled/settle/order"
	"settled/settle/read"
)

// TestTextOfAnEndedOrder: only an order that is still open is to be paid until a time.
func TestTextOfAnEndedOrder(t *testing.T) {
	until := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for state, want := range map[order.State]bool{order.StateInProcess: true, order.StateApproved: false, order.StateTimeout: false} {
		var out strings.Builder
		e := read.Order{State: state, PayBefore: &until, TriesLeft: 2}
		if err := e.WriteText(&out, time.UTC); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "to be paid"); got != want {
			t.Errorf("%s:\n%s", state, out.String())
		}
	}
}
