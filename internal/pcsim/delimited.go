package pcsim

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
)

// Delimited is the form of a center that takes files of delimited lines instead of IPM, by the published description
// (docs/formats/delimited.md). The center reads and writes them with its own code.
type Delimited struct {
	Delimiter string   // default ^
	LineEnd   string   // default a line feed
	Minor     bool     // amounts are whole minor units
	Columns   []string // fields of a record; default: the published order
}

// publishedColumns is the order of fields of a center that agreed on no other.
const publishedColumns = "processing_code pan stan rrn arn mcc time expiry approval terminal acceptor name city country amount currency"

func (d Delimited) withDefaults() Delimited {
	d.Delimiter, d.LineEnd = cmp.Or(d.Delimiter, "^"), cmp.Or(d.LineEnd, "\n")
	if d.Columns == nil {
		d.Columns = strings.Fields(publishedColumns)
	}
	return d
}

// lineFile is a file of delimited lines under judgment.
type lineFile struct {
	form  Delimited
	lines []string
	whole bool // it ends with the end of a line
	head  []string
	id    string // member, date and cycle; empty when it has none
}

// lineVerdict is what the center says of such a file.
type lineVerdict struct {
	file     *lineFile
	fault    *lineRefusal
	refusals []lineRefusal
	accepted map[position]Line
}

// lineRefusal is one line that the center did not take.
type lineRefusal struct {
	code  RejectCode
	line  string
	value string
}

// judgeLines judges a file of delimited lines.
func (c *Center) judgeLines(data []byte, hash [sha256.Size]byte, now time.Time) (*lineVerdict, FileReport) {
	f := &lineFile{form: c.opt.Delimited.withDefaults()}
	text := string(data)
	f.whole = strings.HasSuffix(text, f.form.LineEnd)
	f.lines = strings.Split(strings.TrimSuffix(text, f.form.LineEnd), f.form.LineEnd)
	v := &lineVerdict{file: f, accepted: map[position]Line{}}
	v.fault = c.refuseLines(f, hash, now)
	report := FileReport{FileID: f.id}
	if v.fault != nil {
		report.Reject = v.fault.code.Code
		return v, report
	}
	for i, line := range f.lines[1 : len(f.lines)-1] {
		c.judgeLine(v, line, i+2)
	}
	for _, l := range v.accepted {
		report.Accepted += int(l.Count)
	}
	report.Rejected = len(v.refusals)
	return v, report
}

func (c *Center) judgeLine(v *lineVerdict, line string, number int) {
	p, fault := c.readLine(v.file.form, line, number)
	if fault = c.judge(p, fault); fault != nil {
		v.refusals = append(v.refusals, lineRefusal{code: *fault, line: line, value: v.file.form.fieldOf(line, *fault)})
		return
	}
	sum := v.accepted[p.position()]
	sum.add(p.amount)
	v.accepted[p.position()] = sum
}

// refuseLines returns why the file as a whole is not taken, nil when it is.
func (c *Center) refuseLines(f *lineFile, hash [sha256.Size]byte, now time.Time) *lineRefusal {
	first := func(code RejectCode) *lineRefusal { return &lineRefusal{code: code, line: f.lines[0], value: f.id} }
	f.head = strings.Split(f.lines[0], f.form.Delimiter)
	if len(f.head) != 8 || f.head[0] != "1644" || f.head[1] != "601" || f.head[2] != "O" || f.head[6] != "O" {
		return first(noHeader)
	}
	member, date, cycle := f.head[3], f.head[4], f.head[5]
	day, err := time.ParseInLocation("20060102", date, c.opt.Location)
	number, bad := strconv.Atoi(cycle)
	f.id = member + date + cycle
	if err != nil || bad != nil || strconv.Itoa(number) != cycle || member != c.opt.MemberID || now.Sub(day).Abs() > 31*24*time.Hour {
		return first(badFileID)
	}
	scope := ""
	if c.opt.Sequence == SequencePerDate {
		scope = date
	}
	if code := c.admit(f.id, scope, number, hash, func() *RejectCode { return f.contents() }); code != nil {
		return first(*code)
	}
	return nil
}

// contents checks what can be checked without the books: every line of a record, the trailer and its totals.
func (f *lineFile) contents() *RejectCode {
	last := strings.Split(f.lines[len(f.lines)-1], f.form.Delimiter)
	if !f.whole || len(f.lines) < 2 || len(last) != 5 || last[0] != "1644" || last[1] != "602" {
		return &noTrailer
	}
	var added int64
	var currency money.Currency
	for _, line := range f.lines[1 : len(f.lines)-1] {
		fields := f.form.fields(line)
		if fields == nil {
			return &unreadable
		}
		var err error
		if currency, err = money.CurrencyFromNumeric(fields["currency"]); err != nil {
			return &unreadable
		}
		amount, ok := f.form.minor(fields["amount"], currency)
		if !ok {
			return &unreadable
		}
		added += amount
	}
	total, ok := f.form.minor(last[3], currency)
	switch {
	case last[4] != strconv.Itoa(len(f.lines)-2):
		return &badCount
	case !ok || total != added || last[2] != "1":
		return &badChecksum
	}
	return nil
}

