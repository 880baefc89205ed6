package config

import "testing"

// TestCountries takes the countries of ISO 3166 and nothing else that has three letters.
func TestCountries(t *testing.T) {
	for code, want := range map[string]bool{"BLR": true, "RUS": true, "POL": true, "USA": true, "GBR": true, "ZZZ": false, "XXX": false, "ABC": false,
		"BY": false, "blr": false, "": false, "112": false} {
		if got := country(code); got != want {
			t.Errorf("%q: %t", code, got)
		}
	}
}
