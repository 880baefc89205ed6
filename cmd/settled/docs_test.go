package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands collects the commands that do something, with their flags.
func commands(c *cobra.Command, into map[string][]string) {
	if c.Name() == "help" || c.Name() == "completion" {
		return
	}
	for _, sub := range c.Commands() {
		commands(sub, into)
	}
	if c.HasSubCommands() || c.Hidden {
		return
	}
	flags := []string{}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
	path := c.Use
	for p := c.Parent(); p != nil; p = p.Parent() {
		path = strings.Fields(p.Use)[0] + " " + path
	}
	into[path] = slices.DeleteFunc(flags, func(f string) bool { return f == "--help" })
}

func TestDocumentListsEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	row, flag := regexp.MustCompile("(?m)^\\| `(settled [^`]+)` \\| (.*)$"), regexp.MustCompile("`(--[a-z-]+)")
	got, want := map[string][]string{}, map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		got[m[1]] = []string{}
		for _, f := range flag.FindAllStringSubmatch(m[2], -1) {
			got[m[1]] = append(got[m[1]], f[1])
		}
	}
	commands(newRoot(), want)
	for _, m := range []map[string][]string{got, want} {
		for path := range maps.Keys(m) {
			slices.Sort(m[path])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/cli.md differs from the program (- in the program, + documented):\n%s", diff)
	}
}

func TestDocumentListsEveryExitCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(string(text), -1) {
		code, _ := strconv.Atoi(m[1])
		got = append(got, code)
	}
	if diff := cmp.Diff([]int{exitOK, exitError, exitUsage, exitRed, exitNotFound, exitConflict, exitConfig}, got); diff != "" {
		t.Errorf("exit codes (- in the program, + documented):\n%s", diff)
	}
}

// ranOtherwise are commands that tests run without spelling their words one after another.
var ranOtherwise = []string{"notification resend", "merchant password"}

// TestEveryCommandIsRun: each command that works on an installation is run by a test, which spells its words one after another.
func TestEveryCommandIsRun(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	all := map[string][]string{}
	commands(newRoot(), all)
	for path, flags := range all {
		words := slices.DeleteFunc(strings.Fields(path)[1:], func(w string) bool { return w == strings.ToUpper(w) })
		name, spelled := strings.Join(words, " "), `"`+strings.Join(words, `", "`)+`"`
		if slices.Contains(flags, "--json") && !strings.Contains(tests.String(), spelled) && !slices.Contains(ranOtherwise, name) {
			t.Errorf("no test runs settled %s: give it a line in operate", name)
		}
	}
}
