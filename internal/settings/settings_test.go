package settings_test

import (
	"testing"
	"time"

	"settled/internal/settings"

	"github.com/google/go-cmp/cmp"
)

type size string

// Everything that is wrong is told, each by its key; what is left out has its standard.
func TestEveryProblemIsTold(t *testing.T) {
	var c settings.Checker
	if got := settings.Word(&c, "size", "", size("small"), size("large")); got != "small" {
		t.Errorf("no word is %q", got)
	}
	if got := c.Within("pause", 0, time.Minute, time.Second, time.Hour); got != time.Minute {
		t.Errorf("no pause is %s", got)
	}
	if got := c.Directory("dir", "", "/in"); got != "/in" {
		t.Errorf("no directory is %q", got)
	}
	settings.Word(&c, "size", "big", size("small"), size("large"))
	c.Within("pause", 2*time.Hour, time.Minute, time.Second, time.Hour)
	c.Address("address", "host")
	c.Address("address", "host:0")
	c.Required("user", " ")
	c.Digits("bin", "12345", 6, 6)
	c.Digits("member", "123456789012", 1, 11)
	c.Digits("member", "", 1, 11)
	c.Directory(settings.At("dirs", 2), "../etc", "")
	want := []settings.Problem{{"size", `"big" is not one of small, large`}, {"pause", "2h0m0s is not between 1s and 1h0m0s"},
		{"address", `"host" is no address of the form host:port`}, {"address", `"host:0" is no address of the form host:port`}, {"user", "is missing"},
		{"bin", `"12345" is not 6 digits`}, {"member", `"123456789012" is not 1 to 11 digits`}, {"member", "is missing"},
		{"dirs[2]", `"../etc" is no plain directory`}}
	if diff := cmp.Diff(want, c.Problems); diff != "" {
		t.Error(diff)
	}
}
