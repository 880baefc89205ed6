package authorize

import (
	"cmp"
	"time"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle/notification"

	"github.com/prometheus/client_golang/prometheus"
)

// meter holds the metrics of the merchant API; the zero value measures nothing.
//
//	settled_api_requests_total{route,code_class}   success, declined, in_process, refused, unauthenticated, error
//	settled_api_request_duration_seconds{route}
//	settled_api_repeats_total{route,why}           a settle.Repeat, or done_again: equal to an earlier one and no repeat of it
//	settled_api_answers_lost_total
//	settled_threeds_payments_total{end}            proven, not_enrolled, failed, invalid, unavailable_passed, unavailable_refused
//	settled_api_card_data_total{field,done}        refused, masked, left_out, dropped
//	settled_api_sieges_total
//	settled_api_card_tests_total{why}              source, run, bin
//	settled_api_card_tests_stopped
//	settled_notification_tries_total{outcome}      delivered, refused, silent, given_up
type meter struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tries    *prometheus.CounterVec
	repeats  *prometheus.CounterVec
	answers  prometheus.Counter
	secures  *prometheus.CounterVec
	cards    *prometheus.CounterVec
	sieges   prometheus.Counter
	tests    *prometheus.CounterVec
}

func newMeter(r prometheus.Registerer) *meter {
	if r == nil {
		return &meter{}
	}
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "settled_api_requests_total", Help: "Requests of merchants by route and kind of answer.",
		}, []string{"route", "code_class"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "settled_api_request_duration_seconds", Help: "Time from request to answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route"}),
	}
	m.tries = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_notification_tries_total",
		Help: "Tries to tell merchants' servers of results, by what came of them; given_up is a silent one that was the last."}, []string{"outcome"})
	for _, outcome := range []string{"delivered", "refused", "silent", "given_up"} {
		m.tries.WithLabelValues(outcome)
	}
	m.repeats = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_api_repeats_total",
		Help: "Requests that repeat an earlier one, by why they count as repeats; done_again are equal to an earlier one and were done."}, []string{"route", "why"})
	m.answers = prometheus.NewCounter(prometheus.CounterOpts{Name: "settled_api_answers_lost_total",
		Help: "Answers with a final result that are not known to have been handed over to the merchant."})
	m.secures = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_threeds_payments_total",
		Help: "Payments whose 3-D Secure is over, by how it ended; invalid ones our request or the buyer's data ended."}, []string{"end"})
	for _, end := range []string{payment.EndProven, payment.EndNotEnrolled, payment.EndFailed, payment.EndInvalid, payment.EndUnavailablePassed, payment.EndUnavailableRefused} {
		m.secures.WithLabelValues(end)
	}
	m.cards = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_api_card_data_total",
		Help: "Card data that merchants or buyers sent where none belongs, by the field and by what was done; the log says whose."}, []string{"field", "done"})
	for _, place := range protocol.CardPlaces() {
		m.cards.WithLabelValues(place.Field, place.Done)
	}
	m.sieges = prometheus.NewCounter(prometheus.CounterOpts{Name: "settled_api_sieges_total",
		Help: "Times that passwords of a merchant began to be guessed from many sources; the log says whose."})
	m.tests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_api_card_tests_total",
		Help: "Times that payments of a merchant began to be refused because somebody tries card numbers, by what gave him away; the log says whose."}, []string{"why"})
	for _, why := range []string{tenants.WhySource, tenants.WhyRun, tenants.WhyBIN} {
		m.tests.WithLabelValues(why)
	}
	r.MustRegister(m.requests, m.duration, m.tries, m.repeats, m.answers, m.secures, m.cards, m.sieges, m.tests)
	return m
}

// routeMeter measures one route, its label values looked up once.
type routeMeter struct {
	requests [protocol.Classes]prometheus.Counter
	duration prometheus.Observer
}

func (m *meter) route(path string) *routeMeter {
	if m.requests == nil {
		return nil
	}
	r := &routeMeter{duration: m.duration.WithLabelValues(path)}
	m.repeats.WithLabelValues(path, doneAgain)
	for class := range protocol.Classes {
		r.requests[class] = m.requests.WithLabelValues(path, class.String())
	}
	return r
}

// Count notes an answer of a class.
func (m *routeMeter) Count(class protocol.Class, took time.Duration) {
	if m == nil {
		return
	}
	m.requests[class].Inc()
	m.duration.Observe(took.Seconds())
}

// foundCard counts card data where none belongs.
func (m *meter) foundCard(f protocol.CardFound) {
	if m.cards != nil {
		m.cards.WithLabelValues(f.Field, f.Done).Inc()
	}
}

// secured counts a payment whose 3-D Secure is over.
func (m *meter) secured(end string) {
	if m.secures != nil {
		m.secures.WithLabelValues(end).Inc()
	}
}

// repeated counts a request that repeats another, or may.
func (m *meter) repeated(path, why string) {
	if m.repeats != nil {
		m.repeats.WithLabelValues(path, why).Inc()
	}
}

// lost counts an answer that may not have arrived.
func (m *meter) lost() {
	if m.answers != nil {
		m.answers.Inc()
	}
}

// besieged counts a merchant whose passwords began to be guessed from many sources.
func (m *meter) besieged() {
	if m.sieges != nil {
		m.sieges.Inc()
	}
}

// tested counts payments that began to be refused because somebody tries card numbers.
func (m *meter) tested(why string) {
	if m.tests != nil {
		m.tests.WithLabelValues(why).Inc()
	}
}

// countStopped shows how many sources and beginnings of cards are refused now.
func (m *meter) countStopped(r prometheus.Registerer, stopped func() int) {
	if r != nil {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "settled_api_card_tests_stopped",
			Help: "Sources and beginnings of card numbers whose payments at a merchant are refused now by this process."}, func() float64 { return float64(stopped()) }))
	}
}

// told counts a try of a notification: by the state of the notification after it.
func (m *meter) told(after notification.State) {
	if m.tries == nil {
		return
	}
	outcome := map[notification.State]string{notification.Delivered: "delivered", notification.Refused: "refused",
		notification.GivenUp: "given_up"}[after]
	m.tries.WithLabelValues(cmp.Or(outcome, "silent")).Inc()
}

// doneAgain is what the metric of repeats calls an operation that is equal to an earlier one and no repeat of it.
const doneAgain = "done_again"
