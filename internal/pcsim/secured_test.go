package pcsim_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

// TestOnlineHostIsSecured: under TLS and with codes the online host answers who has both, and nobody else.
func TestOnlineHostIsSecured(t *testing.T) {
	mac, err := iso8583.NewMAC(iso8583.AESCMAC, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, pcsim.Options{Name: "PC-S", TLS: true, MAC: mac})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Certificate())
	for name, tt := range map[string]struct {
		tls, mac, answered bool
	}{"both": {true, true, true}, "no code": {true, false, false}, "in the clear": {false, true, false}} {
		raw, err := net.Dial("tcp", c.OnlineAddr())
		if err != nil {
			t.Fatal(err)
		}
		conn := raw
		if tt.tls {
			conn = tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Time: noonClock})
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		code := mac
		if !tt.mac {
			code = nil
		}
		if _, err := conn.Write(echoTest(t, code)); err != nil {
			t.Fatal(err)
		}
		frame, err := iso8583.NewFrameReader(bufio.NewReader(conn)).Next()
		if answered := err == nil && mac.Check(frame) == nil; answered != tt.answered {
			t.Errorf("%s: answered %t, %v", name, answered, err)
		}
		raw.Close()
	}
}

func echoTest(t *testing.T, mac *iso8583.MAC) []byte {
	m := iso8583.Online.NewMessage(iso8583.MTINetworkRequest)
	m.Set(7, "1121153012")
	m.Set(11, "000001")
	m.Set(12, "261121183012")
	m.Set(24, iso8583.FunctionEcho)
	frame, err := mac.AppendFrame(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}
