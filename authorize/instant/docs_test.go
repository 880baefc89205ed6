package instant

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"settled/internal/pcsim"
)

// TestDocumentedSignatures keeps the example of docs/formats/instant.md equal to what we sign, and to what the bank signs.
func TestDocumentedSignatures(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	key := w.client.keys[0]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://bank.example/v1/payments/1.1-7", nil)
	if err != nil {
		t.Fatal(err)
	}
	key.signRequest(r, nil, noticeTime, "EXAMPLE-NONCE-0001")
	notice := http.Header{}
	w.bank.SignNotice(notice, "N1", []byte("{}"), noticeTime)
	want := fmt.Sprintf(`<!-- example: signatures -->
%s
secret     %s
request    GET /v1/payments/1.1-7, no body, X-Timestamp %s, X-Nonce EXAMPLE-NONCE-0001, X-Key-Id %s
signature  %s
answer     200, body {}
signature  %s
notice     N1 at %[3]s, body {}
signature  %[7]s
`, "```", testSecret, r.Header.Get("X-Timestamp"), testKey, r.Header.Get("X-Signature"),
		key.sign(lines("answer", "EXAMPLE-NONCE-0001", "200", bodyHash([]byte("{}")), testKey)), notice.Get("X-Signature"))
	if doc := read(t); !strings.Contains(doc, want) {
		t.Errorf("docs/formats/instant.md does not have this example:\n%s", want)
	}
}

// TestDocumentedCodes: every code that the bank can give is in the document.
func TestDocumentedCodes(t *testing.T) {
	doc := read(t)
	for _, code := range []string{"bad_request", "unauthorized", "not_found", "conflict", "limit_exceeded", "token_unknown", "token_canceled",
		"not_paid", "amount_exceeded", "declined_by_payer", "insufficient_funds", "account_closed"} {
		if !strings.Contains(doc, "`"+code+"`") {
			t.Errorf("docs/formats/instant.md does not name %s", code)
		}
	}
	for _, header := range []string{headerKey, headerTimestamp, headerNonce, headerSignature, headerNotice} {
		if !strings.Contains(doc, "`"+header+"`") {
			t.Errorf("docs/formats/instant.md does not name %s", header)
		}
	}
	if len(outcomes) != len(pcsim.TestAmounts()) {
		t.Errorf("%d outcomes have a test, of %d", len(outcomes), len(pcsim.TestAmounts()))
	}
}

func read(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/formats/instant.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}
