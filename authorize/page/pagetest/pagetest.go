// Package pagetest opens pages in a real browser for tests.
//
// One headless Chromium with an empty profile is started per test binary, when the first test asks; each [Tab] has
// cookies and storage of its own. A TestMain that calls [Main] ends it. Where there is no Chromium, tests are skipped,
// and fail when CI=true or SETTLED_REQUIRE_ALL=1. SETTLED_CHROMIUM names the program to use.
//
// go test -screenshots DIR writes a picture for each [Tab.Picture].
package pagetest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "directory that browser tests write pictures of pages to")

// patience is how long one test may keep its tab.
const patience = 5 * time.Minute

// Main runs the tests of a package and ends the browser before it exits. Use: func TestMain(m *testing.M) { pagetest.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var (
	once    sync.Once
	browser context.Context // of the shared browser; nil when it did not start
	end     context.CancelFunc
	profile string
	failure error
)

// Stop ends the browser, if one was started. [Main] does it; a TestMain of its own may call it.
func Stop() error {
	if browser == nil {
		return nil
	}
	err := chromedp.Cancel(browser)
	end()
	if gone := os.RemoveAll(profile); err == nil {
		err = gone
	}
	return err
}

// Browser opens an empty tab of a size in CSS pixels. A width below 600 is a phone with a touch screen. Without scripts
// the tab is a browser whose JavaScript is switched off.
func Browser(t testing.TB, width, height int, scripts bool) *Tab {
	t.Helper()
	once.Do(start)
	if failure != nil {
		Missing(t, failure)
	}
	ctx, close := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(func() { cancel(); close() })
	tab := &Tab{t: t, ctx: ctx, width: int64(width), height: int64(height)}
	tab.prepare(scripts)
	return tab
}

// Missing skips a test for want of a program, or fails it where nothing may be missing.
func Missing(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("SETTLED_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func start() {
	program, err := find()
	if err != nil {
		failure = err
		return
	}
	if profile, failure = os.MkdirTemp("", "settled-browser-"); failure != nil {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("lang", "en-US"))
	var allocator context.Context
	allocator, end = chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ = chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		browser, failure = nil, fmt.Errorf("start %s: %w", program, err)
		end()
		_ = os.RemoveAll(profile)
	}
}

func find() (string, error) {
	if named := os.Getenv("SETTLED_CHROMIUM"); named != "" {
		return named, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no Chromium: install the package chromium, or name the program in SETTLED_CHROMIUM")
}
