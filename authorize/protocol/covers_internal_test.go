package protocol

import (
	"strings"
	"testing"

	"settled/internal/money"
)

// A check value of one of the values that may be left out is not right for another one, whatever the merchant covers.
func TestProofsCoverWhatTheSettingsSay(t *testing.T) {
	names := []string{"OrderMaxPoints", "CustomerNumber", "Disable3DS", "Prepayment"}
	for set := range 16 {
		bit := func(i int) bool { return set>>i&1 == 1 }
		p := &Proofs{SecretWord: "secret", Checkvalue: true, Covers: Covered{bit(0), bit(1), bit(2), bit(3)}}
		right := map[string]string{} // text of a proof that is right for a request, to what the request sends
		for sent := range 16 {
			body, x := vector, "123456;A-1;100.00;RUB"
			var fields []string
			for i, name := range names {
				if sent>>i&1 == 1 {
					body, x = body+"&"+name+"=7", x+";7"
					fields = append(fields, name)
				}
			}
			c, err := readCall(t, body+"&Checkvalue="+checkValue("secret", x))
			if err != nil {
				t.Fatal(err)
			}
			err = p.Check(c, money.BYN)
			switch {
			case err != nil && sent == set:
				t.Errorf("%04b covered, all of them sent: %v", set, err)
			case err == nil && right[x] != "":
				t.Errorf("%04b covered: %q is right for %s and for %v", set, x, right[x], fields)
			case err == nil && sent&^set != 0:
				t.Errorf("%04b covered: %v taken", set, fields)
			case err == nil:
				right[x] = "(" + strings.Join(fields, " ") + ")"
			}
		}
	}
}
