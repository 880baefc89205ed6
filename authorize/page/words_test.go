package page

import (
	"strings"
	"testing"
	"time"
)

func TestDaysInWords(t *testing.T) {
	for n, want := range map[int][2]string{1: {"1 day", "1 день"}, 2: {"2 days", "2 дня"}, 5: {"5 days", "5 дней"}, 11: {"11 days", "11 дней"},
		12: {"12 days", "12 дней"}, 21: {"21 days", "21 день"}, 24: {"24 days", "24 дня"}, 30: {"30 days", "30 дней"}, 111: {"111 days", "111 дней"}} {
		for i, l := range []Language{English, Russian} {
			if got, err := newSheet(&View{Language: l}).Days(n); got != want[i] || err != nil {
				t.Errorf("%q, not %q: %v", got, want[i], err)
			}
		}
	}
}

func TestMomentsNameTheirZone(t *testing.T) {
	at := time.Date(2026, 3, 2, 21, 5, 0, 0, time.UTC)
	for zone, want := range map[string]string{"": "02.03.2026 21:05 UTC", "Europe/Minsk": "03.03.2026 00:05 (UTC+3, Europe/Minsk)",
		"Asia/Kolkata": "03.03.2026 02:35 (UTC+5:30, Asia/Kolkata)", "America/New_York": "02.03.2026 16:05 (UTC-5, America/New_York)"} {
		v := &View{}
		if zone != "" {
			v.Zone, _ = time.LoadLocation(zone)
		}
		if got := newSheet(v).Moment(at); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// What is told of the connection is told of one that is secure.
func TestLockIsOfSecureConnections(t *testing.T) {
	for _, secure := range []bool{true, false} {
		v := viewOf(English, plain())
		v.Secure = secure
		var page strings.Builder
		if err := writePage(&page, v); err != nil || strings.Contains(page.String(), "Secure connection") != secure || strings.Contains(page.String(), `class="lock"`) != secure {
			t.Errorf("secure %v: %v", secure, err)
		}
		if strings.Contains(page.String(), `name="SaveCard" value="1" checked`) || !strings.Contains(page.String(), `data-scheme="Visa"`) {
			t.Error("the card is kept without asking, or no brands are shown")
		}
	}
}
