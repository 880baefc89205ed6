package app

import (
	"crypto/rsa"
	"reflect"
	"testing"
	"time"

	"settled/authorize/notify"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/config"
	"settled/internal/vault"
	"settled/settle"
)

// TestEverySettingReachesTheGateway fills every setting and looks for one that the gateway is not told.
func TestEverySettingReachesTheGateway(t *testing.T) {
	signer, err := notify.ReadSigner([]byte(notify.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	m := config.Merchant{Merchant: &settle.Merchant{ID: 7}, SecretWord: vault.NewSecret([]byte("word")),
		Page: tenants.Page{Card: true, Instant: true, Timeout: time.Hour, Attempts: 3, ReturnURL: "a", ReturnOK: "b", ReturnNo: "c", ShowResult: true,
			OneClick: true, AskCode: true, Recurring: true, ThreeDS: true, Unproven: true, AutoNumber: true, Links: "proven", Required: []string{"Email"}, ReturnHosts: []string{"a"}},
		Proofs:      protocol.Proofs{Checkvalue: true, Signature: true, PublicKey: &rsa.PublicKey{}, SHA256: true, Joined: true, RSA: true, Covers: protocol.Covered{MaxPoints: true, Customer: true, Disable3DS: true, Prepayment: true}},
		Notify:      tenants.Notify{URL: "d", SOAP: true, PlainAnswer: true, AllowPrivate: true, Signer: signer},
		CardTesting: tenants.CardTesting{Off: true, Declines: 1, Run: 2, BIN: 3, Stop: 4}}
	told := merchants(&config.Config{Merchants: []config.Merchant{m}})[7]
	for _, part := range []any{told.Proofs.Covers, told.Page, told.Proofs, told.Notify, told.CardTesting} {
		v := reflect.ValueOf(part)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is not set", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	if told.Page.ReturnURL != "a" || told.Page.ReturnOK != "b" || told.Page.ReturnNo != "c" || told.Notify.URL != "d" {
		t.Errorf("addresses: %+v, %+v", told.Page, told.Notify)
	}
}
