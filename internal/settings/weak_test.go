package settings_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"settled/internal/settings"
)

func TestWeak(t *testing.T) {
	for _, tt := range []struct{ name, secret, want string }{
		{"good", "Trawler7Harbor", ""},
		{"good with signs", "7 kestrels, 41 hills", ""},
		{"made by chance", rand.Text(), ""},
		{"long and all letters", "correcthorsebatterystaple", ""},
		{"Cyrillic counts by letters", "Ёжик7вТумане", ""},
		{"empty", "", "has 0 characters; 12 are needed"},
		{"one too few", "Trawler7Har", "has 11 characters; 12 are needed"},
		{"digits", "839201748265", "is all digits"},
		{"many digits", strings.Repeat("839201748265", 4), "is all digits"},
		{"letters", "TrawlerHarbo", "is all letters"},
		{"one character", "aaaaaaaaaaa1", "different characters"},
		{"well-known", "Password2026", "well-known"},
		{"well-known, twice", "Secret1234Qwerty", "well-known"},
		{"name", "North_Star77", "well-known"},
		{"name within", "xnorth_star123", "well-known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := settings.Weak(tt.secret, settings.LeastPassword, "north_star", "", "N")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && len(tt.secret) > 2 && strings.Contains(err.Error(), tt.secret) {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
}
