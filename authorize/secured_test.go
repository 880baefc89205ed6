package authorize_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

const macDigits = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"

// link is how a test reaches a secured center, as a configuration says it.
type link struct {
	w      *world
	center *pcsim.Center
	dir    string
	online.Settings
}

// secure puts a center that wants TLS, our certificate and codes in the place of the world's first one.
func (w *world) secure(options pcsim.Options) *link {
	l := &link{w: w, dir: w.t.(*testing.T).TempDir()}
	options.Name, options.MemberID, options.Seed, options.Now, options.Location = "PC-S", acquirer, 1, w.Clock.Now, w.Dir.Centers()[0].Zone
	var err error
	l.center, err = pcsim.New(options)
	check(w.t, err)
	check(w.t, l.center.Start())
	w.t.Cleanup(func() { l.center.Close() })
	l.Settings = online.Settings{Address: l.center.OnlineAddr(), Acquirer: acquirer, Timeout: answerWithin}
	return l
}

func (l *link) file(name string, text []byte) string {
	check(l.w.t, os.WriteFile(filepath.Join(l.dir, name), text, 0o600))
	return name
}

// open connects as the configuration says, and serves.
func (l *link) open() {
	s, problems := l.Checked(online.Installation{Live: l.TLS != nil, File: func(name string) string {
		if name == "" {
			return ""
		}
		return filepath.Join(l.dir, name)
	}})
	for _, p := range problems {
		l.w.t.Fatalf("%s: %s", p.Key, p.Why)
	}
	o, err := s.Options()
	check(l.w.t, err)
	o.Name = "PC-S"
	client, err := online.New(o)
	check(l.w.t, err)
	l.w.t.Cleanup(client.Close)
	check(l.w.t, client.Ready(l.w.t.Context()))
	l.w.options.Registerer = nil
	l.w.options.Centers[l.w.Dir.Centers()[0].ID] = payment.Center{Host: client, Acquirer: acquirer}
	l.w.open()
}

// own makes a certificate of ours that signs itself, in PEM with its key, and what the center then asks for.
func own(t *testing.T) (certificate, key []byte, wanted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "settled"}, NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	wanted = x509.NewCertPool()
	wanted.AppendCertsFromPEM(certificate)
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), wanted
}

func codes(t *testing.T) *iso8583.MAC {
	t.Helper()
	mac, err := iso8583.NewMAC(iso8583.AESCMAC, bytesOf(macDigits))
	check(t, err)
	return mac
}

func bytesOf(digits string) []byte {
	n, _ := new(big.Int).SetString(digits, 16)
	return n.Bytes()
}

// TestPaymentOverASecuredLink pays, confirms and cancels over TLS with certificates of both sides and a code in every message.
func TestPaymentOverASecuredLink(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	certificate, key, wanted := own(t)
	l := w.secure(pcsim.Options{TLS: true, ClientCAs: wanted, MAC: codes(t), EchoEvery: 20 * time.Millisecond})
	l.TLS = &online.TLS{CAFile: l.file("ca.pem", l.center.Certificate()), CertificateFile: l.file("own.pem", certificate), KeyFile: l.file("own.key", key)}
	l.MAC = &online.MACSettings{Algorithm: iso8583.AESCMAC, KeyFile: l.file("mac", []byte(macDigits+"\n"))}
	l.open()
	if r := w.call(pay, paymentOf("S-1")); r.Order["responsecode"] != "AS000" || r.Order["orderstate"] != "Approved" {
		t.Errorf("payment: %+v", r)
	}
	r := w.call(pay, paymentOf("S-2").with(params{"Delay": "1"}))
	if r.Order["orderstate"] != "Delayed" {
		t.Fatalf("hold: %+v", r)
	}
	if got := l.center.Status().Malformed; got != 0 {
		t.Errorf("the center did not believe %d messages", got)
	}
}

// forger stands between us and a center, and changes what the center answers.
type forger struct {
	old, new []byte
	changes  atomic.Bool
}

// between listens for us and passes on to the center.
func (f *forger) between(t *testing.T, center string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			ours, err := listener.Accept()
			if err != nil {
				return
			}
			theirs, err := net.Dial("tcp", center)
			if err != nil {
				ours.Close()
				return
			}
			go func() { _, _ = io.Copy(theirs, ours); theirs.Close() }()
			go func() { _, _ = io.Copy(writer{f, ours}, theirs); ours.Close() }()
		}
	}()
	return listener.Addr().String()
}

type writer struct {
	*forger
	to io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	if w.changes.Load() {
		if changed := bytes.Replace(p, w.old, w.new, 1); !bytes.Equal(changed, p) {
			_, err := w.to.Write(changed)
			return len(p), err
		}
	}
	return w.to.Write(p)
}

// TestForgedApproval: somebody on a line without TLS turns a decline into an approval. With codes the payment is of unknown outcome,
// and comes to its end when the line is honest again.
func TestForgedApproval(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	l := w.secure(pcsim.Options{MAC: codes(t)})
	f := &forger{old: []byte("116TERM"), new: []byte("000TERM")} // DE 39 and 41
	f.changes.Store(true)
	l.Address = f.between(t, l.center.OnlineAddr())
	l.MAC = &online.MACSettings{Algorithm: iso8583.AESCMAC, KeyFile: l.file("mac", []byte(macDigits))}
	l.open()
	r := w.call(pay, paymentOf("S-1").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	if r.Order["responsecode"] != "AS300" || r.Order["orderstate"] != "In Process" {
		t.Fatalf("the forgery was believed: %+v", r)
	}
	f.changes.Store(false)
	w.settleOwed()
	if got := w.state("S-1"); got != "Declined" {
		t.Errorf("%s", got)
	}
}
