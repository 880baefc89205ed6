package ipmfile

import (
	"maps"
	"slices"

	"settled/clearing/format"
	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/settings"
)

// The words that settings may have; the first is the default.
var (
	charsets = []string{"ascii", "latin1", "cp037", "cp500"}
	dialects = []string{"standard", "smartvista"}
)

// FromSettings makes the format of a center from what its configuration says. Where anything is wrong it returns nil and all of it.
func FromSettings(s format.Settings, c format.Center) (format.Format, []settings.Problem) {
	var r settings.Checker
	o := Options{Member: s.Member, Acquirer: c.Acquirer, Forwarder: s.Forwarder, Zone: c.Zone}
	o.Profile.Blocked = s.Blocked
	o.Profile.Charset = iso8583.CharsetByName(r.Word("charset", s.Charset, charsets...))
	if r.Word("dialect", s.Dialect, dialects...) == dialects[1] {
		o.Profile.Dialect = ipm.SmartVista
	}
	r.Digits("member", s.Member, 1, 11)
	o.BIN = uint32(r.Digits("acquirer_bin", s.Acquirer, 6, 6))
	switch {
	case s.Forwarder != "":
		r.Digits("forwarder", s.Forwarder, 6, 11)
	case s.Member != "" && len(s.Member) < 6:
		r.Fail("forwarder", "is needed, of 6 to 11 digits, where member has fewer than 6: it stands for it in every record")
	}
	o.Profile.Mode = ipm.Mode(format.ReadMode(&r, s.Mode, c.Test))
	for _, key := range slices.Sorted(maps.Keys(s.Options)) {
		r.Fail(format.OptionKey(key), "is no option of format %s", Name)
	}
	if len(r.Problems) > 0 {
		return nil, r.Problems
	}
	f, err := New(o)
	if err != nil {
		r.Fail("format", "%v", err)
		return nil, r.Problems
	}
	return f, nil
}
