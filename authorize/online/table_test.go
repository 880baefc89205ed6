package online

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTableRemembersTheLatest compares the table's memory with a plain list: of the requests that are over, the latest
// of each kind and shard are remembered, an older one may be forgotten, and a live one never is.
func TestTableRemembersTheLatest(t *testing.T) {
	const size = 3
	rapid.Check(t, func(t *rapid.T) {
		table := newTable(size * shards)
		l := &link{}
		var over [2][]key     // gave up, answered
		kind := map[key]int{} // how the latest request of a key ended
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			f := composedKey(rapid.IntRange(0, 9).Draw(t, "request"))
			if !table.add(f) {
				t.Fatal("request is in flight after it is over")
			}
			table.take(f, l, nil)
			if rapid.Bool().Draw(t, "answered") {
				if got, _ := table.match(&reply{key: f.key}); got != f {
					t.Fatal("answer does not find its request")
				}
				over[1], kind[f.key] = append(over[1], f.key), 1
			} else {
				if table.giveUp(f) != sent {
					t.Fatal("request that was taken is not sent")
				}
				over[0], kind[f.key] = append(over[0], f.key), 0
			}
		}
		checkMemory(t, table, over, kind, size)
	})
}

func checkMemory(t *rapid.T, table *table, over [2][]key, kind map[key]int, size int) {
	s := table.shard(&key{})
	if len(s.over) > 2*size {
		t.Fatalf("%d requests remembered, want at most %d", len(s.over), 2*size)
	}
	for i, keys := range over {
		recent := keys[max(0, len(keys)-size):]
		for _, k := range recent {
			want := [2]LateReason{Late, Duplicate}[i]
			if _, got := table.match(&reply{key: k}); kind[k] == i && got != want {
				t.Fatalf("one of the %d latest requests remembered as %v, want %v", size, got, want)
			}
		}
	}
}

// composedKey is a flight of which only the key matters; all share one shard.
func composedKey(n int) *flight {
	return &flight{key: key{RRN: [12]byte{byte('0' + n)}}, done: make(chan struct{}, 1)}
}

func TestWhoeverRemovesARequestDecides(t *testing.T) {
	f, other := composedKey(1), composedKey(1)
	table := newTable(shards)
	if !table.add(f) || table.add(other) {
		t.Fatal("two requests with one key in flight")
	}
	if got, reason := table.match(&reply{key: f.key}); got != nil || reason != Unmatched {
		t.Errorf("a queued request was answered (%v)", reason)
	}
	table.take(f, &link{}, nil)
	if table.refuse(f) {
		t.Error("a request that was taken counts as not sent")
	}
	if got, _ := table.match(&reply{key: f.key}); got != f {
		t.Error("answer does not find its request")
	}
	if got := table.giveUp(f); got != finished {
		t.Errorf("an answered request can be given up (%v)", got)
	}
	if got := table.take(f, &link{}, nil); got != nil {
		t.Error("an answered request was taken again")
	}
}

func TestRepeatMayUseTheKeyAgain(t *testing.T) {
	table := newTable(shards)
	first, repeat := composedKey(1), composedKey(1)
	table.add(first)
	table.take(first, &link{}, nil)
	table.giveUp(first)
	if !table.add(repeat) {
		t.Fatal("a repeat is refused")
	}
	if _, reason := table.match(&reply{key: repeat.key}); reason != Late {
		t.Errorf("answer to the first attempt, before the repeat is sent, is %v", reason)
	}
	table.take(repeat, &link{}, nil)
	if got, _ := table.match(&reply{key: repeat.key}); got != repeat {
		t.Error("answer does not find the repeat")
	}
}
