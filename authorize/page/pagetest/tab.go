package pagetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Tab is one browser tab. Its methods fail the test when something does not work.
type Tab struct {
	t             testing.TB
	ctx           context.Context
	width, height int64

	mu         sync.Mutex
	complaints []string // of the browser: violated policies, errors in the console
	requests   []string // URLs
	asked      []string // texts of dialogs
	Refuse     bool     // dialogs are answered with "cancel"
}

// Context is for actions of chromedp that Tab has no word for.
func (tab *Tab) Context() context.Context { return tab.ctx }

func (tab *Tab) prepare(scripts bool) {
	tab.t.Helper()
	tab.check(chromedp.Listen(tab.ctx, tab.hear))
	tab.check(enable(tab.ctx, log.Enable), enable(tab.ctx, audits.Enable))
	phone := tab.width < 600
	_, err := chromedp.Call(tab.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: tab.width, Height: tab.height, ScreenWidth: tab.width, ScreenHeight: tab.height, DeviceScaleFactor: 1, Mobile: phone})
	tab.check(err)
	_, err = chromedp.Call(tab.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: phone})
	tab.check(err)
	// Tests run beside each other: each tab behaves as if it were in front.
	_, err = chromedp.Call(tab.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	tab.check(err)
	_, err = chromedp.Call(tab.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	tab.check(err)
}

func enable[P, R any](ctx context.Context, command cdp.Command[P, R]) error {
	var none P
	_, err := chromedp.Call(ctx, command, none)
	return err
}

// hear notes what the browser says. It runs in the loop that reads the tab's messages.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tab.requests = append(tab.requests, e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			tab.complaints = append(tab.complaints, e.Entry.Text)
		}
	case *audits.EventIssueAdded:
		if csp := e.Issue.Details.ContentSecurityPolicyIssueDetails; csp != nil {
			tab.complaints = append(tab.complaints, fmt.Sprintf("policy %s: %s", csp.ViolatedDirective, csp.BlockedURL))
		}
	case *runtime.EventExceptionThrown:
		tab.complaints = append(tab.complaints, e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		tab.asked = append(tab.asked, e.Message)
		go tab.answer(!tab.Refuse)
	}
}

func (tab *Tab) answer(yes bool) {
	_, _ = chromedp.Call(tab.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: yes})
}

func (tab *Tab) check(errs ...error) {
	tab.t.Helper()
	for _, err := range errs {
		if err != nil {
			tab.t.Fatalf("browser: %v", err)
		}
	}
}

// Dark asks pages for their dark colors, at once: without motion.
func (tab *Tab) Dark() {
	tab.t.Helper()
	tab.colors("dark")
}

// Light asks pages for their light colors, at once: without motion.
func (tab *Tab) Light() {
	tab.t.Helper()
	tab.colors("light")
}

func (tab *Tab) colors(scheme string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	tab.check(err)
}

// Open goes to a URL and waits until it is loaded.
func (tab *Tab) Open(url string) {
	tab.t.Helper()
	tab.Do(chromedp.Navigate(url))
}

// Do runs actions of chromedp. While a page takes the place of another, an element can be found in the one before and be gone when it is to be
// acted on; nothing was done then, and the steps are run anew. Only a first step may look for an element, so that none is done twice.
func (tab *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	err := chromedp.Do(tab.ctx, steps...)
	for range 20 {
		if err == nil || !strings.Contains(err.Error(), "Could not find node with given id") {
			break
		}
		err = chromedp.Do(tab.ctx, steps...)
	}
	tab.check(err)
}

// Press types text, or keys of the package kb, into whatever has the focus.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.Do(chromedp.KeyEvent(keys))
}

// Fill types text into a field.
func (tab *Tab) Fill(selector, text string) {
	tab.t.Helper()
	tab.Do(chromedp.Focus(chromedp.CSS(selector)), chromedp.KeyEvent(text))
}

// Click clicks the element.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Wait waits until the element is visible.
func (tab *Tab) Wait(selector string) {
	tab.t.Helper()
	tab.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Text is what the element shows.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	text, err := chromedp.Run(tab.ctx, chromedp.Text(chromedp.CSS(selector)))
	tab.check(err)
	return strings.TrimSpace(text)
}

// Eval is the value of a JavaScript expression, also where pages may not run scripts.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	tab.check(err)
	return value
}

// URL is the address of the page.
func (tab *Tab) URL() string {
	tab.t.Helper()
	return Eval[string](tab, "location.href")
}

// Dialogs are the texts that the page asked about.
func (tab *Tab) Dialogs() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.asked...)
}

// Clean fails the test if a page violated its policy, an error was logged, or anything was asked of another host than
// those of the URLs.
func (tab *Tab) Clean(allowed ...string) {
	tab.t.Helper()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, complaint := range tab.complaints {
		tab.t.Errorf("the browser complains: %s", complaint)
	}
	if len(tab.requests) == 0 {
		tab.t.Error("no request was seen: the check looks at nothing")
	}
	for _, request := range tab.requests {
		if !within(request, allowed) {
			tab.t.Errorf("a request to another host: %s", request)
		}
	}
}

func within(request string, allowed []string) bool {
	u, err := url.Parse(request)
	if err != nil || u.Scheme == "data" || u.Scheme == "about" {
		return err == nil
	}
	for _, text := range allowed {
		if a, err := url.Parse(text); err == nil && a.Host == u.Host {
			return true
		}
	}
	return false
}

// Picture writes the whole page as name.png when the flag -screenshots names a directory.
func (tab *Tab) Picture(name string) {
	tab.t.Helper()
	if *screenshots == "" {
		return
	}
	tall := max(tab.height, Eval[int64](tab, "document.documentElement.scrollHeight"))
	shot, err := chromedp.Call(tab.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true),
		Clip:                  &page.Viewport{Width: float64(tab.width), Height: float64(tall), Scale: 1}})
	tab.check(err)
	tab.check(os.MkdirAll(*screenshots, 0o755), os.WriteFile(filepath.Join(*screenshots, name+".png"), shot.Data, 0o644))
}
