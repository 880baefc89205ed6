package vault

import (
	"fmt"
	"slices"
)

// Environment tells an installation that tries things out from one that moves money. Keys belong to one of them, so that
// what one has sealed never opens in the other.
type Environment string

// The environments.
const (
	Test Environment = "test"
	Live Environment = "live"
)

// Valid reports whether e is one of the environments.
func (e Environment) Valid() bool { return e == Test || e == Live }

// Accepts reports whether a card number belongs into the environment: test numbers into test, all others into live.
func (e Environment) Accepts(p PAN) bool { return IsTestPAN(p) == (e == Test) }

// Environment returns what the keys of the vault are for. A key file that does not say it is for tests.
func (v *Vault) Environment() Environment { return v.ring.Load().environment }

// environment of the key file; a file without a label is older than labels, and for tests.
func (f *keyFile) environment(path string) (Environment, error) {
	switch {
	case f.Environment == "":
		return Test, nil
	case !f.Environment.Valid():
		return "", &KeyError{Path: path, Why: fmt.Sprintf("environment %q is neither test nor live", f.Environment)}
	}
	return f.Environment, nil
}

// bond names what each key of the file is bound to: the key-encrypting key, and the label when there is one. A changed
// label lets no key unwrap.
func (f *keyFile) bond() string {
	if f.Environment == "" {
		return f.KEK.ID
	}
	return f.KEK.ID + "@" + string(f.Environment)
}

// testRanges begin numbers that no issuer gives out; sorted.
var testRanges = []string{
	"2200000000",   // Mir
	"400000",       // Visa, numbers of documentation and simulators
	"411111111111", // Visa
	"541333",       // Mastercard, cards of its own test tools
}

// testNumbers are single numbers that schemes and processors publish for tests.
var testNumbers = map[string]bool{
	// Visa
	"4005519200000004": true, "4009348888881881": true, "4012000033330026": true, "4012000077777777": true,
	"4012888888881881": true, "4217651111111119": true, "4222222222222": true, "4222222222222220": true,
	"4242424242424242": true, "4263970000005262": true, "4444333322221111": true, "4462030000000000": true,
	"4500600000000061": true, "4539578763621486": true, "4917610000000000": true,
	// Mastercard
	"2222400070000005": true, "2223000048400011": true, "2223003122003222": true, "5105105105105100": true,
	"5200828282828210": true, "5425230000004415": true, "5431111111111111": true, "5454545454545454": true,
	"5500000000000004": true, "5555341244441115": true, "5555555555554444": true,
	// Maestro
	"6304000000000000": true, "6304000000000000000": true, "6759649826438453": true,
	// American Express
	"341111111111111": true, "371449635398431": true, "374245455400126": true, "378282246310005": true, "378734493671000": true,
	// Diners Club, Discover
	"3056930009020004": true, "30569309025904": true, "36006666333344": true, "38520000023237": true,
	"6011000990139424": true, "6011000991300009": true, "6011111111111117": true, "6011601160116611": true,
	// JCB
	"3530111333300000": true, "3566000020000410": true, "3566002020360505": true, "3569990010095841": true,
	// UnionPay
	"6200000000000005": true, "6205500000000000004": true, "6243030000000001": true,
}

// IsTestPAN reports whether a card number is reserved for tests: no issuer has given it to anybody.
func IsTestPAN(p PAN) bool {
	var digits [maxPAN]byte
	number := p.AppendReveal(digits[:0])
	defer clear(number)
	begins := func(with string) bool { return len(number) >= len(with) && string(number[:len(with)]) == with }
	return testNumbers[string(number)] || slices.ContainsFunc(testRanges, begins)
}
