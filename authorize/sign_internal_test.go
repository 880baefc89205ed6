package authorize

import "testing"

// TestProofOfNotification computes the published example.
func TestProofOfNotification(t *testing.T) {
	r := record{outOrderNumber: "A-1", outOrderAmount: "200.00", outOrderCurrency: "USD", outAmount: "100.00", outCurrency: "RUB", outOrderState: "Approved"}
	if err := (&Proofs{SecretWord: "secret"}).proveNotice(nil, "123456", &r); err != nil || r[outCheckValue] != "13371E3E452ECBFB87212DBA17E0383D" {
		t.Errorf("%s, %v", r[outCheckValue], err)
	}
}
