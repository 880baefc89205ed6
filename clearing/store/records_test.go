package store

import (
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// copyStream is a binary COPY of n rows.
func copyStream(n int) []byte {
	out := append([]byte(nil), signature...)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
	field := func(v []byte) { out = append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...) }
	for i := range n {
		out = binary.BigEndian.AppendUint16(out, recordColumns)
		for j := range 6 {
			field(binary.BigEndian.AppendUint64(nil, uint64(100*i+j)))
		}
		field(binary.BigEndian.AppendUint32(nil, uint32(i)))
		field([]byte{0, 1})
		field([]byte{0, 2})
		field([]byte("2812"))
		field(nil)
		field([]byte(fmt.Sprint("card ", i)))
		field([]byte("212"))
		field([]byte(fmt.Sprint("net ", i)))
		field(binary.BigEndian.AppendUint32(nil, uint32(7*i)))
	}
	return append(out, 0xff, 0xff)
}

func describe(r *Record) string {
	return fmt.Sprintln(r.ID, r.Order, r.Amount, r.Exchange, r.bornAt, r.authorizedAt, r.Merchant, r.Kind, r.Slice, string(r.Expiry), string(r.Approval), string(r.Card),
		string(r.Security), string(r.Network), r.Contract)
}

func TestCopyIsReadAtAnySplit(t *testing.T) {
	stream := copyStream(5)
	var want string
	whole := &copyReader{emit: func(r *Record) error { want += describe(r); return nil }}
	if _, err := whole.Write(stream); err != nil || whole.finish() != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var got string
		c := &copyReader{emit: func(r *Record) error { got += describe(r); return nil }}
		for rest := stream; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if _, err := c.Write(append([]byte(nil), rest[:n]...)); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if got != want || c.finish() != nil {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestCutOrWrongCopyIsAnError(t *testing.T) {
	stream := copyStream(3)
	for k := range stream {
		c := &copyReader{emit: func(*Record) error { return nil }}
		if _, err := c.Write(stream[:k]); err == nil && c.finish() == nil {
			t.Errorf("cut at %d: no error", k)
		}
	}
	for _, k := range []int{0, 19, 21, len(stream) - 1} {
		wrong := append([]byte(nil), stream...)
		wrong[k] ^= 1
		c := &copyReader{emit: func(*Record) error { return nil }}
		if _, err := c.Write(wrong); err == nil && c.finish() == nil {
			t.Errorf("changed at %d: no error", k)
		}
	}
}

func TestMergeOfChanges(t *testing.T) {
	var got string
	emit := merged([]Change{{1, 5}, {3, 0}, {4, 7}, {9, 1}}, func(r *Record) error { got += fmt.Sprint(r.ID, ":", r.Amount, " "); return nil })
	for _, id := range []int64{2, 3, 4, 5} {
		if err := emit(&Record{ID: id, Amount: 10}); err != nil {
			t.Fatal(err)
		}
	}
	if want := "2:10 4:7 5:10 "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
