package clearing

import "testing"

func TestRecordOfWrapsAround(t *testing.T) {
	const arnSequences = 100_000_000_000
	for _, tt := range []struct {
		sequence uint64
		base     int64
		want     int64
	}{
		{5, 1, 5}, {5, 3 * arnSequences, 3*arnSequences + 5}, {5, 2*arnSequences - 10, 2*arnSequences + 5},
	} {
		if got := recordOf(tt.sequence, arnSequences, tt.base); got != tt.want {
			t.Errorf("%d from %d: got %d, want %d", tt.sequence, tt.base, got, tt.want)
		}
	}
}
