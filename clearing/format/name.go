package format

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Name is what the name of a file of ours says.
type Name struct {
	Center, Stream     string
	BusinessDate       time.Time
	Sequence           int32
	Part, Parts, Build int16 // Build above 1: a replacement
}

// House is the name that we give files where a center has no wish: ACQ_<center>_<stream>_<yyyymmdd>_<sequence>_<part>of<parts>,
// with _b<build> for a replacement, and the extension.
func (n Name) House(extension string) string {
	name := fmt.Sprintf("ACQ_%s_%s_%s_%06d_%dof%d", n.Center, n.Stream, n.BusinessDate.Format("20060102"), n.Sequence, n.Part, n.Parts)
	if n.Build > 1 {
		name += fmt.Sprintf("_b%d", n.Build)
	}
	return name + extension
}

var houseName = regexp.MustCompile(`^(\d{8})_(\d{6})_(\d+)of(\d+)(?:_b(\d+))?$`)

// ParseHouse reads a name that House made for the center and stream, with or without the extension.
func ParseHouse(center, stream, extension, name string) (n Name, ok bool) {
	rest, ours := strings.CutPrefix(strings.TrimSuffix(name, extension), "ACQ_"+center+"_"+stream+"_")
	m := houseName.FindStringSubmatch(rest)
	if !ours || m == nil {
		return Name{}, false
	}
	date, err := time.Parse("20060102", m[1])
	n = Name{Center: center, Stream: stream, BusinessDate: date, Sequence: int32(number(m[2])), Part: int16(number(m[3])), Parts: int16(number(m[4])),
		Build: max(1, int16(number(m[5])))}
	return n, err == nil && n.Sequence > 0
}

// number is the number that digits write, 0 for none and for one that no file of ours has.
func number(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0
	}
	return n
}
