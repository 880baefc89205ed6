package authorize

import (
	"errors"
	"io"
	"log/slog"
	"net/http"

	"settled/authorize/instant"
	"settled/authorize/payment"
	"settled/settle"
)

// noticePath is where partner banks tell about payments; {center} is the name of the instant center.
const noticePath = "POST /instant/{center}/notice"

// instantNotice takes a partner bank's word that a payment was made. The signature decides whether it is believed; the bank
// repeats it until it is answered with 200, and a repeat changes nothing.
func (g *Gateway) instantNotice(w http.ResponseWriter, r *http.Request) {
	center, client := g.instant.BankNamed(r.PathValue("center"))
	if client == nil {
		http.NotFound(w, r)
		return
	}
	if g.stalled() {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	source := g.source(r)
	if !g.forging.Open(source) {
		http.Error(w, "too many notifications that are not the bank's", http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, instant.MaxNotice))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
		return
	}
	notice, err := client.VerifyNotification(r.Header, body, g.now())
	if err == nil {
		err = g.noticed(r, center, notice)
	}
	status := noticeStatus(err)
	if status == http.StatusUnauthorized {
		g.forging.Take(source)
	}
	if err != nil {
		g.log.Warn("notification of a partner bank not taken", slog.String("center", r.PathValue("center")), slog.Int("status", status), slog.Any("error", err))
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

func (g *Gateway) noticed(r *http.Request, center int16, n instant.Notice) error {
	id, merchant, operation, err := settle.ParseBill(n.Payment.ID)
	if err != nil {
		return err
	}
	if n.Payment.Status != instant.Paid {
		return nil
	}
	ctx, cancel := payment.Patient(r.Context())
	defer cancel()
	return g.instant.Paid(ctx, center, merchant, id, operation, n.Payment)
}

// noticeStatus tells the bank whether to repeat its notification: it gives up on the codes below 500 but the throttle's.
func noticeStatus(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, instant.ErrForged):
		return http.StatusUnauthorized
	case errors.Is(err, instant.ErrMalformed), errors.Is(err, settle.ErrBillNumber), errors.Is(err, settle.ErrNotFound), errors.Is(err, settle.ErrOperation):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
