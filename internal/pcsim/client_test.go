package pcsim_test

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/internal/pcsim"
)

const (
	member   = "00000012345"
	acceptor = "MERCHANT0000001"
)

var (
	noon   = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	byn, _ = money.ParseCurrency("BYN")
)

func noonClock() time.Time { return noon }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a virtual clock that tests set.
type clock struct{ ch chan time.Time }

func newClock(t time.Time) clock {
	c := clock{make(chan time.Time, 1)}
	c.ch <- t
	return c
}

func (c clock) now() time.Time { t := <-c.ch; c.ch <- t; return t }
func (c clock) set(t time.Time) {
	<-c.ch
	c.ch <- t
}

func start(t *testing.T, opt pcsim.Options) *pcsim.Center {
	t.Helper()
	if opt.MemberID == "" {
		opt.MemberID = member
	}
	if opt.Now == nil {
		opt.Now = noonClock
	}
	c, err := pcsim.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// client is a raw TCP client of the online host.
type client struct {
	t      testing.TB
	conn   net.Conn
	frames *iso8583.FrameReader
	stan   int
}

func dial(t testing.TB, c *pcsim.Center) *client {
	t.Helper()
	conn, err := net.Dial("tcp", c.OnlineAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, frames: iso8583.NewFrameReader(bufio.NewReader(conn))}
}

// sale is a payment as the client sends it.
type sale struct {
	mti, pan, rrn, terminal, local, expiry, cvv, pos, function, processing string
	stan                                                                   int
	amount                                                                 int64
	currency                                                               string
	private                                                                map[int]string // of DE 48, besides the code
}

func (c *client) sale(pan string, amount int64) sale {
	c.stan++
	return sale{
		mti: iso8583.MTIAuthorizationRequest, pan: pan, amount: amount, stan: c.stan,
		rrn: fmt.Sprintf("6325%08d", c.stan), terminal: "TERM0001", local: "261120120000", expiry: "2812", cvv: "123",
		pos: "000250S1900C", function: iso8583.FunctionAuthorizationFinal, processing: iso8583.ProcessingPurchase,
		currency: "933",
	}
}

func (c *client) purchase(pan string, amount int64) sale {
	s := c.sale(pan, amount)
	s.mti, s.function = iso8583.MTIFinancialRequest, iso8583.FunctionFinancial
	return s
}

func (s sale) head(mti string, stan int) *iso8583.Message {
	m := iso8583.Online.NewMessage(mti)
	m.Set(3, s.processing)
	m.SetInt(4, s.amount)
	m.Set(7, "1120120000")
	m.SetInt(11, int64(stan))
	m.Set(12, s.local)
	m.Set(24, s.function)
	m.Set(26, "5999")
	m.Set(32, "123456")
	m.Set(37, s.rrn)
	m.Set(41, s.terminal)
	m.Set(42, acceptor)
	m.Set(49, s.currency)
	return m
}

func (s sale) message() *iso8583.Message {
	m := s.head(s.mti, s.stan)
	m.Set(2, s.pan)
	m.Set(14, s.expiry)
	m.Set(22, s.pos)
	private := maps.Clone(s.private)
	if s.cvv != "" {
		if private == nil {
			private = map[int]string{}
		}
		private[iso8583.PDSVerificationCode] = s.cvv
	}
	var pds iso8583.PDSList
	for _, tag := range slices.Sorted(maps.Keys(private)) {
		pds.Add(tag, private[tag])
	}
	if err := m.SetPDS(&pds); err != nil {
		panic(err)
	}
	return m
}

func (s sale) original() iso8583.Original {
	return iso8583.Original{MTI: s.mti, Trace: fmt.Sprintf("%06d", s.stan), LocalTime: s.local, Acquirer: "123456"}
}

// reversal is a full reversal of s, or a partial one of amount.
func (c *client) reversal(s sale, amount int64) *iso8583.Message {
	c.stan++
	whole := s.amount
	s.function = iso8583.FunctionReversalFull
	if amount != 0 {
		s.function, s.amount = iso8583.FunctionReversalPartial, amount
	}
	m := s.head(iso8583.MTIReversalAdvice, c.stan)
	m.SetOriginal(s.original())
	if amount != 0 {
		m.Set(30, fmt.Sprintf("%012d%012d", whole, 0))
	}
	return m
}

func repeated(m *iso8583.Message) *iso8583.Message {
	again := iso8583.Online.NewMessage(iso8583.MTIReversalRepeat)
	for n := 2; n <= 64; n++ {
		if m.Has(n) {
			again.SetBytes(n, m.Bytes(n))
		}
	}
	return again
}

func (c *client) refund(s sale, amount int64) *iso8583.Message {
	original := s.original()
	c.stan++
	s.amount, s.stan, s.processing, s.cvv = amount, c.stan, iso8583.ProcessingRefund, ""
	s.rrn = fmt.Sprintf("6325%08d", c.stan)
	m := s.message()
	m.SetOriginal(original)
	return m
}

func (c *client) inquiry(s sale) *iso8583.Message {
	c.stan++
	s.function = iso8583.FunctionInquiry
	m := s.head(iso8583.MTIInquiryRequest, c.stan)
	m.SetOriginal(s.original())
	return m
}

func (c *client) send(m *iso8583.Message) {
	c.t.Helper()
	frame, err := iso8583.AppendFrame(nil, m)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() *iso8583.Message {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	frame, err := c.frames.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	m := iso8583.Online.NewMessage("")
	if err := m.Decode(frame); err != nil {
		c.t.Fatal(err)
	}
	return m
}

// ask sends m and returns the answer, which must be its answer.
func (c *client) ask(m *iso8583.Message) *iso8583.Message {
	c.t.Helper()
	c.send(m)
	a := c.receive()
	if diff := cmp.Diff(m.Key(), a.Key()); diff != "" {
		c.t.Fatalf("answer to another request (-asked +answered):\n%s", diff)
	}
	return a
}

func (c *client) wants(m *iso8583.Message, action string) *iso8583.Message {
	c.t.Helper()
	a := c.ask(m)
	if a.Text(39) != action {
		c.t.Fatalf("%s answered %q, want %q", m.MTI(), a.Text(39), action)
	}
	return a
}

// silent sends m, then an echo: the first answer must be the one to the echo.
func (c *client) silent(m *iso8583.Message) {
	c.t.Helper()
	c.send(m)
	if a := c.ask(c.echo()); a.MTI() != iso8583.MTINetworkAnswer {
		c.t.Fatalf("%s was answered by %s %s", m.MTI(), a.MTI(), a.Text(39))
	}
}

func (c *client) echo() *iso8583.Message {
	c.stan++
	m := iso8583.Online.NewMessage(iso8583.MTINetworkRequest)
	m.Set(7, "1120120000")
	m.SetInt(11, int64(c.stan))
	m.Set(12, "261120120000")
	m.Set(24, iso8583.FunctionEcho)
	return m
}

// receiveAfter sends m, takes its answer and returns the next one.
func (c *client) receiveAfter(m *iso8583.Message) *iso8583.Message {
	c.t.Helper()
	c.ask(m)
	return c.receive()
}

// drain takes everything that was answered before an echo.
func (c *client) drain() {
	c.t.Helper()
	e := c.echo()
	c.send(e)
	for a := c.receive(); a.Key() != e.Key(); a = c.receive() {
	}
}

// seededCard is a Luhn-valid number of a test range that is no test card.
func seededCard(i int) string {
	body := fmt.Sprintf("541333%09d", i)
	for check := range 10 {
		if pan := body + fmt.Sprint(check); luhn(pan) {
			return pan
		}
	}
	panic("unreachable")
}

func luhn(pan string) bool {
	sum := 0
	for i, r := range pan {
		d := int(r - '0')
		if (len(pan)-i)%2 == 0 {
			d = []int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}[d]
		}
		sum += d
	}
	return sum%10 == 0
}

// pipeline sends n payments, then takes n answers in any order, each once.
func (c *client) pipeline(n int) error {
	pending := map[iso8583.Key]bool{}
	var out []byte
	for range n {
		m := c.sale(seededCard(c.stan), 500).message()
		pending[m.Key()] = true
		var err error
		if out, err = iso8583.AppendFrame(out, m); err != nil {
			return err
		}
	}
	if _, err := c.conn.Write(out); err != nil {
		return err
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	m := iso8583.Online.NewMessage("")
	for range n {
		frame, err := c.frames.Next()
		if err != nil {
			return err
		}
		if err := m.Decode(frame); err != nil {
			return err
		}
		if !pending[m.Key()] {
			return fmt.Errorf("unexpected answer %s", m)
		}
		delete(pending, m.Key())
	}
	return nil
}
