package authorize_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/internal/pcsim"
)

var update = flag.Bool("update", false, "write the answers that the services give into docs/protocol.md")

const protocolPage = "../docs/protocol.md"

// example is a request of the page and the answer below it.
var example = regexp.MustCompile("(?s)```http\nPOST (\\S+)\nContent-Type: (\\S+)\n\n(.*?)\n```\n\n```(xml|json|text)\n(.*?)\n```")

var internalDTD = regexp.MustCompile(`(?s)<!DOCTYPE result \[.*?\]>`)

// billNumber is one of the first merchant.
var billNumber = regexp.MustCompile(`5100001\d{9}`)

// emptyElement is one that was broken into two lines.
var emptyElement = regexp.MustCompile(`<(\w+)>\n</(\w+)>`)

// Every example of docs/protocol.md is run in order against real services, and its answer compared.
func TestProtocolPage(t *testing.T) {
	page, err := os.ReadFile(protocolPage)
	check(t, err)
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	token := ""
	examples := example.FindAllSubmatch(page, -1)
	if len(examples) < 8 || len(examples) != bytes.Count(page, []byte("```http")) {
		t.Fatalf("%d examples are readable of %d", len(examples), bytes.Count(page, []byte("```http")))
	}
	for _, e := range examples {
		path, kind, body, format, want := string(e[1]), string(e[2]), string(e[3]), string(e[4]), string(e[5])
		if kind == "application/x-www-form-urlencoded" {
			body = strings.ReplaceAll(body, "\n", "")
		}
		body = strings.ReplaceAll(body, writtenToken, token)
		if path == rp { // by then the period is over
			w.elapse(strings.TrimSuffix(billNumber.FindString(body), ".1"))
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
		check(t, err)
		request.Header.Set("Content-Type", kind)
		got := readable(t, format, w.do(request).body)
		if found := anyToken.FindString(got); found != "" {
			token, got = found, anyToken.ReplaceAllString(got, writtenToken)
		}
		if *update {
			page = bytes.Replace(page, e[0], bytes.Replace(e[0], []byte("\n"+want+"\n```"), []byte("\n"+got+"\n```"), 1), 1)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s: %s", path, body, diff)
		}
	}
	if *update {
		check(t, os.WriteFile(protocolPage, page, 0o644))
	}
}

// readable breaks an answer into lines and leaves the internal DTD out.
func readable(t *testing.T, format, body string) string {
	switch format {
	case "text":
		return strings.ReplaceAll(strings.TrimSpace(body), ";", ";\n")
	case "xml":
		body = internalDTD.ReplaceAllString(strings.TrimSpace(body), "<!DOCTYPE result [ … ]>")
		return emptyElement.ReplaceAllString(strings.ReplaceAll(body, "><", ">\n<"), "<$1></$2>")
	}
	var b bytes.Buffer
	check(t, json.Indent(&b, []byte(body), "", "  "))
	return b.String()
}
