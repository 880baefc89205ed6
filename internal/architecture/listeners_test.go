package architecture

import (
	"go/ast"
	"go/types"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listening are the places that wait for connections, with what they serve. What the product listens on stands in internal/app/listen.go:
// TLS, the guard against ambiguous requests, the limits and the headers of every answer come with it.
var listening = map[string]int{"internal/app/listen.go http.Server": 1, "internal/app/listen.go net.Listen": 1}

// apart serve what is no part of an installation: simulators, and what demo and benchmark play shops with.
var apart = []string{"internal/pcsim", "cmd/pcsim", "internal/app/demo", "internal/app/bench", "internal/postgres"}

// routed are the places that add handlers to routers, with the pattern as it is written. A new one needs its addresses in
// TestHeadersOnEveryRoute (internal/app): the list of routes with metrics, or samplePaths.
var routed = map[string]int{
	"authorize/routes.go s.path":                    1,
	`authorize/routes.go "GET " + wsdlPath(s.path)`: 1,
	`authorize/routes.go "GET " + s.path`:           1,
	"authorize/routes.go noticePath":                1,
	"authorize/oldpaths.go o.path":                  1,
	"authorize/checkout/serve.go route.path":        1,
	"authorize/checkout/serve.go page.StaticPath":   1,
	`authorize/page/static.go "GET " + a.Path`:      1,
	`internal/app/server.go "GET /metrics"`:         1,
	`internal/app/server.go "GET /healthz"`:         1,
	`internal/app/server.go "GET /readyz"`:          1,
}

// TestEveryListenerAndRouteHasItsRow finds what listens, and what is served, at places that the tests of listeners and headers do not know.
func TestEveryListenerAndRouteHasItsRow(t *testing.T) {
	_, files := source(t)
	listens, routes := map[string]int{}, map[string]int{}
	for _, f := range files {
		if f.test || within(f.dir, apart...) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if n.Type != nil && types.ExprString(n.Type) == "http.Server" {
					listens[f.name+" http.Server"]++
				}
			case *ast.CallExpr:
				switch name := types.ExprString(n.Fun); {
				case slices.Contains([]string{"net.Listen", "net.ListenTCP", "net.ListenUnix", "tls.Listen", "tls.NewListener", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve"}, name):
					listens[f.name+" "+name]++
				case name == "mux.Handle" || name == "mux.HandleFunc" || name == "http.Handle" || name == "http.HandleFunc":
					routes[f.name+" "+types.ExprString(n.Args[0])]++
				}
			}
			return true
		})
	}
	if diff := cmp.Diff(listening, listens); diff != "" {
		t.Errorf("what listens (- known, + found):\n%s", diff)
	}
	if diff := cmp.Diff(routed, routes); diff != "" {
		t.Errorf("what is served (- known, + found):\n%s", diff)
	}
}
