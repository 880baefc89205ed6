package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle/breaks"
	"settled/settle/events"
	"settled/settle/read"

	"github.com/spf13/cobra"
)

func newBreak() *cobra.Command {
	return group("break", "Differences that a person must look at", newBreakList(), newBreakShow(), newBreakComment(), newBreakAssign())
}

// breakLine is a break. Amount is minor units.
type breakLine struct {
	Break    int64      `json:"break"`
	Category string     `json:"category"`
	Means    string     `json:"means"`
	Closer   string     `json:"closed_by"` // who may end it
	Closing  string     `json:"how"`       // how it ends, or what a person does about it
	Center   string     `json:"center"`
	Merchant int32      `json:"merchant"` // 0: of none
	Order    int64      `json:"order"`    // 0: of none
	Amount   int64      `json:"amount"`
	Currency string     `json:"currency"` // empty: it is of no money
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at"`
	Note     string     `json:"note"`
	Owner    string     `json:"owner"` // empty: nobody looks after it
	Notes    int32      `json:"notes"` // how many
	money    money.Currency
}

func (d *desk) breakLine(b read.Break) breakLine {
	kind, _ := breaks.KindOf(b.Category)
	l := breakLine{Break: b.ID, Category: string(b.Category), Means: kind.Meaning, Closer: string(kind.Closer), Closing: kind.Closing, Center: d.centerName(b.Center),
		Merchant: b.Merchant, Order: b.Order, Amount: b.Amount, OpenedAt: b.OpenedAt, ClosedAt: b.ClosedAt, Note: b.Note, Owner: b.Owner, Notes: b.Notes, money: b.Currency}
	if b.Currency.Valid() {
		l.Currency = b.Currency.String()
	}
	return l
}

func (d *desk) showBreaks(t *rows, all []breakLine) {
	t.row("break", "category", "center", "order", "amount", "opened", "closed", "owner", "notes", "says")
	for _, l := range all {
		t.row(l.Break, l.Category, l.Center, otherwise(l.order(), "-"), amountOf(l.Amount, l.money), d.clock(&l.OpenedAt), d.clock(l.ClosedAt), otherwise(l.Owner, "-"), l.Notes, l.Note)
	}
}

// order is the bill number; empty for none.
func (l breakLine) order() string {
	if l.Order == 0 {
		return ""
	}
	return strconv.FormatInt(l.Order, 10)
}

func newBreakList() *cobra.Command {
	var all bool
	var category, center, owner string
	var merchant int32
	var paging func() (listing.Range, error)
	c := operator("list", "List the open differences, the youngest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		r, err := paging()
		if err != nil {
			return err
		}
		f := read.BreakFilter{Open: !all, Category: breaks.Category(category), Merchant: merchant, Owner: owner}
		if center != "" {
			if f.Center, err = d.centerNamed(center); err != nil {
				return err
			}
		}
		part, totals, err := d.Read.Breaks(ctx, f, r)
		if err != nil {
			return err
		}
		lines := make([]breakLine, 0, len(part.Rows))
		for _, b := range part.Rows {
			lines = append(lines, d.breakLine(b))
		}
		return d.printPart(lines, part.Next, totals, func(t *rows) { d.showBreaks(t, lines) })
	})
	c.Flags().BoolVar(&all, "all", false, "the closed ones, too")
	c.Flags().StringVar(&category, "category", "", "of this category only, such as B-03")
	c.Flags().StringVar(&center, "center", "", "of this center only")
	c.Flags().Int32Var(&merchant, "merchant", 0, "of this merchant only")
	c.Flags().StringVar(&owner, "owner", "", "those that this person looks after only")
	paging = paged(c)
	return c
}

// noteLine is what a person said of a break.
type noteLine struct {
	No    int32     `json:"no"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Kind  string    `json:"kind"`  // comment or assign
	Words string    `json:"words"` // of an assignment to whom; empty: to nobody
}

func newBreakShow() *cobra.Command {
	return operator("show BREAK", "Show a difference, what to do about it, and what people said of it", 1, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a break")
		if err != nil {
			return err
		}
		return d.showBreak(ctx, id)
	})
}

func (d *desk) showBreak(ctx context.Context, id int64) error {
	b, notes, err := d.Read.Break(ctx, id)
	if err != nil {
		return err
	}
	l, said := d.breakLine(b), make([]noteLine, 0, len(notes))
	for _, n := range notes {
		said = append(said, noteLine{n.No, n.At, n.Actor, string(n.Kind), n.Words})
	}
	whole := struct {
		breakLine
		Said []noteLine `json:"said"`
	}{l, said}
	return d.print(whole, func(t *rows) {
		d.showBreaks(t, []breakLine{l})
		t.row()
		t.row("means", l.Means)
		t.row("closed by", l.Closer+": "+l.Closing)
		for _, n := range said {
			t.row(d.clock(&n.At), n.Actor, n.Kind, otherwise(n.Words, "to nobody"))
		}
	})
}

// onBreak is a command that says something of a break, and shows it afterwards.
func onBreak(use, short string, kind events.Kind, note func() (breaks.NoteKind, string, error)) *cobra.Command {
	return act(use, short, 1, deed{kind: kind, object: "break"}, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a break")
		if err != nil {
			return err
		}
		does, words, err := note()
		if err != nil {
			return err
		}
		if err := breaks.Write(ctx, d.Pool, id, breaks.Note{At: d.Now(), Actor: operatorHere().Name, Kind: does, Words: words}); err != nil {
			return err
		}
		return d.showBreak(ctx, id)
	})
}

func newBreakComment() *cobra.Command {
	var words string
	c := onBreak("comment BREAK", "Say what is known of a difference", events.BreakComment, func() (breaks.NoteKind, string, error) { return breaks.Comment, words, nil })
	c.Flags().StringVar(&words, "words", "", "what you know; kept with the break for ever")
	return c
}

func newBreakAssign() *cobra.Command {
	var to string
	var nobody bool
	c := onBreak("assign BREAK", "Give a difference to somebody who looks after it", events.BreakAssign, func() (breaks.NoteKind, string, error) {
		if (to == "") != nobody {
			return "", "", usageError{errors.New("say either --to whom, or --nobody")}
		}
		return breaks.Assign, to, nil
	})
	c.Flags().StringVar(&to, "to", "", "to whom")
	c.Flags().BoolVar(&nobody, "nobody", false, "take it from who has it")
	return c
}
