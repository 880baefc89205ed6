package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"settled/internal/pcsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) string { return "" }

// TestRunsAlone starts the program, reads what it prints, uses it to reach all three doors, and stops it.
func TestRunsAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, w := io.Pipe()
	done := make(chan error, 1)
	root := filepath.Join(t.TempDir(), "pc")
	go func() {
		err := run(ctx, []string{"-online", "127.0.0.1:0", "-sftp", "127.0.0.1:0", "-status", "127.0.0.1:0", "-bank", "127.0.0.1:0", "-threeds", "127.0.0.1:0", "-root", root,
			"-shop", "127.0.0.1:0", "-shop-merchant", "700001", "-shop-login", "shop_700001", "-shop-password", "password1", "-shop-secret-word", "secret"}, noEnv, w)
		w.Close()
		done <- err
	}()
	lines := bufio.NewScanner(r)
	facts := map[string]string{}
	for lines.Scan() && lines.Text() != "" {
		name, fact, _ := strings.Cut(lines.Text(), "  ")
		facts[name] = strings.TrimSpace(fact)
	}
	for range len(pcsim.Cards()) + len(pcsim.ACSCards()) + len(pcsim.TestAmounts()) + 5 {
		lines.Scan()
	}

	conn, err := net.Dial("tcp", facts["online"])
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	sftpAddr, _, _ := strings.Cut(facts["sftp"], ",")
	_, password, _ := strings.Cut(facts["login"], "password ")
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(facts["host key"]))
	if err != nil {
		t.Fatal(err)
	}
	session, err := ssh.Dial("tcp", sftpAddr, &ssh.ClientConfig{
		User: "acquirer", Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.FixedHostKey(key),
	})
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	checkStatus(t, facts["status"])
	bank, unit, _ := strings.Cut(facts["bank"], ", ")
	if unit != "amounts in rubles" || !strings.HasPrefix(facts["bank key"], "settled, secret ") {
		t.Errorf("bank %q, key %q", facts["bank"], facts["bank key"])
	}
	checkBank(t, bank)
	checkDown(t, facts["status"], bank)
	checkACS(t, facts["threeds"])
	checkShop(t, facts["shop"])

	cancel()
	if !lines.Scan() || lines.Text() != "stopped" {
		t.Errorf("last line %q", lines.Text())
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// checkACS expects the 3-D Secure server to be there and to refuse strangers.
func checkACS(t *testing.T, fact string) {
	t.Helper()
	url, secret, _ := strings.Cut(fact, ", key settled, secret ")
	if len(secret) < 16 {
		t.Errorf("no secret in %q", fact)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(url+"/v1/authentications", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the 3-D Secure server answers a stranger with %d", resp.StatusCode)
	}
}

// checkShop expects the shop to sell something, and to say where notifications go.
func checkShop(t *testing.T, fact string) {
	t.Helper()
	address, receiver, _ := strings.Cut(fact, ", notifications to ")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), `id="buy"`) || receiver != address+"/notify" {
		t.Errorf("shop %q: %v\n%s", fact, err, text)
	}
}

// checkBank expects the bank to be there and to refuse strangers.
func checkBank(t *testing.T, url string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url + "/v1/banks")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the bank answers a stranger with %d", resp.StatusCode)
	}
}

func checkStatus(t *testing.T, url string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var status pcsim.Status
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	if status.Name != "pc-a" || status.Logins != 1 {
		t.Errorf("status %+v", status)
	}
}

// checkDown takes the bank off the network and brings it back over the status page, which tells what the bank holds.
func checkDown(t *testing.T, page, bank string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(method, url string) string {
		t.Helper()
		request, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			return "unreachable"
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var status pcsim.BankStatus
	if err := json.Unmarshal([]byte(ask("GET", page+"bank")), &status); err != nil || status.URL != bank || status.Payments == nil {
		t.Errorf("status of the bank %+v, %v", status, err)
	}
	if got := ask("POST", page+"bank/down"); got != "the bank is down\n" || ask("GET", bank) != "unreachable" {
		t.Errorf("bank taken down: %q", got)
	}
	if got := ask("POST", page+"bank/up"); got != "the bank is up\n" || ask("GET", bank) == "unreachable" {
		t.Errorf("bank brought back: %q", got)
	}
}

func TestSettings(t *testing.T) {
	env := func(name string) string {
		return map[string]string{"PCSIM_SEED": "7", "PCSIM_MODEL": "single-message", "PCSIM_REPLY_DELAY": "1m"}[name]
	}
	s, err := parse([]string{"-seed", "9"}, env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s.Seed != 9 || s.Model != pcsim.SingleMessage || s.Replies.Delay.Minutes() != 1 {
		t.Errorf("settings %+v", s.Options)
	}
	for _, args := range [][]string{
		{"-model", "x"}, {"-sequence", "x"}, {"-charset", "x"}, {"stray"}, {"-host-key", "/nonexistent"},
		{"-authorized-key", "/nonexistent"}, {"-decline", "x"}, {"-bank-unit", "cents"},
		{"-tls-certificate", "x"}, {"-tls-clients", "/nonexistent"}, {"-mac", "retail", "-mac-key", "00"}, {"-mac", "aes-cmac", "-mac-key", "x"}, {"-mac", "aes-cmac"},
		{"-shop", "127.0.0.1:0"}, {"-shop", "127.0.0.1:0", "-shop-merchant", "1", "-shop-currencies", "XXX"},
	} {
		if _, err := parse(args, noEnv, io.Discard); err == nil {
			t.Errorf("%q accepted", args)
		}
	}
	if _, err := parse(nil, func(n string) string { return map[string]string{"PCSIM_DECLINE": "x"}[n] }, io.Discard); err == nil {
		t.Error("bad environment accepted")
	}
	if err := run(context.Background(), []string{"-member", "1"}, noEnv, io.Discard); err == nil {
		t.Error("bad member id accepted")
	}
	args := []string{"-online", "127.0.0.1:0", "-sftp", "127.0.0.1:0", "-status", "", "-bank", "127.0.0.1:0", "-bank-secret", "short"}
	if err := run(context.Background(), args, noEnv, io.Discard); err == nil {
		t.Error("short secret accepted")
	}
}
