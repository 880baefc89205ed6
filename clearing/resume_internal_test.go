package clearing

import "testing"

func TestRoundOfALostNumber(t *testing.T) {
	stop, wrap := Profile{SequenceWidth: 2, AfterLast: StopAfterLast}, Profile{SequenceWidth: 2, AfterLast: WrapAfterLast}
	for _, tt := range []struct {
		p                          Profile
		sequence, last, base, want int32
	}{
		{stop, 7, 5, 0, 0}, {stop, 1, 98, 0, 0}, {wrap, 7, 5, 0, 0}, {wrap, 1, 98, 0, 99}, {wrap, 3, 197, 99, 198}, {wrap, 99, 98, 0, 0},
	} {
		if got := tt.p.roundOf(tt.sequence, tt.last, tt.base); got != tt.want {
			t.Errorf("number %d after %d of a round after %d: %d, want %d", tt.sequence, tt.last, tt.base, got, tt.want)
		}
	}
}
