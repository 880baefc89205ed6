package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// life draws what the merchant does with an order once it is paid. Every order draws the same numbers, used or not.
func (plan *Plan) life(r *rand.Rand, p *Purchase) []Step {
	d := draws{
		what: r.Float64(), part: 0.5 + 0.4*r.Float64(), second: r.Float64(), refund: r.Float64(), partial: r.Float64(),
		pause: time.Duration(float64(4*time.Hour) * math.Exp(0.8*r.NormFloat64())), place: r.Float64(), cutoff: r.Float64(),
	}
	paid := p.Tries[len(p.Tries)-1].At
	var steps []Step
	if p.TwoStage {
		steps = plan.held(d, p, paid)
	} else if d.what < 0.03 {
		steps = []Step{{At: plan.beforeCutoff(d, paid), Act: Cancel, Amount: p.some(d.partial < 0.30, d.part)}}
	}
	if len(steps) == 0 || steps[0].Act == Confirm {
		steps = append(steps, plan.refund(d, p, paid)...)
	}
	for i := range steps {
		steps[i].Key = fmt.Sprintf("%s-step-%d", p.Number, i+1)
	}
	return steps
}

// draws are the random numbers of one life.
type draws struct {
	what, part, second, refund, partial, place, cutoff float64
	pause                                              time.Duration
}

// some is everything (0) or the part of an amount.
func (p *Purchase) some(partial bool, share float64) int64 {
	if part := int64(float64(p.Amount.Minor) * share); partial && part > 0 {
		return part
	}
	return 0
}

// held draws the life of a hold: confirmed whole, in part or in parts, given up, or forgotten until it expires.
func (plan *Plan) held(d draws, p *Purchase, paid time.Time) []Step {
	center := p.Shop.center(p.Amount.Currency)
	at := plan.within(paid, d.pause, d.place)
	part := p.some(true, d.part)
	switch {
	case d.what < 0.78 || d.what < 0.89 && (!center.PartialConfirm || part == 0):
		return []Step{{At: at, Act: Confirm}}
	case d.what < 0.85:
		return []Step{{At: at, Act: Confirm, Amount: part, AutoDeposit: true}}
	case d.what < 0.89:
		steps := []Step{{At: at, Act: Confirm, Amount: part}}
		if rest := (p.Amount.Minor - part) / 2; d.second < 0.5 && center.MultiConfirm && rest > 0 {
			steps = append(steps, Step{At: plan.within(at, d.pause/4, d.place), Act: Confirm, Amount: rest})
		}
		return steps
	case d.what < 0.94:
		return []Step{{At: at, Act: Cancel}}
	default:
		return nil
	}
}

// within places something a pause after an instant, but before the last cut-off.
func (plan *Plan) within(from time.Time, pause time.Duration, place float64) time.Time {
	left := plan.To.Sub(from) - time.Second
	if pause >= left {
		pause = time.Duration(place * float64(left))
	}
	return from.Add(max(pause, 0)).Truncate(time.Millisecond)
}

// beforeCutoff places a cancel while the record is still in the open window, now and then seconds around the cut-off: the
// race between a cancel and the seal.
func (plan *Plan) beforeCutoff(d draws, paid time.Time) time.Time {
	cutoff := time.Date(paid.Year(), paid.Month(), paid.Day(), 23, 0, 0, 0, paid.Location())
	if !paid.Before(cutoff) {
		cutoff = cutoff.AddDate(0, 0, 1)
	}
	if race := time.Duration(10*(d.place-0.5)*float64(time.Second)) + cutoff.Sub(paid); d.cutoff < 0.10 && race > 0 {
		return minTime(paid.Add(race), plan.To.Add(-time.Second)).Truncate(time.Millisecond)
	}
	return paid.Add(time.Duration(d.place * float64(cutoff.Sub(paid)))).Truncate(time.Millisecond)
}

// refund gives back, on the second day, what was sold and cleared on the first.
func (plan *Plan) refund(d draws, p *Purchase, paid time.Time) []Step {
	if d.refund >= p.Shop.Segment.Refund*1.5 || p.TwoStage && d.what >= 0.78 || paid.Add(d.pause).After(plan.From.Add(22*time.Hour)) {
		return nil
	}
	opens := plan.From.AddDate(0, 0, 1).Add(8 * time.Hour)
	at := opens.Add(time.Duration(d.place * float64(14*time.Hour))).Truncate(time.Millisecond)
	first := Step{At: at, Act: Cancel, Amount: p.some(d.partial < 0.35, d.part*0.5)}
	if d.partial > 0.08 || first.Amount == 0 {
		return []Step{first}
	}
	return []Step{first, {At: minTime(at.Add(20*time.Minute), plan.To.Add(-time.Second)), Act: Cancel, Amount: first.Amount}}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// repeatSome makes merchants send some requests twice, as they do when an answer was lost on its way to them.
func repeatSome(r *rand.Rand, p *Purchase) {
	for i := range p.Steps {
		p.Steps[i].Again = r.Float64() < 0.02
	}
}
