package online

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/iso8583"
)

func TestAnswerIsReturned(t *testing.T) {
	for _, test := range []struct {
		action             string
		approved, notFound bool
		tooLate            bool
	}{
		{action: "000", approved: true},
		{action: "400", approved: true},
		{action: "116"},
		{action: "914", notFound: true},
		{action: "940", tooLate: true},
	} {
		t.Run(test.action, func(t *testing.T) {
			c, _ := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) { v.reply(m, test.action) }), nil)
			got, err := c.Exchange(t.Context(), payment(7))
			if err != nil {
				t.Fatal(err)
			}
			if got.ActionCode != test.action || got.RRN != "000000000007" {
				t.Errorf("answer %+v", got)
			}
			if got.Approved() != test.approved || got.OriginalUnknown() != test.notFound || got.TooLate() != test.tooLate {
				t.Errorf("%s is approved %v, original unknown %v, too late %v", test.action, got.Approved(), got.OriginalUnknown(), got.TooLate())
			}
		})
	}
}

func TestAnswersOutOfOrderReachTheirRequests(t *testing.T) {
	const n = 50
	type waiting struct {
		v *visitor
		m *iso8583.Message
	}
	var held []waiting
	c, _ := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) {
		if held = append(held, waiting{v, m}); len(held) < n {
			return
		}
		for i := n - 1; i >= 0; i-- {
			held[i].v.reply(held[i].m, "000")
		}
	}), nil)
	exchangeAll(t, c, n)
}

func TestThousandConcurrentRequests(t *testing.T) {
	c, _ := connect(t, newCenter(t, approve), func(o *Options) { o.Connections = 3 })
	exchangeAll(t, c, 1000)
}

// exchangeAll sends payments 1 to n at the same time and expects each to get its own answer.
func exchangeAll(t *testing.T, c *Client, n int) {
	t.Helper()
	var all sync.WaitGroup
	for i := 1; i <= n; i++ {
		all.Go(func() {
			got, err := c.Exchange(t.Context(), payment(i))
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			} else if want := fmt.Sprintf("%06d", i); got.ApprovalCode != want {
				t.Errorf("request %d got the answer of %s", i, got.ApprovalCode)
			}
		})
	}
	all.Wait()
}

func TestSilenceIsUnknown(t *testing.T) {
	c, _ := connect(t, newCenter(t, func(*visitor, *iso8583.Message) {}), func(o *Options) { o.Timeout = 30 * time.Millisecond })
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown, ErrTimeout)
}

func TestCallerGivesUp(t *testing.T) {
	arrived := make(chan struct{})
	c, _ := connect(t, newCenter(t, func(*visitor, *iso8583.Message) { close(arrived) }), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.Exchange(ctx, payment(1))
	wantError(t, err, ErrUnknown, context.Canceled)

	_, err = c.Exchange(ctx, payment(2))
	wantError(t, err, ErrNotSent, context.Canceled)
}

func TestLateAnswerIsReportedAndChangesNothing(t *testing.T) {
	gaveUp := make(chan struct{})
	c, late := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) {
		<-gaveUp
		v.reply(m, "000")
	}), func(o *Options) { o.Timeout = 30 * time.Millisecond })
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown, ErrTimeout)
	close(gaveUp)
	got := late.next(t)
	got.Answer.Text = ""
	want := LateAnswer{
		Reason: Late, MTI: "1110", Terminal: "TERM0001", STAN: "000001", TransmittedAt: "1120123045",
		Answer: Answer{ActionCode: "000", ApprovalCode: "000001", RRN: "000000000001"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersThatFitNoRequest(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(*visitor, *iso8583.Message) // sends one odd answer beside the right one
		want   LateReason
	}{
		{"twice", func(v *visitor, m *iso8583.Message) { v.reply(m, "000"); v.reply(m, "116") }, Duplicate},
		{"another trace number", func(v *visitor, m *iso8583.Message) {
			v.reply(m, "116", func(a *iso8583.Message) { a.Set(11, "999999") })
			v.reply(m, "000")
		}, Unmatched},
		{"another terminal", func(v *visitor, m *iso8583.Message) {
			v.reply(m, "116", func(a *iso8583.Message) { a.Set(41, "TERM0002") })
			v.reply(m, "000")
		}, Unmatched},
		{"another reference", func(v *visitor, m *iso8583.Message) {
			v.reply(m, "116", func(a *iso8583.Message) { a.Set(37, "999999999999") })
			v.reply(m, "000")
		}, Unmatched},
		{"another time", func(v *visitor, m *iso8583.Message) {
			v.reply(m, "116", func(a *iso8583.Message) { a.Set(7, "1120123046") })
			v.reply(m, "000")
		}, Unmatched},
		{"another type", func(v *visitor, m *iso8583.Message) {
			other := iso8583.Online.NewMessage(iso8583.MTIReversalAdvice)
			for _, n := range iso8583.EchoedFields {
				other.SetBytes(n, m.Bytes(n))
			}
			v.reply(other, "400")
			v.reply(m, "000")
		}, Mismatched},
		{"not a message", func(v *visitor, m *iso8583.Message) {
			v.send([]byte("\x00\x09not 8583!"))
			v.reply(m, "000")
		}, Unreadable},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, late := connect(t, newCenter(t, test.answer), nil)
			got, err := c.Exchange(t.Context(), payment(1))
			if err != nil || got.ActionCode != "000" {
				t.Errorf("answer %+v, error %v; want the right answer", got, err)
			}
			if got := late.next(t); got.Reason != test.want {
				t.Errorf("reported as %v, want %v", got.Reason, test.want)
			}
		})
	}
}

