package pagetest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// axePath is where .ci/run installs axe-core, below the root of the module.
const axePath = ".cache/axe/node_modules/axe-core/axe.min.js"

var axeScript = sync.OnceValues(func() (string, error) {
	path := os.Getenv("SETTLED_AXE")
	if path == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, filepath.FromSlash(axePath))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", errors.New("axe-core is not installed: run .ci/axe, or name axe.min.js in SETTLED_AXE")
	}
	return string(text), nil
})

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("no go.mod above the working directory")
		}
	}
	return "", err
}

// Accessible fails the test for each thing that axe-core finds wrong with the page. It skips the test where axe-core is
// not installed.
func (tab *Tab) Accessible() {
	tab.t.Helper()
	tab.axe("{}")
}

// Contrast is the part of [Tab.Accessible] that depends on colors.
func (tab *Tab) Contrast() {
	tab.t.Helper()
	tab.axe(`{runOnly: ["color-contrast", "link-in-text-block"]}`)
}

func (tab *Tab) axe(options string) {
	tab.t.Helper()
	script, err := axeScript()
	if err != nil {
		Missing(tab.t, err)
	}
	if !Eval[bool](tab, "!!window.axe") {
		Eval[int](tab, script+";0")
	}
	found := Eval[[]finding](tab, `axe.run(document, Object.assign({resultTypes: ["violations"]}, `+options+`)).then(r => r.passes.length
		? r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))
		: [{id: "nothing", help: "axe looked at nothing", nodes: []}])`)
	for _, f := range found {
		tab.t.Errorf("axe: %s: %s\n\t%s", f.ID, f.Help, strings.Join(f.Nodes, "\n\t"))
	}
}

type finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}
