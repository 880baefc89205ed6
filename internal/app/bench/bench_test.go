package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the child that a benchmark starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		if err := Child(context.Background(), os.Stdout, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestEveryBenchmarkRuns runs them all, far too small to tell a speed: each must do its work and print its ratios in the
// form that a script reads.
func TestEveryBenchmarkRuns(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), &out, Options{Only: []string{"auth", "build", "reply", "seal", "growth"}, Rounds: 1, Slice: time.Second, Records: 500, Stored: 2000})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	line := regexp.MustCompile(`^ratio [a-z-]+ [0-9]+\.[0-9]{3} goal [<>]=[0-9.]+$`)
	var names []string
	for text := range strings.Lines(out.String()) {
		text = strings.TrimSuffix(text, "\n")
		if !strings.HasPrefix(text, "ratio ") {
			continue
		}
		if !line.MatchString(text) {
			t.Errorf("a script cannot read %q", text)
		}
		names = append(names, strings.Fields(text)[1])
	}
	want := "auth build build-rss-mib reply reply-rss-mib seal-wait-ms seal-wait-large-over-small growth-auth growth-build growth-reply growth-seal"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("ratios %s\nwant %s", got, want)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

func TestUnknownBenchmark(t *testing.T) {
	err := Run(t.Context(), &bytes.Buffer{}, Options{Only: []string{"speed"}})
	if err == nil || !strings.Contains(err.Error(), `no benchmark "speed"`) {
		t.Errorf("got %v", err)
	}
}
