package ipm

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"settled/fileformats/iso8583"
)

// edit returns the fixture with a change.
func edit(t *testing.T, file string, change func([]byte) []byte) []byte {
	t.Helper()
	return change(bytes.Clone(golden(t, file)))
}

func TestToleratedForms(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		blocked bool
		change  func([]byte) []byte
	}{
		{"no terminator", "ipm_ascii.vbs", false, func(b []byte) []byte { return b[:len(b)-4] }},
		{"fill after an unblocked stream", "ipm_ascii.vbs", false, func(b []byte) []byte { return append(b, "@@@@@\x00"...) }},
		{"an extra block of fill", "ipm_ascii.1014", true, func(b []byte) []byte {
			return append(b, bytes.Repeat([]byte{fill}, blockSize)...)
		}},
		{"zero bytes at a block end", "ipm_ascii.1014", true, func(b []byte) []byte {
			b[blockData], b[blockData+1] = 0, 0
			return b
		}},
		{"zero bytes as fill", "ipm_ascii.1014", true, func(b []byte) []byte { return zeroFill(b, 1076) }},
		{"no terminator before fill", "ipm_ascii.1014", true, func(b []byte) []byte {
			copy(b[1072:], "@@@@")
			return b
		}},
	}
	for _, tt := range tests {
		data := edit(t, tt.file, tt.change)
		p := Profile{Blocked: tt.blocked}
		got, r, err := readAll(data, p, Options{})
		if err != nil || len(got) != 3 || r.Control() != (Control{Messages: 5, Amount: 29690}) {
			t.Errorf("%s: %d records, %v, %v", tt.name, len(got), r.Control(), err)
		}
		if _, err := Verify(bytes.NewReader(data), p); err == nil {
			t.Errorf("%s: accepted in a file of our own", tt.name)
		}
	}
}

func zeroFill(b []byte, from int) []byte {
	for i := from; i < len(b); i++ {
		b[i] = 0
	}
	return b
}

func TestRefusedForms(t *testing.T) {
	tests := []struct {
		name   string
		file   string
		change func([]byte) []byte
		err    error
		record int64
		offset int64
	}{
		{"empty file", "ipm_ascii.vbs", func([]byte) []byte { return nil }, ErrTruncated, 1, 0},
		{"only a terminator", "ipm_ascii.vbs", func([]byte) []byte { return make([]byte, 4) }, ErrTruncated, 1, 0},
		{"huge record", "ipm_ascii.vbs", func(b []byte) []byte { b[78] = 0xff; return b }, ErrRecordSize, 2, 78},
		{"bytes after the terminator", "ipm_ascii.vbs", func(b []byte) []byte { return append(b, "more"...) }, ErrFill, 6, 1070},
		{"no trailer", "ipm_ascii.vbs", func(b []byte) []byte { return append(b[:962], 0, 0, 0, 0) }, ErrTruncated, 5, 962},
		{"a block end overwritten", "ipm_ascii.1014", func(b []byte) []byte { b[blockData] = '!'; return b }, ErrFill, 1, 0},
		{"a block cut short", "ipm_ascii.1014", func(b []byte) []byte { return b[:len(b)-1] }, ErrTruncated, 5, 962},
		{"data in place of fill", "ipm_ascii.1014", func(b []byte) []byte { b[1500] = '!'; return b }, ErrFill, 6, 1070},
		{"blocks read as a stream", "ipm_ascii.1014", nil, iso8583.ErrPDS, 5, 962},
	}
	for _, tt := range tests {
		data := golden(t, tt.file)
		p := Profile{}
		if tt.change != nil {
			data = edit(t, tt.file, tt.change)
			p.Blocked = tt.file == "ipm_ascii.1014"
		}
		_, _, err := readAll(data, p, Options{})
		var at *Error
		if !errors.As(err, &at) || !errors.Is(err, tt.err) || at.Record != tt.record || at.Offset != tt.offset {
			t.Errorf("%s: %v, want record %d at byte %d: %v", tt.name, err, tt.record, tt.offset, tt.err)
		}
	}
}

// TestFullLastBlock: a stream that fills its last block exactly gets no further block.
func TestFullLastBlock(t *testing.T) {
	records := sample()
	for len(records) < 100 {
		records = append(records, changed(func(*Record) {}))
	}
	plain := len(build(t, Profile{}, records))
	for i := 0; plain%blockData != 0; i++ {
		name := min(12, blockData-plain%blockData) // up to the 22 characters of a name
		records[i].Location = append(bytes.Repeat([]byte("X"), name), records[i].Location...)
		plain += name
	}
	p := Profile{Blocked: true}
	file := build(t, p, records)
	if len(file) != plain/blockData*blockSize {
		t.Fatalf("%d bytes for a stream of %d", len(file), plain)
	}
	if _, err := Verify(bytes.NewReader(file), p); err != nil {
		t.Error(err)
	}
	extra := append(file, bytes.Repeat([]byte{fill}, blockSize)...)
	if got, _, err := readAll(extra, p, Options{}); err != nil || len(got) != len(records) {
		t.Errorf("with an extra block: %d records, %v", len(got), err)
	}
}

func TestDeblock(t *testing.T) {
	stream, err := io.ReadAll(&deblocker{r: iotest.OneByteReader(bytes.NewReader(golden(t, "ipm_ascii.1014")))})
	want := golden(t, "ipm_ascii.vbs")
	if err != nil || len(stream) != 2*blockData || !bytes.Equal(stream[:len(want)], want) {
		t.Errorf("%d bytes, %v", len(stream), err)
	}
	for offset, want := range map[int64]int64{0: 0, 1011: 1011, 1012: 1014, 2023: 2025, 2024: 2028} {
		if got := fileOffset(offset); got != want {
			t.Errorf("offset %d of the stream is at %d of the file, want %d", offset, got, want)
		}
	}
}

func TestErrorOfTheSourceIsFinal(t *testing.T) {
	whole := golden(t, "ipm_ascii.1014")
	for _, after := range []int{0, 50, 100, 1014, 1500} {
		source := io.MultiReader(bytes.NewReader(whole[:after]), iotest.ErrReader(errDisk))
		r := NewReader(source, Profile{Blocked: true}, Options{})
		var err error
		for err == nil {
			var rec Record
			err = r.Read(&rec)
		}
		var at *Error
		if !errors.Is(err, errDisk) || !errors.As(err, &at) || !at.Final {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}

// fileOffset is where the byte at offset of the unblocked stream stands in a 1014-blocked file.
func fileOffset(offset int64) int64 { return offset/blockData*blockSize + offset%blockData }
