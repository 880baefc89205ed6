package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/app/doctor"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/settle/order"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestCentersHaveTheirCapabilities: what a center of the cast can do is written into its configuration, whichever capability it is.
func TestCentersHaveTheirCapabilities(t *testing.T) {
	all := cast{caps: order.Capabilities{Refund: order.RefundByOnline, Log: order.LogByLink, MaxAmount: 1}}
	able := reflect.ValueOf(&all.caps).Elem()
	for i := range able.NumField() {
		if able.Field(i).Kind() == reflect.Bool {
			able.Field(i).SetBool(true)
		}
	}
	written := reflect.ValueOf(all.capabilities())
	for i := range able.NumField() {
		name := able.Type().Field(i).Name
		if got := written.FieldByName(name); !got.IsValid() || got.IsZero() {
			t.Errorf("the demo's configuration does not say %s", name)
		}
	}
}

// playOnce runs a short demo and returns its report and what it printed.
func playOnce(t *testing.T, seed uint64, orders int) (Report, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	ok, err := Run(t.Context(), Options{Orders: orders, Seed: seed, Report: path, Out: &out})
	if errors.Is(err, local.ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil || !ok {
		t.Fatalf("demo: ok %t, %v\n%s", ok, err, out.String())
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

func TestOneSeedGivesIdenticalFilesAndTotals(t *testing.T) {
	first, out := playOnce(t, 5, 90)
	second, _ := playOnce(t, 5, 90)
	for _, r := range []*Report{&first, &second} {
		r.APIURL, r.MetricsURL, r.DatabaseURL, r.ConfigFile, r.KeyFile, r.SFTP = "", "", "", "", "", nil
		r.ShopURL, r.BankURL, r.StatusURLs = "", "", nil
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two runs of one seed differ:\n%s", diff)
	}
	if first.Doctor["rights"] != doctor.Good {
		t.Errorf("rights are %s", first.Doctor["rights"])
	}
	if len(first.Files) < 4 || len(first.Replies) <= len(first.Files) { // one center says two words of each, another refuses its first file
		t.Errorf("%d files, %d replies", len(first.Files), len(first.Replies))
	}
	for _, want := range []string{"Night of Monday 2 March", "Night of Tuesday 3 March", "center's books", "Closing trial balance", "0 violations", "Everything agrees."} {
		if !strings.Contains(out, want) {
			t.Errorf("the story lacks %q:\n%s", want, out)
		}
	}
	for _, card := range pcsim.Cards() {
		if strings.Contains(out, card.PAN) {
			t.Errorf("the story shows card number %s", card.PAN)
		}
	}
}

// TestLogInToAGivenServer: there too the demo works as a login of the application, which is gone afterwards. One who may make no roles goes on as
// who he is.
func TestLogInToAGivenServer(t *testing.T) {
	server, err := local.Start(t.Context(), local.Config{ThrowAway: true})
	if errors.Is(err, local.ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	given := server.URL("postgres")
	s := &stage{run: run{Options: Options{DatabaseURL: given}}, database: given}
	for _, step := range []func(context.Context) error{s.migrate, s.logIn} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	works := func(as string) error {
		pool, err := postgres.OpenReadOnly(t.Context(), as)
		if err != nil {
			return err
		}
		defer pool.Close()
		return postgres.CheckLogin(t.Context(), pool)
	}
	if err := works(s.database); err != nil || s.database == given {
		t.Errorf("the login: %v", err)
	}
	again := &stage{database: s.database}
	if err := again.logIn(t.Context()); err != nil || again.database != s.database {
		t.Errorf("one who may make no roles: %v", err)
	}
	if err := s.takeDown(); err != nil {
		t.Fatal(err)
	}
	if err := works(s.database); err == nil {
		t.Error("the login is left behind")
	}
}

// TestTiesNoticeEveryCent changes one amount in each place and expects the comparison to say so.
func TestTiesNoticeEveryCent(t *testing.T) {
	at := pair{"PC-A", money.BYN}
	level := chain{pair: at, orders: 100, ledger: 100, files: 100, replies: 100, center: 100, clears: true}
	if level.spread() != 0 {
		t.Fatalf("spread of equal places is %d", level.spread())
	}
	for name, change := range map[string]func(*chain){
		"orders": func(c *chain) { c.orders++ }, "ledger": func(c *chain) { c.ledger-- }, "files": func(c *chain) { c.files++ },
		"replies": func(c *chain) { c.replies-- }, "center": func(c *chain) { c.center++ },
	} {
		c := level
		if change(&c); c.spread() != 1 {
			t.Errorf("%s: spread %d, want 1", name, c.spread())
		}
	}
}

func TestJudge(t *testing.T) {
	good := func() *Report {
		return &Report{Ties: []Tie{{}}, Counts: []Count{{}}, Audit: []AuditLine{{}}, Files: []FileLine{{SHA256: "a", Taken: "a"}}}
	}
	for _, tt := range []struct {
		name   string
		change func(*Report)
		ok     bool
	}{
		{"everything agrees", func(*Report) {}, true},
		{"a difference", func(r *Report) { r.Ties[0].Difference = -1 }, false},
		{"a violation", func(r *Report) { r.Audit[0].Violations = 1 }, false},
		{"another file at the center", func(r *Report) { r.Files[0].Taken = "b" }, false},
		{"a double request answered differently", func(r *Report) { r.Doubles.Differed = 1 }, false},
		{"a difference of numbers", func(r *Report) { r.Counts[0].Difference = 1 }, false},
		{"nothing counted", func(r *Report) { r.Counts = nil }, false},
		{"nothing compared", func(r *Report) { r.Ties = nil }, false},
		{"nothing audited", func(r *Report) { r.Audit = nil }, false},
	} {
		r := good()
		tt.change(r)
		if r.judge(); r.OK != tt.ok {
			t.Errorf("%s: ok %t", tt.name, r.OK)
		}
	}
}

func days(t *testing.T) (from, to time.Time) {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	from = time.Date(firstDay.year, firstDay.month, firstDay.day, 0, 0, 0, 0, location)
	return from, cutoffOf(from.AddDate(0, 0, 1))
}

func TestPlansHoldTheirRules(t *testing.T) {
	from, to := days(t)
	all := shops()
	rapid.Check(t, func(t *rapid.T) {
		seed, orders := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 200).Draw(t, "orders")
		plan := NewPlan(seed, orders, all, from, to)
		if len(plan.Purchases) != orders {
			t.Fatalf("%d purchases, want %d", len(plan.Purchases), orders)
		}
		for _, p := range plan.Purchases {
			var asked int64
			if p.Amount.Minor < 10 || p.Amount.Minor > 2_000_000 || len(p.Tries) == 0 {
				t.Fatalf("purchase %+v", p)
			}
			last := p.Tries[0].At
			for _, s := range p.Steps {
				if s.At.Before(last) || !s.At.Before(to) {
					t.Fatalf("%s: step at %s, after %s, before %s", p.Number, s.At, last, to)
				}
				if s.Act == Confirm {
					asked += s.Amount
				}
			}
			if asked > p.Amount.Minor {
				t.Fatalf("%s: confirms %d of %d", p.Number, asked, p.Amount.Minor)
			}
			if p.TwoStage && !p.Shop.center(p.Amount.Currency).TwoStage {
				t.Fatalf("%s: held at a center that cannot", p.Number)
			}
		}
	})
}

func TestPlansOfOneSeedAreEqual(t *testing.T) {
	from, to := days(t)
	one, two, other := NewPlan(9, 300, shops(), from, to), NewPlan(9, 300, shops(), from, to), NewPlan(10, 300, shops(), from, to)
	text := func(p *Plan) string {
		b, err := json.Marshal(p.Purchases)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if text(one) != text(two) {
		t.Error("two plans of one seed differ")
	}
	if text(one) == text(other) {
		t.Error("plans of two seeds are equal")
	}
}

func TestPlansHaveTheShapeOfBusiness(t *testing.T) {
	from, to := days(t)
	plan := NewPlan(1, 20_000, shops(), from, to)
	var held, declined, night, noon float64
	for _, p := range plan.Purchases {
		if p.TwoStage {
			held++
		}
		if p.Tries[0].Card.Outcome == pcsim.Decline {
			declined++
		}
		switch p.Tries[0].At.Hour() {
		case 4:
			night++
		case 13:
			noon++
		}
	}
	total := float64(len(plan.Purchases))
	for _, share := range []struct {
		name             string
		got, least, most float64
	}{{"held", held / total, 0.15, 0.40}, {"declined", declined / total, 0.03, 0.12}, {"four o'clock against one o'clock", night / noon, 0.10, 0.25}} {
		if share.got < share.least || share.got > share.most {
			t.Errorf("%s: %.3f, want %.2f to %.2f", share.name, share.got, share.least, share.most)
		}
	}
}

func TestClock(t *testing.T) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	c := NewClock(at)
	c.Set(at.Add(time.Hour))
	c.Set(at)
	if got := c.Now(); !got.Equal(at.Add(time.Hour)) {
		t.Errorf("the clock went back to %s", got)
	}
	future := NewClock(time.Now().Add(1000 * time.Hour))
	before := future.Now()
	future.Release()
	if got := future.Now(); got.Before(before) || got.Sub(before) > time.Minute {
		t.Errorf("released in the future, the clock went from %s to %s", before, got)
	}
	c.Release()
	if got := time.Since(c.Now()).Abs(); got > time.Minute {
		t.Errorf("a released clock is off by %s", got)
	}
}

// TestPlansHaveTheMixOfChannels holds the shares of the ways to pay to what the demo says of itself.
func TestPlansHaveTheMixOfChannels(t *testing.T) {
	from, to := days(t)
	plan := NewPlan(1, 20_000, shops(), from, to)
	by := map[Channel]float64{}
	var begins, keeps, leaves, secured, instantRU, ofRU float64
	for _, p := range plan.Purchases {
		by[p.Channel]++
		begins += one(p.Begins)
		keeps += one(p.Customer != "" && p.After == nil)
		leaves += one(p.Leaves)
		secured += one(strings.Contains(p.Tries[0].Card.Means, "3-D Secure"))
		if p.Shop.Currency == money.RUB && p.Channel != ByTerms && p.Channel != ByToken && p.Channel != ByStored {
			ofRU++
			instantRU += one(p.Channel == ByCode)
		}
		if p.After != nil && (p.Shop != p.After.Shop || !p.Tries[0].At.After(p.After.Tries[len(p.After.Tries)-1].At)) {
			t.Fatalf("%s builds on %s, which is of another shop or later", p.Number, p.After.Number)
		}
	}
	total := float64(len(plan.Purchases))
	for _, share := range []struct {
		name             string
		got, least, most float64
	}{{"page", by[ByPage] / total, 0.40, 0.65}, {"server", by[ByServer] / total, 0.08, 0.20}, {"code", by[ByCode] / total, 0.04, 0.12},
		{"later payments", by[ByTerms] / total, 0.10, 0.14}, {"subscriptions begun", begins / total, 0.10, 0.18},
		{"stored", (by[ByStored] + by[ByToken]) / (total - by[ByTerms]), 0.07, 0.11}, {"tokens of stored", by[ByToken] / (by[ByStored] + by[ByToken]), 0.4, 0.6},
		{"cards kept", keeps / total, 0.01, 0.10}, {"customers who leave", leaves / total, 0.01, 0.05}, {"3-D Secure", secured / total, 0.10, 0.35},
		{"code of orders in RUB", instantRU / ofRU, 0.18, 0.26}} {
		if share.got < share.least || share.got > share.most {
			t.Errorf("%s: %.3f, want %.2f to %.2f", share.name, share.got, share.least, share.most)
		}
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// TestReportIsDocumented compares docs/demo-report.md with the report's keys, in order.
func TestReportIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/demo-report.md")
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile("`([a-z0-9_()]+)`")
	got, sections := map[string][]string{}, []string(nil)
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "## "):
			sections = nil
			for _, m := range word.FindAllStringSubmatch(line, -1) {
				sections = append(sections, m[1])
			}
		case strings.HasPrefix(line, "| `"):
			for _, section := range sections {
				cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
				for _, m := range word.FindAllStringSubmatch(cell, -1) {
					got[section] = append(got[section], m[1])
				}
			}
		}
	}
	want := map[string][]string{}
	for i := range reflect.TypeFor[Report]().NumField() {
		f := reflect.TypeFor[Report]().Field(i)
		name := tag(f)
		want["(top)"] = append(want["(top)"], name)
		element := f.Type
		if element.Kind() == reflect.Slice {
			element = element.Elem()
		}
		if element.Kind() != reflect.Struct {
			continue
		}
		for j := range element.NumField() {
			want[name] = append(want[name], tag(element.Field(j)))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/demo-report.md differs from the report (- written, + documented):\n%s", diff)
	}
}

func tag(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func TestProgressOutsideATerminalIsPlain(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	p.Set("half", 1, 2)
	p.Set("half", 1, 2)
	p.Set("all", 2, 2)
	p.Clear()
	if got, want := b.String(), " 50 % half\n100 % all\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	NewProgress(nil).Set("nothing", 1, 2)
}

func TestCardsOfThePlanAreTestCards(t *testing.T) {
	for _, o := range oddities {
		if !slices.ContainsFunc(pcsim.Cards(), func(c pcsim.Card) bool { return c.PAN == o.card }) {
			t.Errorf("%s is no test card", o.card)
		}
	}
}
