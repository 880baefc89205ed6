package online

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"settled/fileformats/iso8583"
)

// Sight is what a look at a center's online host found.
type Sight struct {
	TLS  string    // version, such as "TLS 1.3"; empty: it was spoken to in the clear
	Ends time.Time // of its certificate; zero in the clear
}

// Look connects once, as a client with these options does, and asks the host by an echo test whether it is there: who it is, its
// certificate, the code of its answer. It takes at most Options.EchoTimeout, and keeps nothing.
func Look(ctx context.Context, o Options) (Sight, error) {
	o = o.withDefaults()
	c := &Client{options: o, logger: o.Logger}
	ctx, cancel := context.WithTimeout(ctx, c.options.EchoTimeout)
	defer cancel()
	conn, err := c.connect(ctx)
	if err != nil {
		return Sight{}, err
	}
	defer conn.Close()
	sight := Sight{}
	if secured, ok := conn.(*tls.Conn); ok {
		state := secured.ConnectionState()
		sight = Sight{TLS: tls.VersionName(state.Version), Ends: state.PeerCertificates[0].NotAfter}
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return sight, err
	}
	return sight, c.askOnce(conn)
}

// askOnce exchanges an echo test on a connection that nobody else uses.
func (c *Client) askOnce(conn net.Conn) error {
	f := newFlight(c.options.MAC)
	if err := c.composeEcho(f); err != nil {
		return err
	}
	if _, err := conn.Write(f.frame); err != nil {
		return err
	}
	in, m := iso8583.NewFrameReader(bufio.NewReader(conn)), iso8583.Online.NewMessage("")
	for {
		frame, err := in.Next()
		if err == nil {
			err = c.options.MAC.Check(frame)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errEchoLost, err)
		}
		if err := m.Decode(frame); err != nil {
			return err
		}
		if m.MTI() == f.expect.mti && m.Key() == f.key {
			return answered(m.Text(39))
		}
	}
}

// answered tells whether an echo test was answered well.
func answered(action string) error {
	if action == actionApproved {
		return nil
	}
	return errors.New("the echo test was answered with action code " + action)
}

// Ends is when our own certificate ends; zero when the center is shown none.
func (t *TLS) Ends() (time.Time, error) {
	if t == nil || t.CertificateFile == "" {
		return time.Time{}, nil
	}
	own, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile)
	if err != nil {
		return time.Time{}, err
	}
	return own.Leaf.NotAfter, nil
}
