package delimited

import "bytes"

// Part walks over the lines of a part of a file.
type Part struct {
	rest    []byte
	profile Profile
	table   []*column
	fields  [][]byte
	raw     []byte
}

// NewPart returns a walk over whole lines in the form of the profile.
func NewPart(data []byte, p Profile) *Part { return &Part{rest: data, profile: p, table: p.table()} }

// Next goes to the next line; false at the end of the part.
func (p *Part) Next() bool {
	line, rest, whole := bytes.Cut(p.rest, []byte(p.profile.lineEnd()))
	p.raw, p.rest = line, rest
	return whole
}

// Record reads the line as a record with the number of a line; false when it is none.
func (p *Part) Record(rec *Record, line int64) bool {
	p.fields = cut(p.fields[:0], p.raw, p.profile.Delimiter)
	if len(p.fields) < 2 || string(p.fields[0]) != typeRecord || string(p.fields[1]) != functionFirst {
		return false
	}
	_, err := parse(rec, line, p.fields, p.table, &p.profile)
	return err == nil
}
