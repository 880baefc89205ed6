package protocol

import (
	"strings"
	"testing"
	"unicode"
)

func TestCSVCells(t *testing.T) {
	for v, want := range map[string]string{
		"": "", "Order 1": "Order 1", "10.00": "10.00", "-10.00": "-10.00", "0": "0", "02.03.2026 06:00:00": "02.03.2026 06:00:00",
		"411111****1111": "411111****1111", "In Process": "In Process", "a=b": "a=b", "a@b.by": "a@b.by", "'a": "'a",
		"=1+1": "'=1+1", "+1": "'+1", "-1+2": "'-1+2", "-1.": "'-1.", "-.5": "'-.5", "-1.2.3": "'-1.2.3", "-": "'-", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "' =1", "\ra": "' a", "\x00=1": "' =1", " =1": "' =1", "\u200b=1": "'\u200b=1", "＝1": "'＝1", "\na": " a",
		"a;responsecode:AS000": "a,responsecode:AS000", "a\r\nb\u2028c\u0085d": "a  b c d", "Ёж": "Ёж", "\xff": "\uFFFD",
	} {
		if got := string(appendCell(nil, v)); got != want {
			t.Errorf("%q is told as %q, not %q", v, got, want)
		}
	}
}

// An order with operations is a line for each of them; the bill number stands there once.
func TestCSVLines(t *testing.T) {
	o := Entry{Operations: []Row{{OutBillNumber: "5.1"}, {OutBillNumber: "5.2"}}}
	o.Row[OutOrderBill], o.Row[OutOrderNumber] = "5", "A;1"
	for _, s := range []*Layout{WSCancelLayout, OrderResultLayout} {
		text := string(appendCSV(nil, s, &Answer{Orders: []Entry{o, o}}))
		lines := strings.SplitAfter(text, "\n")
		if len(lines) != 5 || lines[4] != "" || strings.Count(text, "billnumber:") != 4 || strings.Count(text, "billnumber:5.2;") != 2 ||
			strings.Count(text, "ordernumber:A,1;") != 4 || strings.Count(text, "packetdate:") != 4 {
			t.Errorf("%s: %s", s.root, text)
		}
	}
}

// A client that splits at separators and at the first colon finds every field where the layout has it, whatever an order
// holds, and a spreadsheet finds nothing to compute.
func FuzzCSV(f *testing.F) {
	f.Add("a;b:c", "=cmd|' /C calc'!A0")
	f.Add("\r\n-1", "-12.30")
	f.Add("\xff\u2028", "\t@")
	f.Fuzz(func(t *testing.T, comment, name string) {
		a := single(Row{})
		a.Orders[0].Row[OutOrderComment], a.Orders[0].Row[OutLastName] = comment, name
		text := string(appendCSV(nil, ChargeLayout, a))
		line, rest, ended := strings.Cut(text, "\n")
		pairs := strings.Split(line, ";")
		if !ended || rest != "" || len(pairs) != len(ChargeLayout.flat) {
			t.Fatalf("%q", text)
		}
		for i, f := range ChargeLayout.flat {
			name, value, _ := strings.Cut(pairs[i], ":")
			if name != outNames[f] || strings.IndexFunc(value, unicode.IsControl) >= 0 {
				t.Errorf("pair %d is %q", i, pairs[i])
			}
			if value = strings.TrimSpace(value); value != "" && strings.ContainsRune("=+-@", rune(value[0])) && !(value[0] == '-' && isDecimal(value[1:])) {
				t.Errorf("%q computes", value)
			}
		}
	})
}
