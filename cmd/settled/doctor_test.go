package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"settled/clearing"
	"settled/internal/app/doctor"
	"settled/internal/config"
)

// clearsAt makes the center of a small configuration one that clears by file at a cut-off of every day.
func clearsAt(t *testing.T, cutoff, password string) func(*config.File) {
	t.Helper()
	return func(f *config.File) {
		f.Centers[0].Capabilities = config.CapabilitiesFile{FinancialRecord: true, Refund: "file"}
		f.Centers[0].Clearing = &clearing.Settings{Member: "00000012345", Acquirer: "512345", Calendar: "all",
			Windows: []clearing.WindowSettings{{No: 1, Cutoff: cutoff, Deadline: "23:45", Days: "all"}},
			SFTP: clearing.SFTPSettings{Address: "127.0.0.1:1", User: "acq", PasswordFile: password,
				HostKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}}
	}
}

// TestDoctorAndWindowsOfAnInstallation sets one up from nothing, moves its cut-off, and has the windows planned anew.
func TestDoctorAndWindowsOfAnInstallation(t *testing.T) {
	server := durable(t)
	password := write(t, filepath.Join(t.TempDir(), "password"), "secret\n")
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1", clearsAt(t, "22:30", password)),
		"SETTLED_KEYS": filepath.Join(t.TempDir(), "keys"), "SETTLED_LISTEN": "127.0.0.1:0", "SETTLED_METRICS_LISTEN": "127.0.0.1:0"}
	run := func(code int, want string, args ...string) {
		t.Helper()
		if out, errOut, got := settled(t, env, args...); got != code || !strings.Contains(out+errOut, want) {
			t.Errorf("settled %v: exit code %d, want %d and %q:\n%s%s", args, got, code, want, out, errOut)
		}
	}
	run(exitError, "the database is empty: run settled migrate", "doctor")
	run(exitUsage, "unknown flag", "doctor", "--deep")
	run(exitOK, "", "migrate")
	run(exitOK, "", "keys", "new")
	p := start(t, env, nil, "work")
	p.errOut.await(t, `"started"`)
	run(exitOK, "has windows as configured until", "doctor")
	run(exitOK, `"check": "windows"`, "doctor", "--json")
	run(exitError, "cannot be worked with", "doctor", "--centers")
	run(exitOK, "planned by", "window", "list")

	env["SETTLED_CONFIG"] = small(t, "127.0.0.1:1", clearsAt(t, "21:30", password))
	run(exitOK, "settled window replan --center PC-C", "doctor")
	run(exitOK, `"differs": "planned with cut-off`, "window", "list", "--json", "--center", "PC-C")
	run(exitUsage, "--reason", "window", "replan", "--center", "PC-C")
	run(exitUsage, "the reason holds a card number", "window", "replan", "--center", "PC-C", "--reason", "asked by the holder of 4111 1111 1111 1111")
	run(exitUsage, `there is no center "PC-X"`, "window", "replan", "--center", "PC-X", "--reason", "x")
	run(exitUsage, "is no date", "window", "list", "--from", "yesterday")
	run(exitOK, "nothing was changed", "window", "replan", "--center", "PC-C", "--dry-run")
	run(exitOK, "windows removed", "window", "replan", "--center", "PC-C", "--reason", "agreed with PC-C")
	run(exitOK, "nothing to change", "window", "replan", "--center", "PC-C", "--reason", "again")
	run(exitOK, "all, replan 1", "window", "list")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	run(exitError, "no worker lives", "doctor")
	text, err := os.ReadFile(env["SETTLED_CONFIG"])
	if err != nil {
		t.Fatal(err)
	}
	env["SETTLED_CONFIG"] = write(t, filepath.Join(t.TempDir(), "ended.yaml"), strings.Replace(string(text), "2099-12-31", "2020-12-31", 1))
	run(exitConfig, "calendars.all.horizon: it ended 2020-12-31", "config", "check")
}

func TestSummaryCounts(t *testing.T) {
	for warnings, want := range map[int]string{0: "2 checks: 1 good, 0 warnings, 1 bad, 3 unchecked", 1: "2 checks: 1 good, 1 warning, 1 bad, 3 unchecked", 2: "2 checks: 1 good, 2 warnings, 1 bad, 3 unchecked"} {
		r := doctor.Report{Checks: make([]doctor.Result, 2), Counts: map[doctor.State]int{doctor.Good: 1, doctor.Warning: warnings, doctor.Bad: 1, doctor.Unchecked: 3}}
		if got := summary(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