func TestUntrustedAnswerIsUnknown(t *testing.T) {
	for name, change := range map[string]func(*iso8583.Message){
		"higher amount":  func(m *iso8583.Message) { m.SetInt(4, 1235) },
		"no amount":      func(m *iso8583.Message) { m.Unset(4) },
		"other currency": func(m *iso8583.Message) { m.Set(49, "978") },
		"no action code": func(m *iso8583.Message) { m.Unset(39) },
	} {
		t.Run(name, func(t *testing.T) {
			c, late := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) { v.reply(m, "000", change) }), nil)
			_, err := c.Exchange(t.Context(), payment(1))
			wantError(t, err, ErrUnknown, ErrUntrusted)
			if got := late.next(t); got.Reason != Mismatched || got.STAN != "000001" {
				t.Errorf("reported as %+v, want mismatched", got)
			}
		})
	}
}

func TestMangledAnswerIsUnknown(t *testing.T) {
	c, late := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) {
		frame := frameOf(m)
		copy(frame[len(frame)-3:], "xyz")
		v.send(frame)
	}), func(o *Options) { o.Timeout = 30 * time.Millisecond })
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown, ErrTimeout)
	if got := late.next(t); got.Reason != Unreadable {
		t.Errorf("reported as %v, want unreadable", got.Reason)
	}
	if c.Connected() != 1 {
		t.Error("one bad message ended the connection of the others")
	}
}

func TestLostFramingEndsTheConnection(t *testing.T) {
	center := newCenter(t, func(v *visitor, m *iso8583.Message) { v.send([]byte{0xff, 0xff, 'x'}) })
	c, _ := connect(t, center, nil)
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown, ErrConnectionLost, iso8583.ErrFrame)
}

// FuzzAnswer feeds arbitrary bytes as the answer to a waiting request: nothing but its own answer may approve it.
func FuzzAnswer(f *testing.F) {
	var sent flight
	request := payment(1)
	sent.message = iso8583.Online.NewMessage("")
	if err := sent.compose(&request); err != nil {
		f.Fatal(err)
	}
	m := iso8583.Online.NewMessage("")
	if err := m.Decode(sent.frame[2:]); err != nil {
		f.Fatal(err)
	}
	right := iso8583.Online.NewMessage("")
	right.Answer(m)
	right.Set(39, "000")
	f.Add(encode(right))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := &Client{table: newTable(shards)}
		waiting := newFlight(nil)
		request := payment(1)
		if err := waiting.compose(&request); err != nil {
			t.Fatal(err)
		}
		c.table.add(waiting)
		c.table.take(waiting, &link{}, nil)
		c.deliver(iso8583.Online.NewMessage(""), raw)
		if len(waiting.done) == 0 || waiting.err != nil {
			return
		}
		if err := m.Decode(raw); err != nil {
			t.Fatalf("answered by a message that cannot be read: %v", err)
		}
		amount, _ := m.Int(4)
		if m.Key() != waiting.key || m.MTI() != "1110" || amount != 1234 || m.Text(49) != "933" || !m.Has(39) {
			t.Fatalf("answered by %v", m)
		}
	})
}

func encode(m *iso8583.Message) []byte {
	out, err := m.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	return out
}

func frameOf(m *iso8583.Message) []byte {
	body := encode(m)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// wantError checks that err is of exactly one outcome kind and has the causes.
func wantError(t *testing.T, err, kind error, causes ...error) {
	t.Helper()
	if errors.Is(err, ErrNotSent) != errors.Is(kind, ErrNotSent) || errors.Is(err, ErrUnknown) != errors.Is(kind, ErrUnknown) {
		t.Fatalf("error %v, want kind %v", err, kind)
	}
	for _, cause := range causes {
		if !errors.Is(err, cause) {
			t.Errorf("error %v, want cause %v", err, cause)
		}
	}
	if err != nil && showsCard(err.Error()) {
		t.Errorf("error shows the card: %v", err)
	}
}
