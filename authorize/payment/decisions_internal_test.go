package payment

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"

	"settled/settle"
)

// Decisions of orders of all ages are read from what orders keep; what is none of their values is an error, never a "no".
func TestDecisions(t *testing.T) {
	card := uuid.MustParse("0190b4a2-9c1c-7d3e-8f00-0123456789ab")
	for details, want := range map[string]Decisions{
		``: {}, `null`: {}, `{}`: {}, `{"language":"EN","ordercomment":"x"}`: {}, `{"proven":"1"}`: {Proven: true}, `{"proven":""}`: {},
		`{"via":"server","storedcard":""}`: {Server: true}, `{"storedcard":"` + card.String() + `"}`: {Stored: card},
	} {
		o := &settle.Order{ID: 7, Details: json.RawMessage(details)}
		if details == "" {
			o.Details = nil
		}
		if got, err := DecisionsOf(o); err != nil || got != want {
			t.Errorf("%s: %+v, %v", details, got, err)
		}
	}
	for _, details := range []string{`[]`, `"x"`, `{"proven":1}`, `{"proven":true}`, `{"proven":"yes"}`, `{"via":"page"}`, `{"storedcard":"7"}`, `{`} {
		if got, err := DecisionsOf(&settle.Order{ID: 7, Details: json.RawMessage(details)}); !errors.Is(err, ErrDetails) || got != (Decisions{}) {
			t.Errorf("%s: %+v, %v", details, got, err)
		}
	}
}
