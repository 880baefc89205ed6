// Command release makes what is handed out of a version: binaries for each platform, what stands in them (a CycloneDX SBOM), the license
// texts of their modules, and the checksums of it all.
//
// It refuses a working copy with changes, and builds everything twice, the second time without the first one's cache: two builds that
// differ are no release. Run it from the folder
// tools, as `make release` does: go run ./release [folder of the module] [folder to fill]
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// platforms are those that binaries are made for.
var platforms = []string{"linux/amd64", "linux/arm64"}

// programs are the commands that are handed out.
var programs = []string{"settled", "pcsim"}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: release folder-of-the-module folder-to-fill")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(module, dist string) error {
	changed, err := output(module, nil, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		return fmt.Errorf("not committed, so nobody could build it again:\n%s", changed)
	}
	if dist, err = filepath.Abs(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp("", "release-cache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for _, platform := range platforms {
		for _, program := range programs {
			if err := release(module, dist, platform, program, fresh); err != nil {
				return fmt.Errorf("%s for %s: %w", program, platform, err)
			}
		}
	}
	return errors.Join(licenses(module, dist), checksums(dist))
}

// release makes a binary and its SBOM. fresh is a cache of builds that only the second ones use.
func release(module, dist, platform, program, fresh string) error {
	path := filepath.Join(dist, program+"-"+strings.ReplaceAll(platform, "/", "-"))
	first, err := build(module, path, platform, program)
	if err != nil {
		return err
	}
	again, err := build(module, path, platform, program, "GOCACHE="+fresh)
	if err != nil {
		return err
	}
	if first != again {
		return fmt.Errorf("two builds of it differ: %x and %x", first, again)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = output("", nil, "go", "tool", "cyclonedx-gomod", "bin", "-json", "-noserial", "-version", info.Main.Version, "-output", path+".cdx.json", path)
	return err
}

// build compiles a program and returns the hash of its binary.
func build(module, path, platform, program string, env ...string) (hash [sha256.Size]byte, err error) {
	system, processor, _ := strings.Cut(platform, "/")
	env = append(env, "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor, "GOFLAGS=")
	if _, err := output(module, env, "go", "build", "-trimpath", "-mod=readonly", "-ldflags=-s -w", "-o", path, "./cmd/"+program); err != nil {
		return hash, err
	}
	data, err := os.ReadFile(path)
	return sha256.Sum256(data), err
}

// licenses writes the license texts of all modules in the binaries into one file.
func licenses(module, dist string) error {
	list, err := output(module, nil, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/...")
	if err != nil {
		return err
	}
	modules := map[string]string{}
	for line := range strings.Lines(string(list)) {
		name, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		modules[name] = dir
	}
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if err := appendLicenses(&out, name, modules[name]); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dist, "LICENSES.txt"), out.Bytes(), 0o644)
}

func appendLicenses(out *bytes.Buffer, name, dir string) error {
	if name == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(dir, "[LN][IO][CT][EI]*")) // LICENSE, NOTICE
	if err != nil || len(found) == 0 {
		return errors.Join(err, fmt.Errorf("%s has no license file", name))
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "== %s: %s\n\n%s\n", name, filepath.Base(path), text)
	}
	return nil
}

// checksums writes SHA256SUMS over everything else in the folder, as sha256sum -c reads it.
func checksums(dist string) error {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for _, e := range entries {
		if e.Name() == "SHA256SUMS" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dist, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(dist, "SHA256SUMS"), out.Bytes(), 0o644)
}

// output runs a program in a folder and returns what it prints. Its complaints are in the error.
func output(dir string, env []string, name string, args ...string) ([]byte, error) {
	var complaints bytes.Buffer
	run := exec.Command(name, args...)
	run.Dir, run.Env, run.Stderr = dir, append(os.Environ(), env...), &complaints
	out, err := run.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, args[0], err, complaints.Bytes())
	}
	return out, err
}
