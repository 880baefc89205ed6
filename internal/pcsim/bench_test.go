package pcsim_test

import (
	"fmt"
	"testing"

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

// BenchmarkHost measures authorizations over one connection, pipelined by 256, so that a benchmark of the other side knows
// how much of its time is this center's.
func BenchmarkHost(b *testing.B) {
	center, err := pcsim.New(pcsim.Options{MemberID: member, Now: noonClock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { center.Close() })
	if err := center.Start(); err != nil {
		b.Fatal(err)
	}
	c := dial(b, center)
	for b.Loop() {
		if err := c.pipeline(256); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*256/b.Elapsed().Seconds(), "tx/s")
}

// BenchmarkProcess measures the judgment of a file of 2,000 sales.
func BenchmarkProcess(b *testing.B) {
	const size = 2_000
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		center, err := pcsim.New(pcsim.Options{MemberID: member, Now: noonClock})
		if err != nil {
			b.Fatal(err)
		}
		if err := center.Start(); err != nil {
			b.Fatal(err)
		}
		n := &night{Center: center, client: dial(b, center), t: b}
		data := n.build(n.fileID(), n.sales(size)...)
		if err := n.WriteFile("/in/1.ipm", data); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		n.process(noon)
		b.StopTimer()
		if r := center.Reports()[0]; r.Accepted != size {
			b.Fatalf("report %+v", r)
		}
		center.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "records/s")
}

// sales authorizes count payments and returns their records.
func (n *night) sales(count int) []ipm.Record {
	records := make([]ipm.Record, 0, count)
	for i := range count {
		s := n.sale(seededCard(i), 1000)
		a := n.ask(s.message())
		if a.Text(39) != iso8583.ActionApproved {
			panic(fmt.Sprint("declined: ", a))
		}
		records = append(records, n.record(s, a.Text(38)))
	}
	return records
}
