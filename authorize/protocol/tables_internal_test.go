package protocol

import (
	"slices"
	"testing"
)

// Every field of an answer has a name on the wire. One name is that of two fields: the bill number of an operation, and that of its
// order, which stand in different sections.
func TestEveryFieldHasItsOwnName(t *testing.T) {
	seen := map[string]Field{}
	for id, name := range outNames {
		other, twice := seen[name]
		switch {
		case name == "":
			t.Errorf("field %d has no name", id)
		case twice && !(Field(id) == OutOrderBill && other == OutBillNumber):
			t.Errorf("fields %d and %d are both %q", other, id, name)
		}
		seen[name] = Field(id)
	}
}

// Every parameter has a name of its own in lower case, as forms are read, and a bound.
func TestEveryParameterHasItsOwnName(t *testing.T) {
	seen := map[string]Parameter{}
	for id, p := range params {
		if p.name == "" || p.max == 0 {
			t.Errorf("parameter %d has no name or no bound: %+v", id, p)
		}
		if other, twice := seen[lowerASCII(p.name)]; twice {
			t.Errorf("parameters %d and %d are both %q", other, id, p.name)
		}
		seen[lowerASCII(p.name)] = Parameter(id)
	}
	for _, name := range ignoredParams {
		if _, twice := seen[lowerASCII(name)]; twice {
			t.Errorf("%q is ignored, and a parameter", name)
		}
	}
}

var layouts = []*Layout{PaymentLayout, SecureLayout, LaterLayout, TokenLayout, ChargeLayout, CancelLayout, WSCancelLayout, OrderStateLayout,
	OrderResultLayout, ResultByDateLayout}

// Every field is told by a service: one that no layout has is filled for nobody.
func TestEveryFieldIsTold(t *testing.T) {
	told := map[Field]bool{}
	for _, s := range layouts {
		for _, f := range slices.Concat(s.flat, s.order, s.customer, s.operation, s.check) {
			told[f] = true
		}
	}
	for f := range outCount {
		if !told[f] {
			t.Errorf("no layout tells %s", f.Name())
		}
	}
}

// No layout tells a field twice in one section, or nothing of what it has a section for.
func TestLayoutsTellNoFieldTwice(t *testing.T) {
	for _, s := range layouts {
		for _, list := range [][]Field{s.flat, s.order, s.customer, s.operation, s.check} {
			sorted := slices.Sorted(slices.Values(list))
			if len(slices.Compact(sorted)) != len(list) {
				t.Errorf("%s: a field stands twice in %v", s.root, list)
			}
		}
	}
}

// Every other table that is kept by a constant has an entry for it.
func TestTablesHaveNoGaps(t *testing.T) {
	if slices.Contains(secureNames[:], "") || slices.Contains(classNames[:], "") || slices.Contains(LanguageNames[:], "") {
		t.Errorf("a name is missing: %q, %q, %q", secureNames, classNames, LanguageNames)
	}
	for code, texts := range wordings {
		for l, w := range texts {
			if w.message == "" || w.Customer == "" {
				t.Errorf("%s says nothing in language %d", code, l)
			}
		}
	}
}
