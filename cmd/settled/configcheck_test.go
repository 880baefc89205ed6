package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/clearing"
	"settled/internal/config"
	"settled/settle/retention"
)

// safe makes the small configuration one of a live installation that is taken.
func safe(t *testing.T) func(*config.File) {
	t.Helper()
	word := write(t, filepath.Join(t.TempDir(), "word"), "7 kestrels over 41 hills\n")
	return func(f *config.File) {
		f.Environment, f.PublicURL, f.Centers[0].Environment = "live", "https://pay.shop-gateway.by", "live"
		f.Centers[0].Online.Link = online.PrivateLine
		f.Merchants[0].SecretWordFile, f.Merchants[0].Proofs.Checkvalue = word, true
		f.Retention = retention.Settings{Declined: 30, Paid: 540, Stored: 540, Files: 90, Replies: 90, Personal: 1095}
	}
}

// liveShop is the small configuration as a live installation, with changes.
func liveShop(t *testing.T, changes ...func(*config.File)) string {
	t.Helper()
	path := small(t, "online.pc-c.by:7001", append([]func(*config.File){safe(t)}, changes...)...)
	t.Setenv("SETTLED_CONFIG", path)
	t.Setenv("SETTLED_KEYS", filepath.Join(t.TempDir(), "keys"))
	good(t, "keys", "new", "--environment", "live", "--kek", "file:kek")
	return path
}

// checkJSON runs the check and reads what it says.
func checkJSON(t *testing.T, want int) (found checked) {
	t.Helper()
	out, errOut, code := settledWith(t, "", "config", "check", "--json")
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != want {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errOut)
	}
	return found
}

func TestConfigCheckOfALiveInstallation(t *testing.T) {
	liveShop(t)
	if found := checkJSON(t, exitOK); found.Environment != "live" || found.Merchants != 1 || len(found.Warnings) != 0 || len(found.Problems) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestConfigCheckWarnsOfRisks(t *testing.T) {
	path := liveShop(t, func(f *config.File) {
		f.Merchants[0].Proofs = config.ProofsFile{AnybodyMayOrder: true}
		f.Merchants[0].Page.Links = "refused"
	})
	found := checkJSON(t, exitOK)
	if len(found.Warnings) != 1 || found.Warnings[0].Place != "merchants[0].proofs.anybody_may_order" || found.Warnings[0].Line == 0 || found.Warnings[0].File != path {
		t.Errorf("%+v", found)
	}
	_, errOut, code := settledWith(t, "", "config", "check")
	if code != exitOK || !strings.Contains(errOut, "settled: warning: "+path+":") || !strings.Contains(errOut, "anybody can make orders") {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
}

func TestConfigCheckTellsProblemsOneByOne(t *testing.T) {
	liveShop(t, func(f *config.File) {
		f.PublicURL, f.Merchants[0].Proofs = "https://pay.shop.example", config.ProofsFile{}
	})
	found := checkJSON(t, exitConfig)
	if len(found.Problems) != 2 || found.Problems[0].Place != "public_url" || found.Problems[0].Line == 0 || found.Problems[1].Place != "merchants[0].proofs" {
		t.Errorf("%+v", found)
	}
}

// TestConfigCheckOfTheVaultsFile: the keys of a live installation are their owner's alone.
func TestConfigCheckOfTheVaultsFile(t *testing.T) {
	liveShop(t)
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o620: true} {
		if err := os.Chmod(os.Getenv("SETTLED_KEYS"), mode); err != nil {
			t.Fatal(err)
		}
		_, errOut, code := settledWith(t, "", "config", "check")
		if refused != (code == exitConfig) || refused && !strings.Contains(errOut, "others than its owner may read or change it; chmod 600 it") {
			t.Errorf("mode %04o: exit code %d\n%s", mode, code, errOut)
		}
	}
}

// TestConfigCheckOfCalendars: one that ends soon is a warning, one that ends before the windows that are planned is an error, at its line.
func TestConfigCheckOfCalendars(t *testing.T) {
	for days, code := range map[int]int{20: exitOK, 10: exitConfig, -3: exitConfig} {
		liveShop(t, func(f *config.File) {
			f.Calendars["all"] = config.CalendarFile{Horizon: time.Now().AddDate(0, 0, days).Format(time.DateOnly)}
			f.Centers[0].Capabilities = config.CapabilitiesFile{FinancialRecord: true}
			f.Centers[0].Clearing = &clearing.Settings{Member: "123456", Acquirer: "412345", Calendar: "all", Mode: "production",
				Windows: []clearing.WindowSettings{{No: 1, Cutoff: "23:00", Deadline: "23:45"}},
				SFTP: clearing.SFTPSettings{Address: "sftp.pc-c.by:22", User: "settled", PasswordFile: write(t, filepath.Join(t.TempDir(), "password"), "Trawler7Harbor"),
					HostKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVxRXqZxt3pVqB5W8vXw2v3gV9mQ0d0h8nX6yS8cQ2E"}}}
			f.Centers[0].Online = online.Settings{Address: "online.pc-c.by:7001", Acquirer: "123456", Link: online.PrivateLine}
		})
		found := checkJSON(t, code)
		told := append(found.Warnings, found.Problems...)
		if len(told) != 1 || told[0].Place != "calendars.all.horizon" || told[0].Line == 0 || (len(found.Problems) == 1) != (code == exitConfig) {
			t.Errorf("%d days: %+v", days, found)
		}
	}
}

func TestPasswordHashRefusesWeakOnes(t *testing.T) {
	for password, want := range map[string]string{"Heron7Meado": "has 11 characters", "heronmeadowgrass": "all letters", "839201748265": "all digits",
		"Password2026": "well-known words", "north7star41X": "beside names", "Heron 7 Meadow 21": "of Latin letters and digits", "": "has 0 characters"} {
		out, errOut, code := settledWith(t, password+"\n", "password-hash", "--login", "north7star")
		if code != exitUsage || out != "" || !strings.Contains(errOut, want) || password != "" && strings.Contains(errOut, password) {
			t.Errorf("%q: exit code %d, %s%s", password, code, out, errOut)
		}
	}
}
