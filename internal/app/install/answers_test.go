package install_test

import (
	"errors"
	"strings"
	"testing"

	"settled/internal/app/install"
)

// TestWrongAnswers gives each question that has a rule an answer against it.
func TestWrongAnswers(t *testing.T) {
	const database = "postgres://me@127.0.0.1/settled"
	for _, tt := range []struct {
		name   string
		of     install.Answers
		change func(*install.Answers)
		want   string
	}{
		{"environment", simulated(t, database), func(a *install.Answers) { a.Environment = "production" }, `--environment: "production" is not one of test, live`},
		{"address with a path", simulated(t, database), func(a *install.Answers) { a.URL = "https://pay.shop.by/pay" }, "--url: "},
		{"no scheme", simulated(t, database), func(a *install.Answers) { a.URL = "pay.shop.by" }, "--url: "},
		{"plain HTTP in live", real(t, database, "live", install.CenterSingle), func(a *install.Answers) { a.URL = "http://pay.shop.by" }, "reached by https"},
		{"database that is no URL", simulated(t, database), func(a *install.Answers) { a.Database = "host=x password=swordfish" }, "--database: the address of the database is no URL"},
		{"simulator in live", real(t, database, "live", install.CenterSim), func(*install.Answers) {}, "it is for tests"},
		{"unknown center", simulated(t, database), func(a *install.Answers) { a.Center = "triple-message" }, "--center: "},
		{"no port", simulated(t, database), func(a *install.Answers) { a.Address = "online.pc-a.by" }, "--center-address: "},
		{"short acquirer", simulated(t, database), func(a *install.Answers) { a.Acquirer = "12345" }, "--acquirer: "},
		{"file server without a port", simulated(t, database), func(a *install.Answers) { a.SFTP = "sftp" }, "--sftp-address: "},
		{"no key", real(t, database, "test", install.CenterDual), func(a *install.Answers) { a.HostKey = "ssh-rsa" }, "--sftp-host-key: "},
		{"host key of the simulator", simulated(t, database), func(a *install.Answers) { a.HostKey = hostKey }, "--sftp-host-key is not for"},
		{"files of a single-message center", real(t, database, "test", install.CenterSingle), func(a *install.Answers) { a.BIN = "412345" }, "--acquirer-bin is not for"},
		{"small country", simulated(t, database), func(a *install.Answers) { a.Country = "by" }, "--country: "},
		{"unknown currency", simulated(t, database), func(a *install.Answers) { a.Currency = "BYX" }, "--currency: "},
		{"unknown zone", simulated(t, database), func(a *install.Answers) { a.Zone = "Local" }, "--zone: "},
		{"merchant zero", simulated(t, database), func(a *install.Answers) { a.Merchant = "0" }, "--merchant: "},
		{"merchant in octal", simulated(t, database), func(a *install.Answers) { a.Merchant = "0100" }, "--merchant: "},
		{"two lines", simulated(t, database), func(a *install.Answers) { a.Name = "North\nStar" }, "--merchant-name: it holds a control character"},
		{"nothing", install.Answers{}, func(*install.Answers) {}, "say --database, --country, --currency, --zone, --merchant-name"},
		{"nothing of a live one", install.Answers{Environment: "live"}, func(*install.Answers) {}, "--url, --database, --center, --center-address, --acquirer, --country"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change(&tt.of)
			if err := tt.of.Complete(nil); !errors.Is(err, install.ErrAnswers) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