// fields are those of a record's line by name, nil for a line that is none.
func (d Delimited) fields(line string) map[string]string {
	parts := strings.Split(line, d.Delimiter)
	if len(parts) != 2+len(d.Columns) || parts[0] != "1240" || parts[1] != "200" {
		return nil
	}
	out := make(map[string]string, len(d.Columns))
	for i, name := range d.Columns {
		out[name] = parts[2+i]
	}
	return out
}

// minor reads an amount: digits, or digits with as many decimals as the currency has.
func (d Delimited) minor(text string, c money.Currency) (int64, bool) {
	if decimals := c.Exponent(); !d.Minor && decimals > 0 {
		whole, part, point := strings.Cut(text, ".")
		if !point || len(part) != decimals || whole == "" {
			return 0, false
		}
		text = whole + part
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && digits(text)
}

// amount writes what minor reads.
func (d Delimited) amount(minor int64, c money.Currency) string {
	decimals := c.Exponent()
	if d.Minor || decimals == 0 {
		return strconv.FormatInt(minor, 10)
	}
	text := fmt.Sprintf("%0*d", decimals+1, minor)
	return text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}

// readLine takes a record from its line; the refusal is nil when its form is right.
func (c *Center) readLine(d Delimited, line string, number int) (*presentment, *RejectCode) {
	f := d.fields(line)
	currency, err := money.CurrencyFromNumeric(f["currency"])
	amount, ok := d.minor(f["amount"], currency)
	p := &presentment{number: int64(number), credit: f["processing_code"] == "200000", amount: amount, currency: currency, pan: f["pan"],
		arn: f["arn"], rrn: f["rrn"], approval: f["approval"], acceptor: f["acceptor"]}
	switch {
	case !p.credit && f["processing_code"] != "000000":
		return p, &badMessage
	case !luhnValid(p.pan):
		return p, &badPAN
	case err != nil:
		return p, &wrongCurrency
	case !ok || amount == 0:
		return p, &noAmount
	case !validARN(p.arn):
		return p, &badARN
	}
	return p, nil
}

// lineNames are the names of fields in answers, by the element that a refusal is about.
var lineNames = map[string][2]string{
	"D0002": {"PAN", "pan"}, "D0004": {"Amount", "amount"}, "D0012": {"Time", "time"}, "D0031": {"ARN", "arn"}, "D0037": {"RRN", "rrn"},
	"D0038": {"Approval", "approval"}, "D0042": {"Acceptor", "acceptor"}, "D0049": {"Currency", "currency"},
	"P0105": {"File ID"}, "P0301": {"Total"}, "P0306": {"Count"},
}

func (d Delimited) fieldOf(line string, code RejectCode) string {
	return d.fields(line)[lineNames[code.Element][1]]
}

// answer writes the verdict: the whole file refused, or every line that was with why, and the sums of what was accepted.
func (v *lineVerdict) answer(c *Center, now time.Time) (data []byte, ending string, err error) {
	f := v.file
	function, ending := "605", ".SettlementSummary"
	refusals := v.refusals
	if v.fault != nil {
		function, ending, refusals = "699", ".FileReject", []lineRefusal{*v.fault}
	}
	day := now.In(c.opt.Location).Format("20060102")
	c.made[day]++
	lines := []string{f.join("1644", function, "O", f.headField(3, c.opt.MemberID), f.headField(4, day), f.headField(5, "1"), "I", f.headField(7, "P"), fmt.Sprintf("%05d", c.made[day]))}
	for _, r := range refusals {
		name := cmp.Or(lineNames[r.code.Element][0], "Line")
		lines = append(lines, r.line, f.join(name, r.value, r.code.Code+" "+r.code.Means))
	}
	if v.fault == nil {
		lines = append(lines, v.sums()...)
	}
	lines = append(lines, f.join("1644", function, strconv.Itoa(len(lines)-1)))
	return []byte(strings.Join(lines, f.form.LineEnd) + f.form.LineEnd), ending, nil
}

// sums are the accepted totals in a fixed order.
func (v *lineVerdict) sums() (lines []string) {
	kinds := make([]position, 0, len(v.accepted))
	for p := range v.accepted {
		kinds = append(kinds, p)
	}
	slices.SortFunc(kinds, func(a, b position) int {
		return cmp.Or(cmp.Compare(a.currency, b.currency), compareBool(a.credit, b.credit))
	})
	for i, p := range kinds {
		code := "00"
		if p.credit {
			code = "20"
		}
		sum := v.accepted[p]
		lines = append(lines, v.file.join(p.currency.Numeric(), strconv.Itoa(i+1), code, v.file.form.amount(sum.Amount, p.currency), strconv.FormatInt(sum.Count, 10)))
	}
	return lines
}

func (f *lineFile) join(fields ...string) string { return strings.Join(fields, f.form.Delimiter) }

// headField repeats a field of the file's header, where it has one that an answer can repeat.
func (f *lineFile) headField(i int, other string) string {
	if f.id == "" {
		return other
	}
	return f.head[i]
}
