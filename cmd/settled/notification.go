package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"settled/authorize/notify"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/notification"

	"github.com/spf13/cobra"
)

// notificationLine is what a merchant's server is to be told, and what came of it.
type notificationLine struct {
	Merchant   int32      `json:"merchant"`
	Order      int64      `json:"order"`
	Operation  int16      `json:"operation"`
	Sequence   int16      `json:"sequence"`
	State      string     `json:"state"`
	Attempts   int16      `json:"attempts"`
	FirstCode  string     `json:"first_code,omitempty"`
	SecondCode string     `json:"second_code,omitempty"`
	LastError  string     `json:"last_error,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	NextTryAt  *time.Time `json:"next_try_at,omitempty"`
	TriedAt    *time.Time `json:"tried_at,omitempty"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
}

func notificationLines(all []notification.Notification) []notificationLine {
	lines := make([]notificationLine, len(all))
	for i, n := range all {
		lines[i] = notificationLine{Merchant: n.Merchant, Order: n.Order, Operation: n.Operation, Sequence: n.Sequence, State: n.State.String(),
			Attempts: n.Attempts, FirstCode: n.FirstCode, SecondCode: n.SecondCode, LastError: n.LastError, CreatedAt: n.CreatedAt,
			TriedAt: n.AskedAt, AnsweredAt: n.AnsweredAt}
		if n.State == notification.Pending {
			lines[i].NextTryAt = &n.DueAt
		}
	}
	return lines
}

func (d *desk) showNotifications(t *rows, lines []notificationLine) {
	t.row("merchant", "operation", "told", "state", "tries", "written", "last try", "next try", "answer")
	for _, l := range lines {
		answer := l.LastError
		if l.FirstCode != "" {
			answer = l.FirstCode + "/" + l.SecondCode
		}
		t.row(l.Merchant, fmt.Sprintf("%d.%d", l.Order, l.Operation), l.Sequence, l.State, l.Attempts, d.clock(&l.CreatedAt), d.clock(l.TriedAt),
			d.clock(l.NextTryAt), answer)
	}
}

func newNotification() *cobra.Command {
	var f notification.Filter
	var state string
	list := operator("list", "List what merchants' servers were told, and what came of it", 0, func(ctx context.Context, d *desk, _ []string) error {
		var err error
		if f.State, err = notificationState(state); err != nil {
			return err
		}
		if f.Order != 0 && f.Merchant == 0 {
			f.Merchant, _ = settle.MerchantOf(f.Order)
		}
		all, err := d.Notifications.List(ctx, f)
		if err != nil {
			return err
		}
		lines := notificationLines(all)
		return d.print(lines, func(t *rows) { d.showNotifications(t, lines) })
	})
	list.Flags().Int32Var(&f.Merchant, "merchant", 0, "to this merchant only")
	list.Flags().Int64Var(&f.Order, "order", 0, "about the order of this bill number only")
	list.Flags().StringVar(&state, "state", "", "pending, delivered, refused or given-up")
	list.Flags().IntVar(&f.Limit, "limit", 100, "how many, the newest first")
	return group("notification", "What merchants' servers are told", list, newResend(), newSigningKey())
}

func newSigningKey() *cobra.Command {
	return &cobra.Command{Use: "key", Short: "Make a key that signs a merchant's notifications, for its file and for the merchant", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), notify.NewKey())
			return err
		}}
}

// notificationState reads the word of a state, with a hyphen for a space. Empty is all states.
func notificationState(word string) (notification.State, error) {
	if word == "" {
		return 0, nil
	}
	for s, name := range notification.States() {
		if strings.ReplaceAll(name, " ", "-") == word {
			return s, nil
		}
	}
	return 0, usageError{fmt.Errorf("%q is not one of pending, delivered, refused, given-up", word)}
}

func newResend() *cobra.Command {
	return act("resend BILLNUMBER[.OPERATION]", "Tell a merchant's server a result again, by default the last one of the order", 1, deed{kind: events.NotificationResend, object: "order"},
		func(ctx context.Context, d *desk, args []string) error {
			merchant, order, operation, err := billAndOperation(args[0])
			if err != nil {
				return err
			}
			if !d.hasNotifyURL(merchant) {
				return fmt.Errorf("%w: merchant %d has no address for notifications", settle.ErrNotTold, merchant)
			}
			key, err := d.Books.TellAgain(ctx, merchant, order, operation)
			if err != nil {
				return err
			}
			n, err := d.Notifications.Find(ctx, key)
			if err != nil {
				return err
			}
			lines := notificationLines([]notification.Notification{*n})
			return d.print(lines[0], func(t *rows) { d.showNotifications(t, lines) })
		})
}

func (d *desk) hasNotifyURL(merchant int32) bool {
	for _, m := range d.Config.Merchants {
		if m.ID == merchant {
			return m.Notify.URL != ""
		}
	}
	return false
}

// billAndOperation reads a bill number, which may be extended by an operation; 0 when it is not.
func billAndOperation(text string) (merchant int32, order int64, operation int16, err error) {
	plain, extension, extended := strings.Cut(text, ".")
	if order, err = number(plain, "an order"); err != nil {
		return 0, 0, 0, err
	}
	merchant, known := settle.MerchantOf(order)
	if !known {
		return 0, 0, 0, fmt.Errorf("%w: %d", settle.ErrBillNumber, order)
	}
	if extended {
		n, err := strconv.ParseInt(extension, 10, 16)
		if err != nil || n < 1 {
			return 0, 0, 0, usageError{fmt.Errorf("%q is no number of an operation", extension)}
		}
		operation = int16(n)
	}
	return merchant, order, operation, nil
}
