package dial

import (
	"testing"
	"time"
)

// TestNextLogin: how long a center is left alone, by the minutes at which it refused us.
func TestNextLogin(t *testing.T) {
	start := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		refused []time.Duration // after start, in order
		want    time.Duration   // after start; below 0: at once
	}{
		"never refused":                   {nil, -1},
		"once":                            {[]time.Duration{0}, time.Minute},
		"twice at the same time":          {[]time.Duration{0, 30 * time.Second}, time.Minute},
		"twice":                           {[]time.Duration{0, time.Minute}, 6 * time.Minute},
		"as often as an hour may have":    {[]time.Duration{0, time.Minute, 6 * time.Minute}, time.Hour},
		"more often, as by other workers": {[]time.Duration{0, time.Minute, 6 * time.Minute, 10 * time.Minute}, time.Hour + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var refused []time.Time
			for _, after := range tt.refused {
				refused = append(refused, start.Add(after))
			}
			want := time.Time{}
			if tt.want >= 0 {
				want = start.Add(tt.want)
			}
			if got := nextLogin(refused); !got.Equal(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
