package online

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/internal/vault"
)

// TestMessagesOnTheWire compares whole messages, written by hand from the published format: type, bitmap in
// hexadecimal, elements.
func TestMessagesOnTheWire(t *testing.T) {
	with := func(r Request, change func(*Request)) Request { change(&r); return r }
	const merchant = "TERM0001MERCHANT0000001"
	for _, test := range []struct {
		name    string
		request Request
		want    string
	}{
		{"authorization", payment(1),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250S1900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "010" + "0092003x9Q" + "933"},
		{"two-stage hold without a code", with(payment(1), func(r *Request) { r.TwoStage, r.Card.CVV = true, vault.Secret{} }),
			"1100 7234054108C08000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250S1900C" + "101" + "5999" + "06123456" + "000000000001" + merchant + "933"},
		{"purchase", with(payment(1), func(r *Request) { r.Kind, r.Card.CVV = Purchase, vault.Secret{} }),
			"1200 7234054108C08000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250S1900C" + "200" + "5999" + "06123456" + "000000000001" + merchant + "933"},
		{"authenticated payment that agrees to recurring ones", with(payment(1), func(r *Request) {
			r.Stored, r.Authentication = AgreesRecurring, authentication("05")
		}),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250SX900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "109" +
				"0022004C102" + "0042003212" + "0043028" + testCAVV + "0066036" + testDSTransID + "0092003x9Q" + "933"},
		{"attempted authentication", with(payment(1), func(r *Request) { r.Authentication, r.Card.CVV = authentication("01"), vault.Secret{} }),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250SW900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "088" +
				"0042003211" + "0043028" + testCAVV + "0066036" + testDSTransID + "933"},
		{"authentication unavailable", with(payment(1), func(r *Request) { r.Authentication = Authentication{ECI: "07"} }),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"000250S1900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "020" + "0042003210" + "0092003x9Q" + "933"},
		{"saved card", with(payment(1), func(r *Request) {
			r.Stored, r.NetworkID, r.Card.CVV = CardOnFile, testNetworkID, vault.Secret{}
		}),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"00025071900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "033" + "0022004C101" + "0063015" + testNetworkID + "933"},
		{"recurring purchase", with(payment(1), func(r *Request) {
			r.Kind, r.Stored, r.NetworkID, r.Card.CVV = Purchase, Recurring, testNetworkID, vault.Secret{}
		}),
			"1200 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"00024070900C" + "200" + "5999" + "06123456" + "000000000001" + merchant + "033" + "0022004M102" + "0063015" + testNetworkID + "933"},
		{"unscheduled charge", with(payment(1), func(r *Request) {
			r.Stored, r.NetworkID, r.Card.CVV = Unscheduled, testNetworkID, vault.Secret{}
		}),
			"1100 7234054108C18000 164111111111111111" + "000000" + "000000001234" + "1120123045" + "000001" + "261120153045" + "2811" +
				"00021070900C" + "100" + "5999" + "06123456" + "000000000001" + merchant + "033" + "0022004M101" + "0063015" + testNetworkID + "933"},
		{"refund", with(payment(2), func(r *Request) {
			r.Kind, r.Card.CVV = Refund, vault.Secret{}
			r.Original = Original{Kind: Purchase, STAN: "000001", LocalTime: r.LocalTime}
		}),
			"1200 7234054108C08100 164111111111111111" + "200000" + "000000001234" + "1120123045" + "000002" + "261120153045" + "2811" +
				"000250S1900C" + "200" + "5999" + "06123456" + "000000000002" + merchant + "933" + "30" + "1200000001261120153045" + "06123456"},
		{"reversal", with(reversal(1), func(r *Request) { r.Reason = "4021" }),
			"1420 3230018108C08100 " + "000000" + "000000001234" + "1120123045" + "500001" + "261120153045" + "400" + "4021" +
				"06123456" + "000000000001" + merchant + "933" + "30" + "1100000001261120153045" + "06123456"},
		{"reversal repeated", with(reversal(1), func(r *Request) { r.Repeat = true }),
			"1421 3230010108C08100 " + "000000" + "000000001234" + "1120123045" + "500001" + "261120153045" + "400" +
				"06123456" + "000000000001" + merchant + "933" + "30" + "1100000001261120153045" + "06123456"},
		{"partial reversal", with(reversal(1), func(r *Request) {
			r.Kind, r.OriginalAmount = PartialReversal, money.Amount{Minor: 5000, Currency: money.BYN}
		}),
			"1420 3230010508C08100 " + "000000" + "000000001234" + "1120123045" + "500001" + "261120153045" + "401" +
				"000000005000000000000000" + "06123456" + "000000000001" + merchant + "933" + "30" + "1100000001261120153045" + "06123456"},
		{"inquiry", with(reversal(1), func(r *Request) { r.Kind = Inquiry }),
			"1604 0230010108C00100 " + "1120123045" + "500001" + "261120153045" + "650" +
				"06123456" + "000000000001" + merchant + "30" + "1100000001261120153045" + "06123456"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFlight(nil)
			if err := f.compose(&test.request); err != nil {
				t.Fatal(err)
			}
			raw := f.frame
			if n := int(raw[0])<<8 | int(raw[1]); n != len(raw)-2 {
				t.Errorf("frame announces %d bytes, has %d", n, len(raw)-2)
			}
			got := fmt.Sprintf("%s %X %s", raw[2:6], raw[6:14], raw[14:])
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const (
	testCAVV      = "AAECAwQFBgcICQoLDA0ODxAREhM="
	testDSTransID = "f38e6948-5388-41a6-bca4-b49723c19437"
	testNetworkID = "MCC1A2B3C1120  "
)

func authentication(eci string) Authentication {
	return Authentication{ECI: eci, Value: vault.NewSecret([]byte(testCAVV)), DSTransID: testDSTransID}
}

func TestInvalidRequestsAreNotSent(t *testing.T) {
	c, _ := connect(t, newCenter(t, approve), nil)
	for name, change := range map[string]func(*Request){
		"no kind":             func(r *Request) { r.Kind = 0 },
		"kind of its own":     func(r *Request) { r.Kind = echo },
		"kind out of range":   func(r *Request) { r.Kind = 200 },
		"no amount":           func(r *Request) { r.Amount.Minor = 0 },
		"negative amount":     func(r *Request) { r.Amount.Minor = -1 },
		"huge amount":         func(r *Request) { r.Amount.Minor = 1_000_000_000_000 },
		"short trace number":  func(r *Request) { r.STAN = "1" },
		"no reference":        func(r *Request) { r.RRN = "" },
		"long terminal":       func(r *Request) { r.Terminal = "TERMINAL1" },
		"no PAN":              func(r *Request) { r.Card.PAN = vault.PAN{} },
		"no MCC":              func(r *Request) { r.MCC = "" },
		"reversal of nothing": func(r *Request) { r.Kind = Reversal },
		"reversal of an echo": func(r *Request) { r.Kind = Reversal; r.Original = Original{Kind: echo, STAN: "000001"} },
		"partial of too much": func(r *Request) {
			*r = reversal(1)
			r.Kind = PartialReversal
			r.OriginalAmount = money.Amount{Minor: 1233, Currency: money.BYN}
		},
		"partial of other money": func(r *Request) {
			*r = reversal(1)
			r.Kind = PartialReversal
			r.OriginalAmount = money.Amount{Minor: 5000, Currency: money.EUR}
		},
		"control in the key":         func(r *Request) { r.Terminal = "TERM\x000001" },
		"overlong code":              func(r *Request) { r.Card.CVV = vault.NewSecret([]byte("12345678901")) },
		"code without the customer":  func(r *Request) { r.Stored = Recurring },
		"unknown use of a card":      func(r *Request) { r.Stored = 77 },
		"unknown indicator":          func(r *Request) { r.Authentication = authentication("5") },
		"indicator without a value":  func(r *Request) { r.Authentication = Authentication{ECI: "05"} },
		"value without an indicator": func(r *Request) { r.Authentication = authentication("") },
		"value of nobody":            func(r *Request) { r.Authentication = authentication("07") },
		"short value":                func(r *Request) { r.Authentication = Authentication{ECI: "05", Value: vault.NewSecret([]byte("AAEC"))} },
		"value that is not base64": func(r *Request) {
			r.Authentication = Authentication{ECI: "05", Value: vault.NewSecret([]byte("AAECAwQFBgcICQoLDA0ODxAREhM\n"))}
		},
		"long network id":       func(r *Request) { r.NetworkID = testNetworkID + "1" },
		"network id of bytes":   func(r *Request) { r.NetworkID = "MCC\n" },
		"long directory id":     func(r *Request) { r.Authentication.DSTransID = testDSTransID + "1" },
		"code of control bytes": func(r *Request) { r.Card.CVV = vault.NewSecret([]byte("1\n3")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := payment(1)
			change(&r)
			_, err := c.Exchange(t.Context(), r)
			wantError(t, err, ErrNotSent, ErrInvalidRequest)
		})
	}
}

func TestVerificationCodeIsErased(t *testing.T) {
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		if code, _ := m.PDS(iso8583.PDSVerificationCode); string(code) != testCVV {
			t.Errorf("center reads code %q", code)
		}
		approve(v, m)
	})
	c, _ := connect(t, host, nil)
	r := payment(1)
	if _, err := c.Exchange(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	wantErased(t, r)
	c.Close()
	again := payment(2)
	if _, err := c.Exchange(t.Context(), again); err == nil {
		t.Fatal("closed client sent a request")
	}
	if got := string(again.Card.CVV.Reveal()); got != testCVV {
		t.Errorf("a request that was not sent cannot be sent again: its code is %q", got)
	}
}

func TestVerificationCodeOfAnUnknownOutcomeIsErased(t *testing.T) {
	c, _ := connect(t, newCenter(t, func(*visitor, *iso8583.Message) {}), func(o *Options) { o.Timeout = 20 * time.Millisecond })
	r := payment(1)
	_, err := c.Exchange(t.Context(), r)
	wantError(t, err, ErrUnknown)
	wantErased(t, r)
}

func wantErased(t *testing.T, r Request) {
	t.Helper()
	if !r.Card.CVV.IsZero() {
		t.Errorf("request %s keeps the verification code", r.STAN)
	}
}

func TestBuffersKeepNoCardData(t *testing.T) {
	c := &Client{table: newTable(shards)}
	f := composed(t, 1)
	if showsCard(f.message.String()) || f.message.Has(2) || f.message.Has(48) {
		t.Error("the message outlives its frame")
	}
	c.table.add(f)
	frame := f.frame
	batch := c.table.take(f, &link{}, nil)
	if !showsCard(string(batch)) || showsCard(string(frame)) {
		t.Error("the frame did not move to the batch")
	}
	conn := &memoryConn{}
	l := &link{client: c, conn: conn}
	if err := l.flush(batch); err != nil {
		t.Fatal(err)
	}
	if !showsCard(string(conn.written)) || strings.Trim(string(batch), "\x00") != "" {
		t.Error("the batch is not erased after the write")
	}
}

func TestCardIsNeverPrinted(t *testing.T) {
	r := payment(1)
	r.OriginalAmount = r.Amount
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var log syncBuffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("request", "request", r, "card", r.Card)
	slog.New(slog.NewTextHandler(&log, nil)).Info("request", "request", r, "card", &r.Card)
	for _, shown := range []string{
		fmt.Sprint(r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), fmt.Sprintf("%s %q %v %+v", r.Card, r.Card, r.Card, &r.Card),
		string(encoded), log.String(),
	} {
		if showsCard(shown) {
			t.Errorf("card is shown: %s", shown)
		}
		if !strings.Contains(shown, "411111****1111") {
			t.Errorf("mask is missing: %s", shown)
		}
	}
}

func TestLogsShowNoCard(t *testing.T) {
	var log syncBuffer
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		v.send(frameOf(m)) // the request itself, card and all
		v.conn.Close()
	})
	c, late := connect(t, host, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.BreakerFailures = 1
	})
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown)
	got := late.next(t)
	c.Close()
	if showsCard(log.String()) || showsCard(fmt.Sprintf("%+v", got)) {
		t.Errorf("card is shown: %s %+v", log.String(), got)
	}
	if !strings.Contains(log.String(), "breaker") {
		t.Errorf("the breaker's change is not logged: %s", log.String())
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		switch m.Text(11) {
		case "000001":
			v.reply(m, "000")
		case "000002":
			v.reply(m, "116")
			v.reply(m, "116")
		}
	})
	c, late := connect(t, host, func(o *Options) {
		o.Metrics, o.Timeout = NewMetrics(registry), 200*time.Millisecond
	})
	for i := 1; i <= 3; i++ {
		_, _ = c.Exchange(t.Context(), payment(i)) // what came of each is in the metrics
	}
	_, _ = c.Exchange(t.Context(), Request{Kind: Reversal})
	late.next(t)
	got := gather(t, registry)
	want := map[string]float64{
		"settled_auth_requests_total authorization approved PC0001": 1,
		"settled_auth_requests_total authorization declined PC0001": 1,
		"settled_auth_requests_total authorization unknown PC0001":  1,
		"settled_auth_requests_total reversal error PC0001":         1,
		"settled_auth_duration_seconds authorization PC0001":        3,
		"settled_auth_duration_seconds reversal PC0001":             1,
		"settled_center_late_answers_total PC0001 duplicate":        1,
		"settled_center_connections PC0001":                         1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// gather returns the metrics that are not zero, by name and label values.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if v != 0 {
				out[name] = v
			}
		}
	}
	return out
}
