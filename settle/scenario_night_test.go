package settle_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/read"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

func (s *story) seal(a arguments) string {
	center := settletest.FileCenter
	if a.named["center"] == "plain" {
		center = settletest.PlainCenter
	}
	s.batches = s.world.Night(s.t, center)
	var out strings.Builder
	for _, id := range s.batches {
		var sales, sold, credits, credited int64
		s.check(s.world.Pool.QueryRow(s.t.Context(), `SELECT sales_count, sales_amount, credits_count, credits_amount FROM batches WHERE batch_id = $1`, id).
			Scan(&sales, &sold, &credits, &credited))
		fmt.Fprintf(&out, "%d sales of %d, %d credits of %d\n", sales, sold, credits, credited)
	}
	if out.Len() == 0 {
		return "empty"
	}
	return out.String()
}

// recordName reads NUMBER.SLICE[.credit].
func (s *story) recordName(text string) settletest.Rejected {
	parts := strings.Split(text, ".")
	slice, err := strconv.Atoi(parts[1])
	s.check(err)
	r := settletest.Rejected{Order: s.orders[parts[0]], Slice: int16(slice), Kind: settle.Sale}
	if len(parts) == 3 {
		r.Kind = settle.Credit
	}
	return r
}

func (s *story) accept(a arguments) string {
	var names []string
	var refused []settletest.Rejected
	if a.named["reject"] != "" {
		names = strings.Split(a.named["reject"], ",")
	}
	for _, name := range names {
		refused = append(refused, s.recordName(name))
	}
	for _, batch := range s.batches {
		for i, r := range s.world.Reply(s.t, batch, refused...) {
			if r.Record != 0 {
				s.rejects[names[i]] = r
			}
		}
	}
	return fmt.Sprintf("all accepted but %d", len(refused))
}

func (s *story) represent(a arguments) string {
	if _, err := s.world.Books.Represent(s.t.Context(), s.rejects[a.word(0)]); err != nil {
		return "error: " + cause(err)
	}
	return "presented again"
}

func (s *story) abandon(a arguments) string {
	if _, err := s.world.Books.AbandonCredit(s.t.Context(), s.rejects[a.word(0)]); err != nil {
		return "error: " + cause(err)
	}
	return s.line(strings.Split(a.word(0), ".")[0])
}

func (s *story) funded(arguments) string {
	tag, err := pgtest.Owner(s.t, s.world.Pool).Exec(s.t.Context(), `UPDATE windows SET funded_at = $1 WHERE state = 'sealed' AND funded_at IS NULL`, s.world.Clock.Now())
	s.check(err)
	return fmt.Sprintf("%d windows", tag.RowsAffected())
}

func (s *story) explain(a arguments) string {
	e, err := read.New(s.world.Pool, s.world.Dir).Order(s.t.Context(), s.orders[a.word(0)])
	s.check(err)
	var out strings.Builder
	s.check(e.WriteText(&out, time.UTC))
	return strings.ReplaceAll(out.String(), "\n\n", "\n")
}

func (s *story) breaks(arguments) string {
	rows, err := s.world.Pool.Query(s.t.Context(), `SELECT category, order_ref, amount FROM breaks WHERE closed_at IS NULL ORDER BY category, break_id`)
	s.check(err)
	var out strings.Builder
	var category string
	var id, amount int64
	_, err = pgx.ForEachRow(rows, []any{&category, &id, &amount}, func() error {
		fmt.Fprintf(&out, "%s %s %d\n", category, s.numberOf(id), amount)
		return nil
	})
	s.check(err)
	if out.Len() == 0 {
		return "none"
	}
	return out.String()
}
