package protocol

import "testing"

// TestProofOfNotification computes the published example.
func TestProofOfNotification(t *testing.T) {
	r := Row{OutOrderNumber: "A-1", OutOrderAmount: "200.00", OutOrderCurrency: "USD", OutAmount: "100.00", OutCurrency: "RUB", OutOrderState: "Approved"}
	if err := (&Proofs{SecretWord: "secret"}).ProveNotice(nil, "123456", &r); err != nil || r[OutCheckValue] != "13371E3E452ECBFB87212DBA17E0383D" {
		t.Errorf("%s, %v", r[OutCheckValue], err)
	}
}
