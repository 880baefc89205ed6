package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// licenseTexts are words by which the file of a license is known.
var licenseTexts = map[string]string{
	"MIT":        "Permission is hereby granted, free of charge",
	"BSD":        "Redistribution and use in source and binary forms",
	"Apache-2.0": "Apache License",
	"MPL-2.0":    "Mozilla Public License",
}

var (
	dependencyRow = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| (\\S+) \\| ")
	moduleName    = regexp.MustCompile("`([^`]+)`")
)

// listed are the modules of docs/dependencies.md, with the license that it names.
func listed(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, row := range dependencyRow.FindAllStringSubmatch(string(text), -1) {
		for _, name := range moduleName.FindAllStringSubmatch(row[1], -1) {
			all[name[1]] = row[2]
		}
	}
	return all
}

// built are the modules that the binaries are built of, with their folders.
func built(t *testing.T) map[string]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "./cmd/...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, dir, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[name] = dir
		}
	}
	return all
}

// TestDependenciesAreListed: docs/dependencies.md names what the binaries are built of, no more and no less, and each module's license
// file is of the license named.
func TestDependenciesAreListed(t *testing.T) {
	names, modules := listed(t), built(t)
	if len(modules) == 0 {
		t.Fatal("the binaries are built of nothing")
	}
	for name, dir := range modules {
		license, ok := names[name]
		if !ok {
			t.Errorf("%s is not listed", name)
			continue
		}
		if !slices.ContainsFunc(licenseFiles(t, dir), func(text string) bool { return strings.Contains(text, licenseTexts[license]) }) || licenseTexts[license] == "" {
			t.Errorf("%s: no license file of it is of %s", name, license)
		}
	}
	for name := range names {
		if _, ok := modules[name]; !ok {
			t.Errorf("%s is listed, and in no binary", name)
		}
	}
}

// licenseFiles are the texts of the license files of a module.
func licenseFiles(t *testing.T, dir string) (texts []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
