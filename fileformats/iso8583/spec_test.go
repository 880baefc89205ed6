package iso8583

import "testing"

func TestSpecsAreConsistent(t *testing.T) {
	for _, s := range []*Spec{Online, IPM(ASCII), IPM(CP500)} {
		for n := 2; n <= 128; n++ {
			f, ok := s.Field(n)
			if !ok {
				continue
			}
			if f.Number != n || f.Name == "" || f.Min < 1 || f.Max < f.Min {
				t.Errorf("%s: DE %d is declared as %+v", s.Name(), n, f)
			}
			if f.Length == Fixed && f.Min != f.Max {
				t.Errorf("%s: DE %d is fixed but has a range", s.Name(), n)
			}
			if f.Length == LL && f.Max > 99 || f.Max > 999 {
				t.Errorf("%s: DE %d does not fit its length digits", s.Name(), n)
			}
			if f.Kind == Binary && f.Redact != Hide {
				t.Errorf("%s: DE %d is binary and shown in logs", s.Name(), n)
			}
		}
		for _, n := range s.pds {
			if f, _ := s.Field(n); f.Kind != Private {
				t.Errorf("%s: DE %d holds private data but is not declared so", s.Name(), n)
			}
		}
	}
}
