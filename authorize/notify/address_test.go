package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, text := range []string{
		// IPv4 that is not the public Internet
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.0.1",
		"169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"168.63.129.16",
		// IPv6 likewise
		"::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700:4700::1111%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1",
		"100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1",
		// IPv4 within IPv6
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1.1.1.1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:101:101::1", "2001:0:4136:e378::1", "::ffff:0:127.0.0.1",
	} {
		if Public(netip.MustParseAddr(text)) {
			t.Errorf("%s counts as public", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
		"192.167.255.255", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a02:6b8::2:242", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"} {
		if !Public(netip.MustParseAddr(text)) {
			t.Errorf("%s does not count as public", text)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for text, want := range map[string][2]bool{ // allowed in public, allowed where private is
		"https://shop.example/notify":        {true, true},
		"http://shop.example/notify?key=1":   {true, true},
		"https://shop.example:8443/":         {true, true},
		"http://shop.example:8080/":          {true, true},
		"https://1.1.1.1/":                   {true, true},
		"https://[2606:4700:4700::1111]/":    {true, true},
		"http://shop.example:8081/":          {false, true},
		"https://shop.example:22/":           {false, true},
		"https://127.0.0.1/":                 {false, true},
		"http://[::1]/":                      {false, true},
		"http://[::ffff:10.0.0.1]/":          {false, true},
		"ftp://shop.example/":                {false, false},
		"file:///etc/passwd":                 {false, false},
		"gopher://shop.example:80/":          {false, false},
		"shop.example/notify":                {false, false},
		"https://":                           {false, false},
		"https://user:password@shop.example": {false, false},
		"http://shop.example:port/":          {false, false},
		"http://shop.example/\nHost: a":      {false, false},
		"":                                   {false, false},
	} {
		for i, private := range []bool{false, true} {
			err := CheckURL(text, private)
			if err == nil != want[i] || err != nil && !errors.Is(err, ErrAddress) {
				t.Errorf("%q, private %t: %v", text, private, err)
			}
		}
	}
}

// dns is a name server that answers each question for an address with the next of its answers, the last for ever.
type dns struct {
	answers []netip.Addr
	asked   atomic.Int32
}

func (d *dns) start(t *testing.T) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		question := make([]byte, 512)
		for {
			n, from, err := socket.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo(d.answer(question[:n]), from)
		}
	}()
	var dialer net.Dialer
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "udp", socket.LocalAddr().String())
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// answer writes a message of RFC 1035: the header and the question as they came, and one address if there is one of the
// kind that is asked for.
func (d *dns) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	out := append([]byte{}, question[:end+5]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180)
	binary.BigEndian.PutUint16(out[6:], 0)
	binary.BigEndian.PutUint16(out[8:], 0)
	binary.BigEndian.PutUint16(out[10:], 0)
	const a, aaaa = 1, 28
	n := int(d.asked.Load())
	address := d.answers[min(n, len(d.answers)-1)]
	if kind == a && !address.Is4() || kind == aaaa && address.Is4() || kind != a && kind != aaaa {
		return out
	}
	d.asked.Add(1)
	binary.BigEndian.PutUint16(out[6:], 1)
	out = append(out, 0xC0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(address.BitLen()/8))
	return append(out, address.AsSlice()...)
}

// TestNamesOfPrivateAddresses resolves an innocent name to addresses that must not be reached, and looks whether a server
// there is.
func TestNamesOfPrivateAddresses(t *testing.T) {
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	defer func(all []uint16) { ports = all }(ports)
	ports = append([]uint16{netip.MustParseAddrPort("127.0.0.1:" + port).Port()}, ports...)
	for _, address := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254", "100.100.100.200", "::1", "fd00:ec2::254", "::ffff:127.0.0.1",
		"64:ff9b::7f00:1", "2002:7f00:1::1", "0.0.0.0", "224.0.0.1"} {
		names := &dns{answers: []netip.Addr{netip.MustParseAddr(address)}}
		a := New(Options{Resolver: names.start(t)}).Send(t.Context(), Address{URL: "http://shop.example:" + port + "/", PlainAnswer: true}, Message{})
		if a.Outcome != Silent || !errors.Is(a.Err, ErrAddress) {
			t.Errorf("%s: %+v", address, a)
		}
		if names.asked.Load() == 0 {
			t.Errorf("%s: the name was not resolved", address)
		}
	}
	if reached.Load() > 0 {
		t.Error("a server on a private address was reached")
	}
}

// TestRebinding lets a name resolve to a public address when it is looked at, and to a private one ever after. The one that is
// connected to is the one that counts.
func TestRebinding(t *testing.T) {
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	defer func(all []uint16) { ports = all }(ports)
	ports = []uint16{netip.MustParseAddrPort("127.0.0.1:" + port).Port()}
	names := &dns{answers: []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("127.0.0.1")}}
	resolver := names.start(t)
	looked, err := resolver.LookupNetIP(t.Context(), "ip4", "shop.example")
	if err != nil || len(looked) != 1 || !Public(looked[0]) {
		t.Fatal(looked, err)
	}
	for range 3 {
		a := New(Options{Resolver: resolver}).Send(t.Context(), Address{URL: "http://shop.example:" + port + "/", PlainAnswer: true}, Message{})
		if !errors.Is(a.Err, ErrAddress) {
			t.Errorf("%+v", a)
		}
	}
	if reached.Load() > 0 {
		t.Error("a name that was rebound reached a private address")
	}
}
