package clearing_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/format"
	"settled/clearing/format/delimitedfile"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// delimited makes a center that takes files of delimited lines, in the form that options say.
func delimited(t testing.TB, options map[string]string, form pcsim.Delimited) func(*clearing.Profile, *pcsim.Options) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Minsk")
	check(t, err)
	f, problems := delimitedfile.FromSettings(format.Settings{Member: member, Acquirer: "512345", Options: options}, format.Center{Zone: zone})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return func(p *clearing.Profile, o *pcsim.Options) {
		p.Format, p.ReplyName, p.DuplicateCodes = f, regexp.MustCompile(delimitedfile.ReplyPattern), []uint16{512}
		p.RejectClasses = []clearing.CodeRange{{From: 5000, To: 5999, Class: "account"}, {From: 6000, To: 6999, Class: "merchant"}}
		o.Delimited = &form
	}
}

var delimitedForms = map[string]struct {
	options map[string]string
	form    pcsim.Delimited
}{
	"standard": {},
	"agreed": {map[string]string{"delimiter": "semicolon", "line_end": "crlf", "amounts": "minor", "columns": "currency amount processing_code arn pan rrn approval acceptor"},
		pcsim.Delimited{Delimiter: ";", LineEnd: "\r\n", Minor: true, Columns: strings.Fields("currency amount processing_code arn pan rrn approval acceptor")}},
}

// TestANightOfDelimitedLines: two nights with a center of another format, from seal to reply: sales of two currencies, a void, a refused
// sale, a refund and a refused one. What each side has is the same.
func TestANightOfDelimitedLines(t *testing.T) {
	for name, tt := range delimitedForms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, delimited(t, tt.options, tt.form))
			sold, refused := w.pay(byn(10_000), pcsim.CardApproved), w.pay(byn(4_000), pcsim.CardCreditRefused)
			w.pay(byn(700), pcsim.CardSaleRefused)
			w.pay(eur(300), pcsim.CardApproved)
			w.cutoff()
			w.settleDown()
			w.acceptedBooks(3, 1)
			for _, f := range []files.File{w.fileNamed("1of2"), w.fileNamed("2of2")} {
				if f.State != states.FileReplied || f.Proof != files.ProofHash || !strings.HasSuffix(f.Name, ".csv") {
					t.Errorf("%s is %s by %s", f.Name, f.State, f.Proof)
				}
				if v, err := w.night.VerifyFile(t.Context(), f.ID, true); err != nil || v.Stored != "ok" || v.Remote != "ok" {
					t.Errorf("%+v, %v", v, err)
				}
			}
			for _, order := range []int64{sold, refused} {
				a := byn(2_500)
				_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: order, Amount: &a, Actor: settle.ByMerchant})
				check(t, err)
			}
			w.cutoff()
			w.settleDown()
			w.acceptedBooks(4, 2)
			if got := query[string](w, `SELECT string_agg(class || ' ' || code, ', ' ORDER BY record_id) FROM rejects`); got != "merchant Acceptor 6001, account PAN 5002" {
				t.Errorf("rejects: %s", got)
			}
			w.audited()
		})
	}
}

// TestARefusedFileOfDelimitedLines: the center refuses the first file whole. A person has it built again under the next cycle, and that one is
// applied. A refusal that says that the identical file was processed proves a delivery.
func TestARefusedFileOfDelimitedLines(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
		delimited(t, nil, pcsim.Delimited{})(p, o)
		o.Behavior.RefuseFiles = 1
	})
	w.pay(byn(100), pcsim.CardApproved)
	w.cutoff()
	w.settleDown()
	f := w.file()
	if f.State != states.FileRejected || f.LastError != "file refused: Line 0599" {
		t.Fatalf("file is %s: %s", f.State, f.LastError)
	}
	_, err := w.night.Rebuild(t.Context(), f.Batch)
	check(t, err)
	w.settleDown()
	w.acceptedBooks(1, 0)
	if second := w.fileNamed("_b2"); second.State != states.FileReplied || second.LogicalID != f.LogicalID[:len(f.LogicalID)-1]+"2" {
		t.Errorf("second build %s is %s", second.LogicalID, second.State)
	}
	w.audited()
}

// fileNamed is the file whose name holds a text.
func (w *world) fileNamed(part string) files.File {
	w.t.Helper()
	all, err := w.night.Files(w.t.Context(), clearing.Query{})
	check(w.t, err)
	for _, f := range all.Rows {
		if strings.Contains(f.Name, part) {
			return f
		}
	}
	w.t.Fatalf("no file is named %s", part)
	return files.File{}
}
