package authorize_test

import (
	"net/http"
	"strings"
	"testing"
)

// What was decided of an order is not guessed: details that cannot be read stop its page, and are told to who runs it.
func TestUnreadableDetailsAreSeen(t *testing.T) {
	w := newPage(t)
	for name, details := range map[string]string{"a list": `["proven"]`, "a number": `{"proven":1}`, "another proof": `{"proven":"yes"}`,
		"no card": `{"storedcard":"7"}`, "another way": `{"via":"pigeon"}`} {
		session := w.opened(shopOrder("details " + name))
		o := w.orderAt(session)
		_, err := w.Pool.Exec(t.Context(), `UPDATE orders SET details = $1 WHERE order_id = $2`, details, o.ID)
		check(t, err)
		r := w.send(http.MethodGet, session, "")
		if r.status != http.StatusServiceUnavailable || !strings.Contains(w.logs.String(), "details of order") {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}
