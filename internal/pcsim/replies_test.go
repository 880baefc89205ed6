package pcsim_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/ipm"
	"settled/internal/pcsim"
)

// outNames lists out/.
func (n *night) outNames() string {
	n.t.Helper()
	got, err := n.List(pcsim.OutDir)
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.Join(got, " ")
}

func TestReplyIsLate(t *testing.T) {
	n := newNight(t, pcsim.Options{Replies: pcsim.Replies{Delay: time.Hour}})
	n.upload("1.ipm", n.build(n.fileID()))
	if got := n.outNames(); got != "" {
		t.Errorf("at once: %s", got)
	}
	n.process(noon.Add(time.Hour))
	if got := n.outNames(); got != "RPY_1_1.ipm" {
		t.Errorf("after an hour: %s", got)
	}
}

func TestReplyIsWithheld(t *testing.T) {
	n := newNight(t, pcsim.Options{Replies: pcsim.Replies{Withhold: true}})
	n.upload("1.ipm", n.build(n.fileID()))
	if got := n.outNames(); got != "" {
		t.Errorf("withheld: %s", got)
	}
	n.SetReplies(pcsim.Replies{})
	n.process(noon)
	if got := n.outNames(); got != "RPY_1_1.ipm" {
		t.Errorf("then: %s", got)
	}
}

func TestReplyComesTwice(t *testing.T) {
	n := newNight(t, pcsim.Options{Replies: pcsim.Replies{Twice: true}})
	n.upload("1.ipm", n.build(n.fileID()))
	first, err := n.ReadFile("/out/RPY_1_1.ipm")
	second, err2 := n.ReadFile("/out/RPY_1_2.ipm")
	if err != nil || err2 != nil || !bytes.Equal(first, second) {
		t.Errorf("%v, %v, equal %v", err, err2, bytes.Equal(first, second))
	}
}

func TestReplyIsTruncatedFirst(t *testing.T) {
	n := newNight(t, pcsim.Options{Replies: pcsim.Replies{TruncatedFirst: true}})
	n.upload("1.ipm", n.build(n.fileID()))
	half, err := n.ReadFile("/out/RPY_1_1.ipm")
	if err != nil {
		t.Fatal(err)
	}
	n.process(noon)
	whole, err := n.ReadFile("/out/RPY_1_1.ipm")
	if err != nil || len(half) != len(whole)/2 || !bytes.HasPrefix(whole, half) {
		t.Errorf("%v: half %d bytes of %d", err, len(half), len(whole))
	}
	readReply(t, whole, ipm.Profile{})
}

func TestReplyRejectsAnUnknownRecord(t *testing.T) {
	n := newNight(t, pcsim.Options{Replies: pcsim.Replies{UnknownRecord: true}})
	n.upload("1.ipm", n.build(n.fileID()))
	if diff := cmp.Diff(verdict{"691 D0000 7001 #99999998"}, n.reply("RPY_1_1.ipm")); diff != "" {
		t.Error(diff)
	}
}

func TestRepliesComeInReverseOrder(t *testing.T) {
	var ticks atomic.Int64
	n := newNight(t, pcsim.Options{
		Users:   []pcsim.User{operator},
		Now:     func() time.Time { return noon.Add(time.Duration(ticks.Add(1)) * time.Second) },
		Replies: pcsim.Replies{Delay: time.Minute, Reverse: true},
	})
	n.upload("1.ipm", n.build(n.fileID()))
	n.upload("2.ipm", n.build(n.fileID()))
	n.process(noon.Add(time.Minute))
	files := mustLogin(t, n.Center)
	first, err := files.Stat("/out/RPY_1_1.ipm")
	second, err2 := files.Stat("/out/RPY_2_1.ipm")
	if err != nil || err2 != nil || !second.ModTime().Before(first.ModTime()) {
		t.Errorf("%v, %v: the reply to the first file is not the later one", err, err2)
	}
}

func TestSeededRejectsHealAndTotalsAddUp(t *testing.T) {
	n := newNight(t, pcsim.Options{Seed: 3, Behavior: pcsim.Behavior{RejectRecords: 0.3}})
	var records []ipm.Record
	for i := range 200 {
		records = append(records, n.approved(seededCard(i), int64(100+i)))
	}
	n.upload("1.ipm", n.build(n.fileID(), records...))
	r := n.Reports()[0]
	if r.Accepted+r.Rejected != 200 || r.Rejected < 40 || r.Rejected > 80 {
		t.Fatalf("accepted %d, rejected %d of 200, want about 60 rejected", r.Accepted, r.Rejected)
	}
	var again []ipm.Record
	for _, v := range n.reply("RPY_1_1.ipm") {
		if at, found := strings.CutPrefix(v[strings.LastIndex(v, " ")+1:], "#"); found {
			var number int
			if _, err := fmt.Sscan(at, &number); err != nil {
				t.Fatal(err)
			}
			again = append(again, records[number-2])
		}
	}
	n.upload("2.ipm", n.build(n.fileID(), again...))
	if r := n.Reports()[1]; r.Accepted != len(again) || r.Rejected != 0 {
		t.Errorf("second presentment: %+v", r)
	}
	books := n.Books().Currencies[byn]
	if books.Held() != 0 || books.Cleared != books.Authorized {
		t.Errorf("books %+v", books)
	}
}

func TestOneSeedOneReply(t *testing.T) {
	run := func(seed uint64) []byte {
		n := newNight(t, pcsim.Options{Seed: seed, Behavior: pcsim.Behavior{RejectRecords: 0.3}})
		var records []ipm.Record
		for i := range 50 {
			records = append(records, n.approved(seededCard(i), int64(100+i)))
		}
		n.upload("1.ipm", n.build(n.fileID(), records...))
		data, err := n.ReadFile("/out/RPY_1_1.ipm")
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(run(1), run(1)) {
		t.Error("one seed, two replies")
	}
	if bytes.Equal(run(1), run(2)) {
		t.Error("two seeds, one reply")
	}
}
