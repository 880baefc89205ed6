package payment

import (
	"strconv"
	"testing"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/fileformats/iso8583"
	"settled/settle/order"
)

// A late answer finds its payment before and after the books have given it up.
func TestLateBook(t *testing.T) {
	b := newLateAnswers()
	p := b.expect("000000000001", nil, 1, 2)
	if _, ready := b.arrived(onlineAnswer("000000000001")); ready {
		t.Error("ready before it is given up")
	}
	if a := b.givenUp(p); a == nil {
		t.Error("the answer is lost")
	}
	if got, ready := b.arrived(onlineAnswer("000000000001")); !ready || got.order != 2 {
		t.Errorf("%+v", got)
	}
	if _, ready := b.arrived(onlineAnswer("000000000009")); ready {
		t.Error("an answer to nothing")
	}
}

func onlineAnswer(rrn string) online.Answer { return online.Answer{RRN: rrn, ActionCode: "000"} }

// TestAmountsFitTheirMessages ties the largest amount of an order to the elements that have to carry it.
func TestAmountsFitTheirMessages(t *testing.T) {
	for _, dialect := range []*iso8583.Spec{iso8583.Online, iso8583.IPM(iso8583.ASCII)} {
		if f, ok := dialect.Field(4); !ok || len(strconv.Itoa(order.MaxCarried)) != f.Max || len(strconv.Itoa(order.MaxCarried+1)) == f.Max {
			t.Errorf("%s carries %d digits, orders have up to %d", dialect.Name(), f.Max, order.MaxCarried)
		}
	}
}

// A center's answer is told in words, whatever it is.
func TestEveryResponseHasWords(t *testing.T) {
	for _, code := range responses {
		var told protocol.Row
		if told.Say(code, protocol.English); told[protocol.OutMessage] == "" {
			t.Errorf("%s has no words", code)
		}
	}
}
