package online

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"settled/fileformats/iso8583"
)

func textLog(b *syncBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func macOf(t testing.TB, algorithm iso8583.MACAlgorithm, fill byte) *iso8583.MAC {
	t.Helper()
	mac, err := iso8583.NewMAC(algorithm, bytes.Repeat([]byte{fill}, 16))
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

// sealed is the answer to a request as it travels.
func sealed(t testing.TB, mac *iso8583.MAC, request *iso8583.Message) []byte {
	t.Helper()
	m := iso8583.Online.NewMessage("")
	m.Answer(request)
	m.Set(39, "000")
	m.Set(38, "123456")
	frame, err := mac.AppendFrame(nil, m)
	if err != nil {
		t.Error(err)
	}
	return frame
}

// TestForgedAnswers: an answer without its right code is as a lost one, whatever it says; the link ends, and a person is called.
func TestForgedAnswers(t *testing.T) {
	mac, foreign := macOf(t, iso8583.AESCMAC, 1), macOf(t, iso8583.AESCMAC, 2)
	for name, forge := range map[string]func(*testing.T, *iso8583.Message) []byte{
		"no code":     func(t *testing.T, m *iso8583.Message) []byte { return sealed(t, nil, m) },
		"another key": func(t *testing.T, m *iso8583.Message) []byte { return sealed(t, foreign, m) },
		"changed amount": func(t *testing.T, m *iso8583.Message) []byte {
			return bytes.Replace(sealed(t, mac, m), []byte("000000001234"), []byte("000000000034"), 1)
		},
		"changed word": func(t *testing.T, m *iso8583.Message) []byte {
			return bytes.Replace(sealed(t, mac, m), []byte("123456000"), []byte("123456100"), 1)
		},
		"code of zeros": func(t *testing.T, m *iso8583.Message) []byte { f := sealed(t, mac, m); clear(f[len(f)-8:]); return f },
		"stripped code": stripped(mac),
		"half of a code": func(t *testing.T, m *iso8583.Message) []byte {
			f := sealed(t, mac, m)
			f = f[:len(f)-4]
			f[1] -= 4
			return f
		},
		"nothing of ours": func(*testing.T, *iso8583.Message) []byte { return []byte("\x00\x0dnot a message") },
	} {
		t.Run(name, func(t *testing.T) {
			host := newCenter(t, func(v *visitor, m *iso8583.Message) { v.send(forge(t, m)) }, func(c *center) { c.mac = mac })
			log, registry := &syncBuffer{}, prometheus.NewRegistry()
			c, _ := connect(t, host, func(o *Options) { o.MAC, o.Logger, o.Metrics = mac, textLog(log), NewMetrics(registry) })
			answer, err := c.Exchange(t.Context(), payment(1))
			wantError(t, err, ErrUnknown, ErrConnectionLost, iso8583.ErrMAC)
			if answer != (Answer{}) {
				t.Errorf("something was believed: %+v", answer)
			}
			if n := gather(t, registry)["settled_center_untrusted_total PC0001 mac"]; n != 1 {
				t.Errorf("%v forgeries counted", n)
			}
			untilLogged(t, log, "a person must look at the link to a center")
			ready(t, c) // on a new connection
			if host.accepted.Load() < 2 {
				t.Error("the link did not end")
			}
		})
	}
}

// stripped takes code and its bit away.
func stripped(mac *iso8583.MAC) func(*testing.T, *iso8583.Message) []byte {
	return func(t *testing.T, m *iso8583.Message) []byte {
		f := sealed(t, mac, m)
		f = f[:len(f)-8]
		f[1] -= 8
		f[2+4+7] &^= 1
		return f
	}
}

func TestPaymentsUnderACode(t *testing.T) {
	for _, algorithm := range []iso8583.MACAlgorithm{iso8583.AESCMAC, iso8583.HMACSHA256} {
		mac := macOf(t, algorithm, 3)
		host := newCenter(t, approve, func(c *center) { c.mac = mac })
		c, _ := connect(t, host, func(o *Options) { o.MAC = mac })
		for _, r := range []Request{payment(1), reversal(1)} {
			if a, err := c.Exchange(t.Context(), r); err != nil || !a.Approved() {
				t.Errorf("%s: %+v, %v", algorithm, a, err)
			}
		}
	}
}

// TestAMachineWithoutTheKeyGetsNoPayment: the echo test that a connection begins with must have its code, too.
func TestAMachineWithoutTheKeyGetsNoPayment(t *testing.T) {
	mac := macOf(t, iso8583.HMACSHA256, 1)
	host := newCenter(t, approve)
	log := &syncBuffer{}
	c, _ := dial(t, host, func(o *Options) { o.MAC, o.Logger = mac, textLog(log) })
	untilLogged(t, log, "why=mac")
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrNotSent, ErrNoConnection)
	if host.received.Load() != 0 {
		t.Error("a payment left")
	}
}

// TestKeysOfCodesAreChangedWithoutAPause: a center goes from one key to the next while payments go on: our messages have the codes of our first
// key, its messages those of either, and no third.
func TestKeysOfCodesAreChangedWithoutAPause(t *testing.T) {
	old, fresh, foreign := macOf(t, iso8583.AESCMAC, 1), macOf(t, iso8583.AESCMAC, 2), macOf(t, iso8583.AESCMAC, 3)
	for name, step := range map[string]struct {
		ours  *iso8583.MAC
		wants *iso8583.MAC // of our messages
		sends *iso8583.MAC
		good  bool
	}{
		"before":                   {old, old, old, true},
		"the next is known":        {old.Taking(fresh), old, old, true},
		"the center sends by it":   {old.Taking(fresh), old, fresh, true},
		"we send by it":            {fresh.Taking(old), fresh, fresh, true},
		"the center still answers": {fresh.Taking(old), fresh, old, true},
		"the old one is gone":      {fresh, fresh, fresh, true},
		"the old one came back":    {fresh, fresh, old, false},
		"a third":                  {fresh.Taking(old), fresh, foreign, false},
	} {
		t.Run(name, func(t *testing.T) {
			host := newCenter(t, func(v *visitor, m *iso8583.Message) { v.send(sealed(t, step.sends, m)) }, func(c *center) { c.mac = step.wants })
			c, _ := connect(t, host, func(o *Options) { o.MAC = step.ours })
			answer, err := c.Exchange(t.Context(), payment(1))
			if step.good != (err == nil && answer.Approved()) {
				t.Errorf("%+v, %v", answer, err)
			}
			if !step.good {
				wantError(t, err, ErrUnknown, iso8583.ErrMAC)
			}
		})
	}
}
