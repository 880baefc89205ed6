package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"settled/internal/app/edge"
	"settled/internal/config"
	"settled/internal/vault"

	"github.com/prometheus/client_golang/prometheus"
)

// CheckListeners finds what is wrong with the listeners of an installation: plain HTTP that a live one must not take, certificates and
// keys that are no pair, a token that cannot be read. A process does not start with any of it.
func CheckListeners(e config.Environment, cfg *config.Config, now func() time.Time) error {
	return checkListeners(e, cfg.Environment, e.Listeners(cfg.Environment), now)
}

func checkListeners(e config.Environment, of vault.Environment, listeners []config.Listener, now func() time.Time) error {
	var all []error
	for _, l := range listeners {
		all = append(all, l.Check(of))
		if l.Given() {
			_, err := edge.OpenCertificate(l.Pair, of, now)
			all = append(all, err)
		}
	}
	if e.MetricsToken != "" {
		_, err := edge.ReadToken(e.MetricsToken, of)
		all = append(all, err)
	}
	return errors.Join(all...)
}

// lookEvery is between two looks at the files of a certificate.
const lookEvery = 2 * time.Second

// certify opens the certificate of a listener and watches its files; nil where it has none.
func (s *Server) certify(on config.Listener) (*tls.Config, error) {
	if !on.Given() {
		return nil, nil
	}
	c, err := edge.OpenCertificate(on.Pair, s.Config.Environment, s.Now)
	if err != nil {
		return nil, err
	}
	s.edge.ends.WithLabelValues(on.Name).Set(float64(c.Ends().Unix()))
	stop := repeat(lookEvery, func(context.Context) error { return s.lookAt(c, on) }, func(err error) {
		if err != nil {
			s.Log.Error("the certificate was not taken up, the one before is shown", slog.String("listener", on.Name), slog.Any("err", err))
		}
	})
	s.onStop(func(context.Context) error { stop(); return nil })
	return c.Config(), nil
}

func (s *Server) lookAt(c *edge.Certificate, on config.Listener) error {
	changed, err := c.Look()
	switch {
	case err != nil:
		s.edge.certificates.WithLabelValues(on.Name, "refused").Inc()
	case changed:
		s.edge.certificates.WithLabelValues(on.Name, "taken").Inc()
		s.edge.ends.WithLabelValues(on.Name).Set(float64(c.Ends().Unix()))
		s.Log.Info("certificate taken up", slog.String("listener", on.Name), slog.Time("ends", c.Ends()))
	}
	return err
}

// edgeMetrics tell what the listeners refused, and of their certificates.
type edgeMetrics struct {
	refusals     *prometheus.CounterVec
	certificates *prometheus.CounterVec
	ends         *prometheus.GaugeVec
}

// Why a connection or a request was refused before any service.
const (
	whyNetwork     = "network"     // its address may not connect
	whyConnections = "connections" // its address has too many
	whyHandshake   = "handshake"   // no TLS was agreed on
	whyRequest     = "request"     // where it ends can be read in two ways
)

func newEdgeMetrics(r prometheus.Registerer) *edgeMetrics {
	m := &edgeMetrics{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_listener_refusals_total",
			Help: "Connections and requests that a listener refused before any service."}, []string{"listener", "why"}),
		certificates: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_tls_certificate_changes_total",
			Help: "Changed certificates of listeners, by whether they were taken up or refused."}, []string{"listener", "outcome"}),
		ends: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "settled_tls_certificate_end_timestamp_seconds",
			Help: "When the certificate that a listener shows ends."}, []string{"listener"}),
	}
	r.MustRegister(m.refusals, m.certificates, m.ends)
	return m
}

// closed counts connections that are closed at once.
func (m *edgeMetrics) closed(on config.Listener) func(why string) {
	return func(why string) { m.refusals.WithLabelValues(on.Name, why).Inc() }
}

// refused counts what the guard refuses, and writes it in the log.
func (m *edgeMetrics) refused(log *slog.Logger, on config.Listener) func(error, net.Addr) {
	return func(why error, from net.Addr) {
		kind := whyHandshake
		if edge.Ambiguous(why) {
			kind = whyRequest
		}
		m.refusals.WithLabelValues(on.Name, kind).Inc()
		log.Info("refused at the edge", slog.String("listener", on.Name), slog.String("peer", from.String()), slog.String("why", fmt.Sprint(why)))
	}
}
