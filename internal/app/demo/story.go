package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"settled/internal/app/doctor"
	"settled/internal/money"
	"settled/settle/order"
)

// tell prints the story of the days and their proof.
func (p *play) tell(w io.Writer, r *Report, c *counts, took time.Duration) {
	fmt.Fprintf(w, "\n%d orders of %d merchants, seed %d: %d calls to the API and %d pages in %.0f s. %s to %s, %s.\n", r.Orders, len(r.Merchants), r.Seed,
		p.terminal.calls, p.browser.pages, took.Seconds(), p.plan.From.Format("Mon 2 Jan 15:04"), p.clock.Now().Format("Mon 2 Jan 2006 15:04"), zone)
	tellChannels(w, r)
	tellOrders(w, r)
	for _, n := range p.nights {
		p.tellNight(w, r, n)
	}
	tellMoney(w, r)
	p.tellChains(w, p.chains(c))
	tellTies(w, r)
	tellTrialBalance(w, r)
	tellVerdict(w, r)
}

var stateOrder = []order.State{order.StateApproved, order.StateDelayed, order.StatePartialDelayed, order.StatePartialCanceled,
	order.StateCanceled, order.StateDeclined, order.StateTimeout, order.StateInProcess}

func tellOrders(w io.Writer, r *Report) {
	var parts []string
	for _, s := range stateOrder {
		if n := r.OrdersByState[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	fmt.Fprintf(w, "Orders at the end: %s.\n", strings.Join(parts, ", "))
	fmt.Fprintf(w, "%d requests were sent twice, %d of them were answered differently. Merchants' servers took %d notifications in %d tries.\n",
		r.Doubles.Sent, r.Doubles.Differed, r.Told.Received, r.Told.Tries)
}

// tellChannels prints how the orders came.
func tellChannels(w io.Writer, r *Report) {
	var parts []string
	total := 0
	for _, c := range r.Channels {
		parts = append(parts, fmt.Sprintf("%d %s", c.Orders, c.Channel))
		total += c.Orders
	}
	fmt.Fprintf(w, "%d orders came: %s.\n", total, strings.Join(parts, ", "))
}

// tellNight prints one night in a few lines.
func (p *play) tellNight(w io.Writer, r *Report, n *night) {
	date := n.date.Format(time.DateOnly)
	fmt.Fprintf(w, "\nNight of %s\n", n.date.Format("Monday 2 January"))
	sent := 0
	for _, f := range r.Files {
		if f.BusinessDate != date {
			continue
		}
		sent++
		fmt.Fprintf(w, "  %s  %s took %s: %s\n", clockOf(f.DeliveredAt), f.Center, f.Name, contents(f))
	}
	if sent == 0 {
		fmt.Fprintln(w, "  23:00  nothing to clear")
		return
	}
	for _, l := range r.Replies {
		if nightOf(r, l.File) == date {
			fmt.Fprintf(w, "  %s  %s answered %s: %s\n", clockOf(l.FetchedAt), l.Center, l.File, l.verdict())
		}
	}
	for _, j := range r.Rejects {
		if j.BusinessDate == date {
			fmt.Fprintf(w, "         %s refused %s as %s (%s): %s, now %s\n", j.Center, counted(j.Count, j.Kind), j.Class, j.Code,
				amount(j.Amount, j.Currency), j.State)
		}
	}
}

// verdict is what a reply says, in short.
func (l ReplyLine) verdict() string {
	switch {
	case l.State != "applied":
		return "told again, changes nothing (" + l.State + ")"
	case l.Whole:
		return "refused whole"
	}
	return fmt.Sprintf("%d accepted, %d refused", l.Accepted, l.Rejected)
}

func nightOf(r *Report, file string) string {
	for _, f := range r.Files {
		if f.Name == file {
			return f.BusinessDate
		}
	}
	return ""
}

func clockOf(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return "--:--"
	}
	return t.Format("15:04")
}

func contents(f FileLine) string {
	if f.Records == 0 {
		return "empty"
	}
	text := fmt.Sprintf("%s, %s of sales", counted(int(f.Records), "record"), amount(f.Debit, f.Currency))
	if f.Credit > 0 {
		text += fmt.Sprintf(", %s given back", amount(f.Credit, f.Currency))
	}
	return text
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func amount(minor int64, currency string) string {
	c, err := money.ParseCurrency(currency)
	if err != nil {
		return fmt.Sprint(minor)
	}
	return money.Amount{Minor: minor, Currency: c}.String()
}

// tellMoney prints what was given back or never taken, per kind.
func tellMoney(w io.Writer, r *Report) {
	fmt.Fprintln(w, "\nNot kept")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, lines := range [][]MoneyLine{r.Refunds, r.Reversals, r.Expiries} {
		for _, m := range lines {
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", m.Center, counted(m.Count, m.Kind), m.State, amount(m.Amount, m.Currency))
		}
	}
	_ = t.Flush()
}

// tellChains prints the five-way comparison.
func (p *play) tellChains(w io.Writer, chains []chain) {
	fmt.Fprintln(w, "\nThe same money, found five times (sold less given back)")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  center\tcurrency\torders\tledger\tfiles\treplies\tcenter's books\tdifference\t")
	for _, c := range chains {
		show := func(minor int64) string { return money.Amount{Minor: minor, Currency: c.currency}.Decimal() }
		files, replies := "-", "-"
		if c.clears {
			files, replies = show(c.files), show(c.replies)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", c.pair.center, c.currency, show(c.orders), show(c.ledger), files, replies,
			show(c.center), c.spread())
	}
	_ = t.Flush()
}

// spread is how far the places are apart, in minor units.
func (c chain) spread() int64 {
	all := []int64{c.orders, c.ledger, c.center}
	if c.clears {
		all = append(all, c.files, c.replies)
	}
	return slices.Max(all) - slices.Min(all)
}

func tellTies(w io.Writer, r *Report) {
	off := 0
	for _, t := range r.Ties {
		if t.Difference != 0 {
			off++
			fmt.Fprintf(w, "  DIFFERENCE %s %s %s: %s against %s\n", t.Name, t.Center, t.Currency, amount(t.Left, t.Currency), amount(t.Right, t.Currency))
		}
	}
	for _, c := range r.Counts {
		if c.Difference != 0 {
			off++
			fmt.Fprintf(w, "  DIFFERENCE %s: %d against %d\n", c.Name, c.Left, c.Right)
		}
	}
	fmt.Fprintf(w, "%d comparisons, %s.\n", len(r.Ties)+len(r.Counts), counted(off, "difference"))
}

func tellTrialBalance(w io.Writer, r *Report) {
	fmt.Fprintln(w, "\nClosing trial balance")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  account\tcurrency\tdebit\tcredit\t ")
	for _, b := range r.TrialBalance {
		net := b.Debit - b.Credit
		if net == 0 {
			continue
		}
		debit, credit := "", ""
		if net > 0 {
			debit = plain(net, b.Currency)
		} else {
			credit = plain(-net, b.Currency)
		}
		fmt.Fprintf(t, "  %d\t%s\t%s\t%s\t %s\n", b.Account, b.Currency, debit, credit, b.Name)
	}
	_ = t.Flush()
}

func plain(minor int64, currency string) string {
	return strings.TrimSuffix(amount(minor, currency), " "+currency)
}

func tellVerdict(w io.Writer, r *Report) {
	violations := 0
	for _, a := range r.Audit {
		violations += a.Violations
		if a.Violations > 0 {
			fmt.Fprintf(w, "  VIOLATED %s %s: %d\n", a.Invariant, a.Title, a.Violations)
		}
	}
	for _, category := range slices.Sorted(maps.Keys(r.Breaks)) {
		fmt.Fprintf(w, "Left for a person: %s %s.\n", counted(r.Breaks[category], "break"), category)
	}
	fmt.Fprintf(w, "Audit: %d checks, %s.\n", len(r.Audit), counted(violations, "violation"))
	tellDoctor(w, r)
	if r.OK {
		fmt.Fprintln(w, "Everything agrees.")
		return
	}
	fmt.Fprintln(w, "NOT everything agrees.")
}

// tellDoctor says how many checks are good, and names the others.
func tellDoctor(w io.Writer, r *Report) {
	named := map[doctor.State][]string{}
	for _, check := range slices.Sorted(maps.Keys(r.Doctor)) {
		named[r.Doctor[check]] = append(named[r.Doctor[check]], check)
	}
	fmt.Fprintf(w, "Doctor: %d checks good", len(named[doctor.Good]))
	for _, state := range []doctor.State{doctor.Warning, doctor.Bad, doctor.Unchecked} {
		checks := named[state]
		if len(checks) == 0 {
			continue
		}
		what := fmt.Sprintf("%d %s", len(checks), state)
		if state == doctor.Warning {
			what = counted(len(checks), string(state))
		}
		fmt.Fprintf(w, ", %s (%s)", what, strings.Join(checks, ", "))
	}
	fmt.Fprintln(w, ".")
}

// tellDoors prints how to get into what is kept running.
func tellDoors(w io.Writer, r *Report) {
	fmt.Fprintf(w, "\nEverything goes on, on the real clock, until you press Ctrl-C.\n\n  shop     %s\n  bank     %s\n  API      %s\n  metrics  %s\n",
		r.ShopURL, r.BankURL, r.APIURL, r.MetricsURL)
	for _, name := range slices.Sorted(maps.Keys(r.StatusURLs)) {
		fmt.Fprintf(w, "  status   %s (%s)\n", r.StatusURLs[name], name)
	}
	for _, d := range r.SFTP {
		fmt.Fprintf(w, "  SFTP     %s as %s, key %s (%s)\n", d.Address, d.User, d.KeyFile, d.Center)
	}
	fmt.Fprint(w, `
Open the shop in a browser, buy something, and pay it by a card of the list on its page, or by QR code: the bank's page
plays the app and lists the codes that wait. The shop shows what it was told, and confirms, cancels, refunds and charges again.
`)
	fmt.Fprintf(w, "\nOperator commands see it with\n\n  export DATABASE_URL='%s' SETTLED_CONFIG=%s SETTLED_KEYS=%s\n\nMerchants\n", r.DatabaseURL, r.ConfigFile, r.KeyFile)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  Merchant_ID\tLogin\tPassword\tsecret word\tcenter\tname")
	for _, m := range r.Merchants {
		fmt.Fprintf(t, "  %d\t%s\t%s\t%s\t%s\t%s\n", m.Merchant, m.Login, m.Password, m.SecretWord, m.Center, m.Name)
	}
	fmt.Fprintln(t, "\nTest cards (any expiry to come, any code of three digits)")
	for _, c := range r.Cards {
		fmt.Fprintf(t, "  %s\t%s\n", c.Number, c.Outcome)
	}
	_ = t.Flush()
}
