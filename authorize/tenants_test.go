package authorize_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"settled/internal/pcsim"
)

// things are the parameters that name something a merchant owns, in lower case, with the name of such a thing that does
// not exist.
var things = map[string]func(existing string) string{
	"billnumber": func(v string) string {
		_, operation, extended := strings.Cut(v, ".")
		if extended {
			return "5100001999999999." + operation
		}
		return "5100001999999999"
	},
	"ordernumber":  func(string) string { return "no-such-order" },
	"paymenttoken": func(string) string { return tokenOf("00000000-0000-4000-8000-000000000000", "buyer-7") },
}

// values are all other parameters of the services, in lower case: they say something of the request and name nothing.
var values = strings.Fields(`merchant_id login password format language clientip orderamount ordercurrency ordercomment delay cardtype cardnumber
	cardholder expiremonth expireyear cvc2 lastname firstname middlename email address homephone workphone mobilephone fax country state
	city zip amount currency autodeposit cancelreason externalrefundid externalconfirmid startyear startmonth startday starthour startmin
	endyear endmonth endday endhour endmin testmode meantype_id operationstate operationtype datetimemode zipflag chequeitems
	listparameters customernumber recurringindicator recurringminamount recurringmaxamount recurringperiod recurringmaxdate tokentype
	useragent acceptheader browserinfo`)

// made ends the numbers of orders that come to be while services are asked for orders that do not exist.
const made = "-made"

// makes are the services that make an order. Order numbers are a merchant's own: another's number is as good as any.
var makes = []string{pay}

// A merchant with credentials of its own asks every service, in every syntax, for what another merchant owns. It gets
// what it gets for a thing that does not exist, nothing of the other merchant stands in any answer, and nothing of it
// changes.
func TestAnothersThings(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked := w.examples()
	for path, service := range described {
		named := 0
		for _, name := range slices.Concat(service.Needs, service.Takes) {
			if things[strings.ToLower(name)] != nil {
				named++
			} else if !slices.Contains(values, strings.ToLower(name)) {
				t.Errorf("%s: is %s the name of something that a merchant owns? List it", path, name)
			}
		}
		w.asAnother(path, asked[path], named)
	}
}

// asAnother makes a request of the first merchant's as the second, and one for what does not exist, in every syntax.
func (w *world) asAnother(path string, p params, named int) {
	w.t.Helper()
	variants := []params{p}
	for name, value := range p {
		if strings.EqualFold(name, "Billnumber") && !strings.Contains(value, ".") {
			variants = append(variants, p.with(params{name: value + ".1"}), p.with(params{name: value + ".2"}))
		}
	}
	for syntax, s := range syntaxes {
		for i, p := range variants {
			foreign, missing := p.with(otherCredentials()), p.with(otherCredentials())
			replaced := 0
			for name, value := range p {
				if nothing := things[strings.ToLower(name)]; nothing != nil {
					missing[name] = nothing(value)
					if slices.Contains(makes, path) {
						missing[name] += made
					}
					replaced++
				}
			}
			if named > 0 && replaced == 0 {
				w.t.Errorf("%s: its example names nothing", path)
			}
			before := w.ownedByFirst()
			w.turn(path)
			a := w.from("other", path, s.kind, s.write(path, foreign))
			w.turn(path)
			b := w.from("other", path, s.kind, s.write(path, missing))
			what := fmt.Sprintf("%s in %s, variant %d", path, syntax, i)
			w.equallyTold(what, path, p, a, b)
			if diff := cmp.Diff(before, w.ownedByFirst()); diff != "" {
				w.t.Errorf("%s changed what another owns: %s", what, diff)
			}
		}
	}
}

// missingThing is what a service says is not there.
func missingThing(path string) int {
	if path == tokenPay {
		return 203
	}
	return 201
}

// equallyTold compares the answers for another's thing and for none. The answer of a service that makes orders differs
// in the numbers of the two orders it makes, that of a period in its time.
func (w *world) equallyTold(what, path string, p params, foreign, missing reply) {
	w.t.Helper()
	a, b := foreign.body, missing.body
	if slices.Contains(makes, path) || path == byDate {
		a, b = uniform(a, p), uniform(b, p)
	} else if first, second := w.codes(a); first != 10 || second != missingThing(path) {
		w.t.Errorf("%s: %d/%d: %s", what, first, second, a)
	}
	if a != b || foreign.status != missing.status || foreign.header.Get("Content-Type") != missing.header.Get("Content-Type") {
		w.t.Errorf("%s tells that it exists: %d %s\nnot %d %s", what, foreign.status, a, missing.status, b)
	}
	for _, secret := range []string{"5100001", "ivan@example.by"} {
		if strings.Contains(foreign.body, secret) && !slices.Contains(makes, path) {
			w.t.Errorf("%s tells %s of another's order: %s", what, secret, foreign.body)
		}
	}
}

var (
	billOfOther = regexp.MustCompile(`5100002\d{9}`)
	approvalOf  = regexp.MustCompile(`approvalcode(":"|:|>)\w+`)
	clockTime   = regexp.MustCompile(`\d\d\.\d\d\.\d{4} \d\d:\d\d(:\d\d)?`)
)

// uniform replaces what differs between the answers for two orders: their numbers, approval codes and times.
func uniform(body string, p params) string {
	for name, value := range p {
		if nothing := things[strings.ToLower(name)]; nothing != nil {
			body = strings.NewReplacer(nothing(value)+made, "N", nothing(value), "N", value, "N").Replace(body)
		}
	}
	body = approvalOf.ReplaceAllString(billOfOther.ReplaceAllString(body, "BILL"), "APPROVAL")
	return clockTime.ReplaceAllString(body, "TIME")
}

// ownedByFirst are the rows of all tables that belong to the first merchant.
func (w *world) ownedByFirst() map[string]string {
	w.t.Helper()
	rows, err := w.Pool.Query(w.t.Context(), `SELECT table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE table_schema = 'public' AND column_name = 'merchant_id' AND table_type = 'BASE TABLE' AND table_name <> 'service_calls' ORDER BY 1`)
	check(w.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(w.t, err)
	if len(tables) < 5 {
		w.t.Fatalf("only %v have merchants", tables)
	}
	state := map[string]string{}
	for _, table := range tables {
		var content string
		check(w.t, w.Pool.QueryRow(w.t.Context(), `SELECT count(*) || ' rows, ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM `+table+
			` t WHERE merchant_id = 100001`).Scan(&content))
		state[table] = content
	}
	return state
}
